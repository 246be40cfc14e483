/** How a fleet grows with its queue, and shrinks when instances have nothing to do. */
import { Duration } from 'aws-cdk-lib';
import {
  AdjustmentType,
  MetricAggregationType,
  StepScalingAction,
  type AutoScalingGroup,
} from 'aws-cdk-lib/aws-autoscaling';
import { Alarm, ComparisonOperator, TreatMissingData, type Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { AutoScalingAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Construct } from 'constructs';
import type { FleetKeeper } from './fleet-keeper';

/** What a fleet's scaling needs. */
export interface FleetScalingProps {
  /** What grows and shrinks. */
  readonly group: AutoScalingGroup;
  /** Publishes what it follows. */
  readonly keeper: FleetKeeper;
  /** Commands that an instance takes at a time. */
  readonly slotsPerInstance: number;
  /** How long an instance has had no work before it is ended. */
  readonly idleTime: Duration;
}

/** From its start until an instance can take its first command. */
const instanceWarmup = Duration.minutes(3);

/** Instances that are added or ended at once, by how far the metric is: each about doubles the one before. */
const stepSizes = [1, 2, 4, 8, 16] as const;

/** Step scaling and not target tracking: a backlog for each instance cannot be tracked to an empty fleet, which has none.
 * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-using-sqs-queue.html (read 2026-11) */
export class FleetScaling extends Construct {
  /** Operations wait. */
  public readonly queued: Alarm;
  /** Instances have had no work for a while. */
  public readonly idle: Alarm;

  constructor(scope: Construct, id: string, props: FleetScalingProps) {
    super(scope, id);
    const { group, keeper, slotsPerInstance, idleTime } = props;
    this.queued = this.alarm('Queued', keeper.metric('QueuedOperations'), 1, 'Operations wait for an instance.');
    const out = this.action('Out', group);
    stepSizes.forEach((size, index) => {
      const next = stepSizes[index + 1];
      out.addAdjustment({
        adjustment: size,
        // Relative to the threshold of one operation.
        lowerBound: (size - 1) * slotsPerInstance,
        ...(next !== undefined && { upperBound: (next - 1) * slotsPerInstance }),
      });
    });
    this.queued.addAlarmAction(new AutoScalingAction(out));

    const idleMinutes = Math.max(1, Math.ceil(idleTime.toMinutes({ integral: false })));
    this.idle = this.alarm('Idle', keeper.metric('IdleInstances'), idleMinutes, 'Instances have nothing to do.');
    const inward = this.action('In', group);
    stepSizes.forEach((size, index) => {
      const next = stepSizes[index + 1];
      inward.addAdjustment({
        adjustment: -size,
        lowerBound: size - 1,
        ...(next !== undefined && { upperBound: next - 1 }),
      });
    });
    this.idle.addAlarmAction(new AutoScalingAction(inward));
  }

  private alarm(id: string, metric: Metric, evaluationPeriods: number, alarmDescription: string): Alarm {
    return new Alarm(this, id, {
      metric,
      alarmDescription,
      threshold: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  private action(id: string, autoScalingGroup: AutoScalingGroup): StepScalingAction {
    return new StepScalingAction(this, id, {
      autoScalingGroup,
      adjustmentType: AdjustmentType.CHANGE_IN_CAPACITY,
      metricAggregationType: MetricAggregationType.MAXIMUM,
      estimatedInstanceWarmup: instanceWarmup,
    });
  }
}

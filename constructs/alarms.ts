/** Alarms on what should not happen, and only on metrics that the services really publish. */
import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  Metric,
  TreatMissingData,
  type IAlarmAction,
  type IMetric,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { IRule } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { workflowMetrics, type WorkflowMetric } from '../tasks/metric';

/** What is watched. */
export interface WorkflowAlarmsProps {
  /** Whose executions are watched. */
  readonly stateMachine: StateMachine;
  /** The rule that starts them, on the default bus. */
  readonly trigger: IRule;
  /** Where events end that could not be delivered or handled. */
  readonly deadLetters: IQueue;
  /** Whether images are copied to other Regions.
   * @default false */
  readonly copiesImages?: boolean;
}

/** One alarm for each way in which objects can get stuck. They do nothing until you add an action. */
export class WorkflowAlarms extends Construct {
  /** Executions failed: their objects need a redrive, or a new upload. */
  public readonly failed: Alarm;
  /** Executions ran longer than all their deadlines together. */
  public readonly timedOut: Alarm;
  /** Events could not be delivered or handled, and wait in the dead-letter queue. */
  public readonly deadLetters: Alarm;
  /** EventBridge could not start executions, nor keep the events. */
  public readonly undeliverable: Alarm;
  /** Executions had ended, and only the sweep cleaned up after them, hours later. */
  public readonly stuck: Alarm;
  /** Copies of images in other Regions failed, or took too long; only where images are copied. */
  public readonly imageCopies: Alarm | undefined;
  public readonly all: readonly Alarm[];

  constructor(scope: Construct, id: string, props: WorkflowAlarmsProps) {
    super(scope, id);
    const { stateMachine, deadLetters, trigger } = props;
    const period = Duration.minutes(5);
    this.failed = this.onAny(
      'Failed',
      stateMachine.metricFailed({ period }),
      'Executions failed. Read the cause in the execution, put it right, then redrive the execution.',
    );
    this.timedOut = this.onAny(
      'TimedOut',
      stateMachine.metricTimedOut({ period }),
      'Executions timed out. See in which state they were, then redrive them.',
    );
    this.deadLetters = this.onAny(
      'DeadLetters',
      deadLetters.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' }),
      'Events could not be delivered or handled. Read ERROR_MESSAGE of the messages, put it right, then start the objects again.',
    );
    this.undeliverable = this.onAny(
      'Undeliverable',
      new Metric({
        namespace: 'AWS/Events',
        metricName: 'InvocationsFailedToBeSentToDlq',
        dimensionsMap: { RuleName: trigger.ruleName },
        statistic: 'Sum',
        period,
      }),
      'Events were lost: EventBridge could neither start an execution nor reach the dead-letter queue. Check their policies.',
    );
    const published = ({ namespace, name, dimension }: WorkflowMetric): Metric =>
      new Metric({
        namespace,
        metricName: name,
        dimensionsMap: { [dimension]: stateMachine.stateMachineName },
        statistic: 'Sum',
        period,
      });
    this.stuck = this.onAny(
      'Stuck',
      published(workflowMetrics.stuckObjects),
      'Executions had ended and nobody had cleaned up after them; their objects say FAILED by now. See why in the log of the cleaner, and redrive them.',
    );
    this.imageCopies =
      (props.copiesImages ?? false)
        ? this.onAny(
            'ImageCopies',
            published(workflowMetrics.failedImageCopies),
            'Images are available, but not all of their copies in other Regions. Read the reason in the records, under image.copies.',
          )
        : undefined;
    const always = [this.failed, this.timedOut, this.deadLetters, this.undeliverable, this.stuck];
    this.all = [...always, ...(this.imageCopies ? [this.imageCopies] : [])];
  }

  /** Has every alarm do this when it goes off, and when it is over. */
  public addAction(...actions: IAlarmAction[]): void {
    for (const alarm of this.all) {
      alarm.addAlarmAction(...actions);
      alarm.addOkAction(...actions);
    }
  }

  private onAny(id: string, metric: IMetric, alarmDescription: string): Alarm {
    return new Alarm(this, id, {
      metric,
      alarmDescription,
      threshold: 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}

/** The keeper of a fleet: a function that looks after it every minute, and the metrics that it publishes. */
import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { Metric, type MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { fleetMetrics, type FleetMetrics } from '../tasks/metric';
import type { Fleet } from '../tasks/operations/settings';
import { tendFleet } from '../tasks/tend-fleet';
import type { LedgerTable } from './ledger-table';
import { TaskFunction } from './task-function';

/** What a keeper needs. */
export interface FleetKeeperProps {
  /** Holds the queue and the slots. */
  readonly ledger: LedgerTable;
  /** Whom it looks after. */
  readonly fleet: Fleet;
  /** The lifecycle hook that holds instances of the fleet's group until their work is done.
   * @default - there is none */
  readonly hookName?: string;
  /** Document of the only workflow whose operations it moves on.
   * @default - those of all workflows on the fleet */
  readonly documentName?: string;
}

/** Looks after a fleet every minute: publishes how many operations wait, hands work to instances that have become ready,
 * and protects those that work or are to be imaged. Some 43,800 invocations a month: about $0.10, and $0.30 for each of its
 * three metrics in months in which there was work. */
export class FleetKeeper extends Construct {
  public readonly function: TaskFunction<typeof tendFleet>;
  public readonly schedule: Rule;
  private readonly fleetId: string;

  constructor(scope: Construct, id: string, props: FleetKeeperProps) {
    super(scope, id);
    const { ledger, fleet, hookName, documentName } = props;
    this.fleetId = fleet.id;
    this.function = new TaskFunction(this, 'Function', {
      task: tendFleet,
      settings: { ledgerTable: ledger.table.tableName, fleet, hookName, documentName },
    });
    ledger.grantOperations(this.function);
    if (hookName !== undefined && fleet.kind === 'autoScalingGroup') {
      this.function.allow(
        new PolicyStatement({
          sid: 'LetInstancesGo',
          actions: ['autoscaling:CompleteLifecycleAction', 'autoscaling:RecordLifecycleActionHeartbeat'],
          resources: [groupArn(this, fleet.groupName)],
        }),
      );
    }
    this.schedule = new Rule(this, 'Schedule', {
      description: 'Looks after the fleet: its queue, its new instances, and those that work.',
      schedule: Schedule.rate(Duration.minutes(1)),
      // What is missed is done a minute later: no retries, no dead letters.
      targets: [new LambdaFunction(this.function.function, { retryAttempts: 0 })],
    });
  }

  /** A metric of the fleet, by minute. There are values only while operations wait or instances run. */
  public metric(metricName: keyof FleetMetrics, options?: MetricOptions): Metric {
    return new Metric({
      namespace: fleetMetrics.namespace,
      metricName,
      dimensionsMap: { [fleetMetrics.dimension]: this.fleetId },
      statistic: 'Maximum',
      period: Duration.minutes(1),
      ...options,
    });
  }
}

/** ARN of a group by its name. The part in the middle is an id that nobody knows beforehand. */
export function groupArn(scope: Construct, groupName: string): string {
  return Stack.of(scope).formatArn({
    service: 'autoscaling',
    resource: 'autoScalingGroup',
    resourceName: `*:autoScalingGroupName/${groupName}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

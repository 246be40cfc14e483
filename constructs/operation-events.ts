/** What happens outside of the state machine: events that move long operations on, and the cleaning after executions that
 * ended badly. Every event is kept in a queue when it could not be handled. */
import { Duration } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule, type EventPattern, type IRule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Grant } from 'aws-cdk-lib/aws-iam';
import type { IDestination } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { cleanUpExecution } from '../tasks/clean-up-execution';
import type { Fleet } from '../tasks/operations/settings';
import { relayEvent } from '../tasks/relay-event';
import { explainFinding } from './known-findings';
import type { LedgerTable } from './ledger-table';
import { TaskFunction } from './task-function';

/** A queue for events that could not be delivered or handled: kept for two weeks, the longest that SQS allows. */
export class DeadLetterQueue extends Construct {
  public readonly queue: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.queue = new Queue(this, 'Resource', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    const reason = 'It is the dead-letter queue of rules and functions, which name it themselves; an alarm watches it.';
    explainFinding(this.queue, 'AwsSolutions-SQS3', reason);
  }
}

/** A destination of failed invocations. CDK's own also allows reading the queue's address and attributes, which Lambda has no use for. */
function queueDestination(queue: Queue): IDestination {
  return {
    bind: (_, target) => {
      Grant.addToPrincipal({ grantee: target, actions: ['sqs:SendMessage'], resourceArns: [queue.queueArn] });
      return { destination: queue.queueArn };
    },
  };
}

/** As long and as often as EventBridge can try at all. */
export const deliveryRetries = { retryAttempts: 185, maxEventAge: Duration.hours(24) };

/** How often executions are looked for that have ended without being cleaned up: 730 short invocations a month. */
const sweepInterval = Duration.hours(1);

/** What the events of a workflow need. */
export interface OperationEventsProps {
  /** Holds the operations. */
  readonly ledger: LedgerTable;
  /** Whose instances' comings and goings matter. */
  readonly fleet: Fleet;
  /** Commands of other documents are not ours. */
  readonly documentName: string;
  /** Names of the states that wait for operations: the cleaner finds those of the last visit by name.
   * @default - it finds them by an index only, which may be a moment behind */
  readonly operationStates?: readonly string[];
  /** Whether instances are imaged. */
  readonly images: boolean;
  /** Vault whose backup jobs are ours.
   * @default - no backups */
  readonly backupVaultName?: string;
  /** Keeps the events that could not be delivered or handled. */
  readonly deadLetters: DeadLetterQueue;
}

/** The relay, which advances operations when SSM, EC2 or AWS Backup report something, and the cleaner, which releases what
 * an execution that ended badly still holds. Both events are best effort: re-checks stand behind the relay, and an hourly
 * look at leases that have ended stands behind the cleaner. */
export class OperationEvents extends Construct {
  public readonly relay: TaskFunction<typeof relayEvent>;
  public readonly cleaner: TaskFunction<typeof cleanUpExecution>;
  /** The rules, by what they match. */
  public readonly rules: readonly IRule[];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: OperationEventsProps,
  ) {
    super(scope, id);
    const ledgerTable = props.ledger.table.tableName;
    const onFailure = queueDestination(props.deadLetters.queue);
    this.relay = new TaskFunction(this, 'Relay', {
      task: relayEvent,
      settings: { ledgerTable, fleetIds: [props.fleet.id], documentName: props.documentName },
      onFailure,
    });
    this.cleaner = new TaskFunction(this, 'Cleaner', {
      task: cleanUpExecution,
      settings: { ledgerTable, documentName: props.documentName, operationStates: props.operationStates },
      onFailure,
      // A sweep may find many executions at once, after an outage.
      timeout: Duration.minutes(5),
    });
    props.ledger.grantOperations(this.relay);
    props.ledger.grantOperations(this.cleaner);
    props.ledger.grant(this.cleaner, 'UpdateItem');
    props.ledger.grantFindByOwner(this.cleaner);
    props.ledger.grantFindExpiredLeases(this.cleaner);
    this.rules = [this.commandRule(), this.instanceRule(), ...this.imageRules(), ...this.backupRules()];
  }

  /** Cleans up after the executions of a state machine that end badly: when that is announced, and at the latest within an
   * hour after the lease of their object has ended. */
  public watch(stateMachine: StateMachine): void {
    this.rule(
      'ExecutionEnded',
      'Releases what an execution holds that failed, timed out or was stopped.',
      {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: [stateMachine.stateMachineArn], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
      },
      this.cleaner,
    );
    stateMachine.grantExecution(this.cleaner, 'states:DescribeExecution');
    new Rule(this, 'Sweep', {
      description: 'Looks for executions that have ended without being cleaned up.',
      schedule: Schedule.rate(sweepInterval),
      targets: [
        this.target(
          this.cleaner,
          RuleTargetInput.fromObject({ sweep: { stateMachineName: stateMachine.stateMachineName } }),
        ),
      ],
    });
  }

  private commandRule(): Rule {
    // The invocation event, not the command event: that one carries the parameters' values to everybody on the bus.
    return this.rule('CommandChanged', 'Looks at commands that may have ended.', {
      source: ['aws.ssm'],
      detailType: ['EC2 Command Invocation Status-change Notification'],
      // AWS does not list the states: what is not known to be on the way may be an end.
      detail: {
        'document-name': [this.props.documentName],
        status: [{ 'anything-but': ['Pending', 'InProgress', 'Delayed', 'Cancelling'] }],
      },
    });
  }

  private instanceRule(): Rule {
    const { fleet } = this.props;
    return this.rule('InstanceChanged', 'Looks at the work of instances that come or go.', {
      source: ['aws.ec2'],
      detailType: ['EC2 Instance State-change Notification'],
      detail: {
        state: ['running', 'stopping', 'stopped', 'shutting-down', 'terminated'],
        ...(fleet.kind === 'instances' && { 'instance-id': fleet.instanceIds }),
      },
    });
  }

  private imageRules(): Rule[] {
    if (!this.props.images) return [];
    return [
      this.rule('ImageChanged', 'Looks at images that have become available or have failed.', {
        source: ['aws.ec2'],
        detailType: ['EC2 AMI State Change'],
      }),
    ];
  }

  private backupRules(): Rule[] {
    const { backupVaultName } = this.props;
    if (backupVaultName === undefined) return [];
    return [
      this.rule('BackupChanged', 'Looks at backup jobs that have ended.', {
        source: ['aws.backup'],
        detailType: ['Backup Job State Change'],
        detail: {
          backupVaultName: [backupVaultName],
          state: ['COMPLETED', 'FAILED', 'ABORTED', 'EXPIRED', 'PARTIAL'],
        },
      }),
    ];
  }

  private rule(
    id: string,
    description: string,
    eventPattern: EventPattern,
    target: { readonly function: TaskFunction['function'] } = this.relay,
  ): Rule {
    return new Rule(this, id, { description, eventPattern, targets: [this.target(target)] });
  }

  private target(lambda: { readonly function: TaskFunction['function'] }, event?: RuleTargetInput): LambdaFunction {
    const deadLetterQueue = this.props.deadLetters.queue;
    return new LambdaFunction(lambda.function, { deadLetterQueue, ...deliveryRetries, event });
  }
}

/** The construct `ObjectWorkflow`: what happens to an object from its claim to its completion, and everything it stands on. */
import { Duration, Stack } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { OnEventOptions, Rule } from 'aws-cdk-lib/aws-events';
import type { Grant, IGrantable, IRole } from 'aws-cdk-lib/aws-iam';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Chain, State, type IChainable, type StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { WorkflowAlarms } from '../constructs/alarms';
import { explainFindings } from '../constructs/known-findings';
import { LedgerTable } from '../constructs/ledger-table';
import { bindSource, type ObjectSource } from '../constructs/object-source';
import { ObjectStore } from '../constructs/object-store';
import type { FleetKeeper } from '../constructs/fleet-keeper';
import { misuse } from '../constructs/misuse';
import { DeadLetterQueue, type OperationEvents } from '../constructs/operation-events';
import type { Processor, ProcessorConfig } from '../constructs/processor';
import { BackupPolicy, Recovery, SnapshotPolicy } from '../constructs/recovery';
import { RunCommandDocument } from '../constructs/run-command-document';
import type { TaskFunction } from '../constructs/task-function';
import { checkHistoryBudget, executionTime, type ExecutionPlan } from './budget';
import { checkLoops, checkRecoverable, launchedSnapshot } from './checks';
import { claimState, conditionFailedError } from './claim';
import { completeState } from './complete';
import { createEvents, createTrigger } from './events';
import { alreadyClaimedState, outcomeRule } from './outcome';
import { grantCommand, grantReadOperations, type WorkflowParts } from './parts';
import { processState } from './process';
import { protectState } from './protect';
import { quarantineRejected, quarantineState } from './quarantine';
import { createCommandLog, createStateMachine } from './state-machine';
import { storeState } from './store';
import { alreadyClaimedError, validateState, validatorState, type ObjectValidator } from './validate';
import { $ } from './workflow-variables';

/** What a workflow is made of. Only `source` and `processor` are needed. */
export interface ObjectWorkflowProps {
  /** Which objects are processed. */
  readonly source: ObjectSource;
  /** Which instances process them, and how. */
  readonly processor: Processor;
  /** Where the results go. Writing them must not start the workflow again.
   * @default - an `ObjectStore` of its own, which keeps results as they are */
  readonly results?: IBucket;
  /** Beginning of the results' keys: ends with `/`.
   * @default - none */
  readonly resultsPrefix?: string;
  /** Where copies of rejected objects go.
   * @default - an `ObjectStore` of its own */
  readonly quarantine?: IBucket;
  /** Beginning of the keys of rejected objects: ends with `/`.
   * @default - none */
  readonly quarantinePrefix?: string;
  /** Whether a rejected object's version is deleted from the source once it is in quarantine.
   * @default false */
  readonly removeRejected?: boolean;
  /** Remembers which object versions are done. Workflows may share one.
   * @default - a `LedgerTable` of its own */
  readonly ledger?: LedgerTable;
  /** When the instance is imaged.
   * @default SnapshotPolicy.everyRun(); never for instances that are launched one by one */
  readonly snapshot?: SnapshotPolicy;
  /** When the results are backed up.
   * @default BackupPolicy.everyRun() */
  readonly backup?: BackupPolicy;
  /** Your own checks, in order, after the workflow's: each throws `Object.Rejected` for what is not acceptable.
   * They may read the source's objects.
   * @default - none */
  readonly validators?: readonly TaskFunction<ObjectValidator>[];
  /** States to go through once the object is accepted. They read `ObjectWorkflow.variables`, not the state input.
   * @default - none */
  readonly afterValidation?: IChainable;
  /** States to go through once the command has ended well.
   * @default - none */
  readonly afterProcessing?: IChainable;
  /** States to go through once the results are stored.
   * @default - none */
  readonly afterStorage?: IChainable;
  /** How long the validators and the states of yours may take together.
   * @default Duration.hours(1) if there are any */
  readonly insertedTime?: Duration;
}

/** An object lands in the source's bucket and, exactly once for each version, it is validated, processed on EC2, its results
 * are stored, the instance is imaged and the results are backed up: one Step Functions state machine, and all it needs.
 * @throws Error at construction when the props contradict each other, with what to change
 * @example
 * ```ts
 * new ObjectWorkflow(this, 'Invoices', { source: { bucket: inbox.bucket, suffix: '.csv' }, processor });
 * ``` */
export class ObjectWorkflow extends Construct {
  /** The variables of the state machine as typed expressions, for the states that you insert.
   * @example new TaskState(this, 'Count lines', { function: countLines, input: { key: ObjectWorkflow.variables.object.key } }) */
  public static readonly variables = $;

  /** Which objects are processed. */
  public readonly source: ObjectSource;
  public readonly stateMachine: StateMachine;
  /** Starts the state machine for each object that is created in the source. */
  public readonly trigger: Rule;
  public readonly ledger: LedgerTable;
  public readonly results: IBucket;
  public readonly quarantine: IBucket;
  /** The SSM document with the command. */
  public readonly document: RunCommandDocument;
  /** The whole output of the commands. */
  public readonly commandLog: LogGroup;
  /** Vault and role of the backups; undefined without backups. */
  public readonly recovery: Recovery | undefined;
  /** The functions that move long operations on and clean up. */
  public readonly events: OperationEvents;
  /** Keeps the events that could not be delivered or handled. */
  public readonly deadLetters: DeadLetterQueue;
  public readonly alarms: WorkflowAlarms;
  /** Looks after the fleet and publishes its metrics; undefined for a fleet that is not an `InstanceFleet`. */
  public readonly keeper: FleetKeeper | undefined;

  private readonly parts: WorkflowParts;

  constructor(scope: Construct, id: string, props: ObjectWorkflowProps) {
    super(scope, id);
    explainFindings(this);
    this.source = props.source;
    bindSource(this, props.source);
    this.ledger = props.ledger ?? new LedgerTable(this, 'Ledger');
    this.results = props.results ?? new ObjectStore(this, 'Results', { lifecycleRules: [] }).bucket;
    this.quarantine = props.quarantine ?? new ObjectStore(this, 'Quarantine').bucket;
    const folders = {
      results: { bucket: this.results, prefix: props.resultsPrefix ?? '' },
      quarantine: { bucket: this.quarantine, prefix: props.quarantinePrefix ?? '' },
    };
    checkLoops(this, props.source, folders);

    const processor = props.processor.bind(this);
    this.document = new RunCommandDocument(this, 'Document', processor);
    this.commandLog = createCommandLog(this);
    const backupPolicy = props.backup ?? BackupPolicy.everyRun();
    const backup = backupPolicy.plan(this.node.path);
    this.recovery = backup || backupPolicy.schedule ? this.createRecovery(backupPolicy) : undefined;

    this.parts = {
      ...folders,
      source: props.source,
      ledger: this.ledger,
      removeRejected: props.removeRejected ?? false,
      processor,
      processDeadline: processor.timeout.plus(processor.queueTimeout),
      insertedTime: props.insertedTime ?? Duration.hours(countInserted(props) === 0 ? 0 : 1),
      document: this.document,
      commandLog: this.commandLog,
      snapshot: this.planSnapshot(props.snapshot, processor),
      backup: backup && this.recovery && { ...backup, recovery: this.recovery },
    };
    for (const role of processor.grantees) this.grantInstance(role);

    const plan = this.plan(props);
    checkHistoryBudget(this.node.path, plan);
    this.stateMachine = createStateMachine(this, this.story(props), executionTime(plan));

    this.deadLetters = new DeadLetterQueue(this, 'DeadLetters');
    this.trigger = createTrigger(this, props.source, this.stateMachine, this.deadLetters);
    const { events, keeper } = createEvents(this, this.parts, this.stateMachine, this.deadLetters);
    this.events = events;
    this.keeper = keeper;
    this.alarms = new WorkflowAlarms(this, 'Alarms', {
      stateMachine: this.stateMachine,
      trigger: this.trigger,
      deadLetters: this.deadLetters.queue,
      copiesImages: (this.parts.snapshot?.options.copyTo ?? []).length > 0,
    });
  }

  /** Allows starting the workflow for an object: `{ "bucket": …, "key": …, "versionId"?: …, "force"?: true }`. */
  public grantStart(grantee: IGrantable): Grant {
    return this.stateMachine.grantStartExecution(grantee);
  }

  /** Allows redriving executions that ended badly, and seeing what became of them. */
  public grantRedrive(grantee: IGrantable): Grant {
    return this.stateMachine.grantExecution(grantee, 'states:RedriveExecution', 'states:DescribeExecution');
  }

  /** Allows reading the records, and the results that they name. */
  public grantReadResults(grantee: IGrantable): Grant {
    return grantReadOperations(grantee, this.parts.results).combine(this.ledger.grantRead(grantee));
  }

  /** Allows the role of an instance what a command needs: Systems Manager, reading the source, writing results and output.
   * Called for every role that the processor knows. */
  public grantInstance(role: IRole): void {
    grantCommand(role, this.parts);
  }

  /** Runs a target for each object that is stored. The event's `detail.output` says where everything is. */
  public onStored(id: string, options?: OnEventOptions): Rule {
    return outcomeRule(this, id, this.stateMachine, 'STORED', options);
  }

  /** Runs a target for each object that is rejected. The event's `detail.output` holds the reasons. */
  public onRejected(id: string, options?: OnEventOptions): Rule {
    return outcomeRule(this, id, this.stateMachine, 'REJECTED', options);
  }

  /** Runs a target for each execution that fails, times out or is stopped. The event's `detail.cause` says why. */
  public onFailed(id: string, options?: OnEventOptions): Rule {
    return outcomeRule(this, id, this.stateMachine, 'FAILED', options);
  }

  /** Executions that have begun: one for each announcement of an object. */
  public metricStarted(options?: MetricOptions): Metric {
    return this.stateMachine.metricStarted(options);
  }

  /** Executions that have ended well: stored, rejected or already claimed. */
  public metricSucceeded(options?: MetricOptions): Metric {
    return this.stateMachine.metricSucceeded(options);
  }

  /** Executions that have failed. */
  public metricFailed(options?: MetricOptions): Metric {
    return this.stateMachine.metricFailed(options);
  }

  /** Executions that have timed out. */
  public metricTimedOut(options?: MetricOptions): Metric {
    return this.stateMachine.metricTimedOut(options);
  }

  /** How long executions take, in milliseconds. */
  public metricTime(options?: MetricOptions): Metric {
    return this.stateMachine.metricTime(options);
  }

  /** Operations that wait for an instance, by minute: what an `InstanceFleet` grows with.
   * @throws Error when the processor's fleet is not an `InstanceFleet`: nobody counts for others */
  public metricQueued(options?: MetricOptions): Metric {
    return this.existingKeeper('metricQueued').metric('QueuedOperations', options);
  }

  /** The same for each instance that is ready. */
  public metricBacklogPerInstance(options?: MetricOptions): Metric {
    return this.existingKeeper('metricBacklogPerInstance').metric('BacklogPerInstance', options);
  }

  private existingKeeper(asked: string): FleetKeeper {
    if (this.keeper !== undefined) return this.keeper;
    throw misuse({
      what: 'The queue of this workflow has no metrics',
      where: this.node.path,
      got: `${asked}() of a workflow whose instances are managed by somebody else`,
      allowed: 'a workflow on an InstanceFleet',
      fix: 'use Processor.fleet(new InstanceFleet(…), …), or leave the metric out',
    });
  }

  /** The states, in the order in which an object meets them. Whatever else goes wrong fails the execution where it happens. */
  private story({ validators = [], afterValidation, afterProcessing, afterStorage }: ObjectWorkflowProps): IChainable {
    const { parts } = this;
    const claim = claimState(this, parts);
    const validate = validateState(this, parts);
    const validations = validators.map((validator) => validatorState(this, parts, validator));
    const process = processState(this, parts);
    const store = storeState(this, parts);
    const protect = protectState(this, parts);
    const complete = completeState(this, parts);

    const alreadyClaimed = alreadyClaimedState(this);
    claim.addCatch(alreadyClaimed, { errors: [conditionFailedError] });
    validate.addCatch(alreadyClaimed, { errors: [alreadyClaimedError] });

    const quarantine = quarantineState(this, parts);
    for (const state of [validate, ...validations, process]) quarantineRejected(state, quarantine);

    return chain(
      claim,
      validate,
      ...validations,
      afterValidation,
      process,
      afterProcessing,
      store,
      afterStorage,
      protect,
      complete,
    );
  }

  /** What is known at synth of the time and the events that an execution takes. */
  private plan(props: ObjectWorkflowProps): ExecutionPlan {
    const { processDeadline, snapshot, backup, insertedTime } = this.parts;
    return {
      process: processDeadline,
      snapshot: snapshot?.deadline,
      backup: backup?.deadline,
      insertedStateCount: countInserted(props),
      insertedTime,
    };
  }

  private planSnapshot(policy: SnapshotPolicy | undefined, { fleet }: ProcessorConfig): WorkflowParts['snapshot'] {
    const launches = fleet.kind === 'launch';
    const plan = (policy ?? (launches ? SnapshotPolicy.never() : SnapshotPolicy.everyRun())).plan(
      this.node.path,
      Stack.of(this).region,
    );
    if (launches && plan !== undefined) throw launchedSnapshot(this);
    return plan;
  }

  private createRecovery({ options, schedule }: BackupPolicy): Recovery {
    checkRecoverable(this, this.results);
    return new Recovery(this, 'Recovery', {
      vault: options.vault,
      scheduled: schedule && { bucket: this.results, schedule, deleteAfter: options.deleteAfter },
    });
  }
}

/** How many states the user has put among those of the workflow. */
function countInserted({
  validators = [],
  afterValidation,
  afterProcessing,
  afterStorage,
}: ObjectWorkflowProps): number {
  const states = [afterValidation, afterProcessing, afterStorage].flatMap((part) =>
    part === undefined ? [] : State.findReachableStates(part.startState, { includeErrorHandlers: true }),
  );
  return states.length + validators.length;
}

/** One after the other, leaving out what is not there. */
function chain(first: IChainable, ...rest: readonly (IChainable | undefined)[]): IChainable {
  return rest.reduce<Chain>((before, next) => (next === undefined ? before : before.next(next)), Chain.start(first));
}

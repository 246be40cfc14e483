/** The construct `ObjectWorkflow`: what happens to an object from its claim to its completion, and everything it stands on. */
import { Duration } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule, type OnEventOptions } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { Grant, type IGrantable, type IRole } from 'aws-cdk-lib/aws-iam';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Chain, State, type IChainable, type StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { WorkflowAlarms } from '../constructs/alarms';
import { LedgerTable } from '../constructs/ledger-table';
import { ObjectStore } from '../constructs/object-store';
import { bindSource, grantReadSource, sourcePattern, type ObjectSource } from '../constructs/object-source';
import { DeadLetterQueue, OperationEvents, deliveryRetries } from '../constructs/operation-events';
import type { Processor, ProcessorConfig } from '../constructs/processor';
import { backupStatements, commandStatements, taskResponseStatements } from '../constructs/operation-permissions';
import { BackupPolicy, Recovery, SnapshotPolicy, sharedJobDeadline } from '../constructs/recovery';
import { RunCommandDocument } from '../constructs/run-command-document';
import type { TaskFunction } from '../constructs/task-function';
import { checkHistoryBudget, executionTime, type ExecutionPlan } from './budget';
import { claimObject, claimTakenError } from './claim';
import { completeState } from './complete';
import { checkLoops, checkRecoverable } from './checks';
import { alreadyClaimedState, objectRejectedState, outcomeRule } from './outcome';
import { processState } from './process';
import { protectState } from './protect';
import { createCommandLog, createStateMachine } from './state-machine';
import { storeState } from './store';
import {
  alreadyClaimedError,
  quarantineRejected,
  quarantineState,
  validateState,
  validatorState,
  type ObjectValidator,
} from './validate';
import * as functions from './workflow-functions';
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
   * @default SnapshotPolicy.everyRun() */
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

  private readonly processor: ProcessorConfig;
  private readonly resultsFolder: functions.Folder;
  private readonly quarantineFolder: functions.Folder;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: ObjectWorkflowProps,
  ) {
    super(scope, id);
    bindSource(this, props.source);
    this.ledger = props.ledger ?? new LedgerTable(this, 'Ledger');
    this.results = props.results ?? new ObjectStore(this, 'Results', { lifecycleRules: [] }).bucket;
    this.quarantine = props.quarantine ?? new ObjectStore(this, 'Quarantine').bucket;
    this.resultsFolder = { bucket: this.results, prefix: props.resultsPrefix ?? '' };
    this.quarantineFolder = { bucket: this.quarantine, prefix: props.quarantinePrefix ?? '' };
    checkLoops(this, props.source, { results: this.resultsFolder, quarantine: this.quarantineFolder });

    this.processor = props.processor.bind(this);
    this.document = new RunCommandDocument(this, 'Document', this.processor);
    this.commandLog = createCommandLog(this);
    for (const role of this.processor.grantees) this.grantInstance(role);
    this.recovery = this.createRecovery();

    const plan = this.plan();
    checkHistoryBudget(this.node.path, plan);
    this.stateMachine = createStateMachine(this, this.story(plan), executionTime(plan));

    this.deadLetters = new DeadLetterQueue(this, 'DeadLetters');
    this.trigger = this.createTrigger();
    this.events = this.createEvents();
    this.alarms = new WorkflowAlarms(this, 'Alarms', {
      stateMachine: this.stateMachine,
      trigger: this.trigger,
      deadLetters: this.deadLetters.queue,
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
    return functions.grantReadOperations(grantee, this.resultsFolder).combine(this.ledger.grantRead(grantee));
  }

  /** Allows the role of an instance what a command needs: Systems Manager, reading the source, writing results and output.
   * Called for every role that the processor knows. */
  public grantInstance(role: IRole): void {
    functions.grantCommand(role, this.props.source, this.resultsFolder, this.commandLog);
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

  /** The states, in the order in which an object meets them. */
  private story(plan: ExecutionPlan): IChainable {
    const { source, validators = [], afterValidation, afterProcessing, afterStorage } = this.props;
    const { ledger, processor } = this;
    const results = this.resultsFolder;
    const alreadyClaimed = alreadyClaimedState(this);
    const quarantine = quarantineState(
      this,
      functions.createQuarantine(this, ledger, source, {
        ...this.quarantineFolder,
        removeOriginal: this.props.removeRejected ?? false,
      }),
    );
    quarantine.next(objectRejectedState(this));

    const claim = claimObject(this, ledger.table, { ...source, bucketName: source.bucket.bucketName });
    claim.addCatch(alreadyClaimed, { errors: [claimTakenError] });

    const validate = validateState(this, functions.createValidate(this, ledger, source));
    validate.addCatch(alreadyClaimed, { errors: [alreadyClaimedError] });
    for (const validator of validators) grantReadSource(validator, source);
    const checks = [validate, ...validators.map((validator) => validatorState(this, validator))];

    const deadline = plan.process;
    const command = {
      processor,
      document: this.document,
      results,
      outputLogGroup: this.commandLog.logGroupName,
      deadline,
    };
    const process = processState(this, functions.createProcess(this, ledger, command), deadline);
    for (const state of [...checks, process]) quarantineRejected(state, quarantine);

    const store = storeState(this, functions.createStore(this, ledger, results));
    const protect = this.createProtect(plan);
    const complete = completeState(this, ledger.table, {
      image: this.snapshotPolicy.policy !== undefined,
      recoveryPoint: this.recovery !== undefined,
    });
    return chain(claim, ...checks, afterValidation, process, afterProcessing, store, afterStorage, protect, complete);
  }

  private plan(): ExecutionPlan {
    const { validators = [], afterValidation, afterProcessing, afterStorage } = this.props;
    const inserted = [afterValidation, afterProcessing, afterStorage].flatMap((part) =>
      part === undefined ? [] : State.findReachableStates(part.startState, { includeErrorHandlers: true }),
    );
    const insertedStateCount = validators.length + inserted.length;
    const { timeout, queueTimeout } = this.processor;
    const { policy: snapshot, options: snapshotOptions } = this.snapshotPolicy;
    const { policy: backup, options: backupOptions } = this.backupPolicy;
    const where = this.node.path;
    return {
      process: timeout.plus(queueTimeout),
      snapshot: snapshot && sharedJobDeadline(where, snapshot, snapshotOptions.deadline),
      backup: backup && sharedJobDeadline(where, backup, backupOptions.deadline),
      insertedStateCount,
      insertedTime: this.props.insertedTime ?? Duration.hours(insertedStateCount === 0 ? 0 : 1),
    };
  }

  private createProtect(plan: ExecutionPlan): IChainable | undefined {
    const { ledger, processor, resultsFolder: results, recovery } = this;
    const { policy: snapshot, options: snapshotOptions } = this.snapshotPolicy;
    const { policy: backup, options: backupOptions } = this.backupPolicy;
    return protectState(
      this,
      snapshot &&
        plan.snapshot && {
          deadline: plan.snapshot,
          function: functions.createSnapshot(this, ledger, {
            policy: snapshot,
            options: snapshotOptions,
            processor,
            deadline: plan.snapshot,
          }),
        },
      backup &&
        plan.backup &&
        recovery && {
          deadline: plan.backup,
          function: functions.createBackup(this, ledger, {
            policy: backup,
            options: backupOptions,
            recovery,
            results,
            deadline: plan.backup,
          }),
        },
    );
  }

  private createRecovery(): Recovery | undefined {
    const { policy, options } = this.backupPolicy;
    if (policy === undefined) return undefined;
    checkRecoverable(this, this.results);
    return new Recovery(this, 'Recovery', { vault: options.vault, encryptionKey: this.results.encryptionKey });
  }

  private createTrigger(): Rule {
    return new Rule(this, 'Trigger', {
      description: `Starts ${this.node.path} for each object that is created`,
      eventPattern: sourcePattern(this.props.source),
      targets: [
        new SfnStateMachine(this.stateMachine, { deadLetterQueue: this.deadLetters.queue, ...deliveryRetries }),
      ],
    });
  }

  private createEvents(): OperationEvents {
    const { recovery, processor } = this;
    const snapshots = this.snapshotPolicy.policy !== undefined;
    const events = new OperationEvents(this, 'Events', {
      ledger: this.ledger,
      fleet: processor.fleet,
      documentName: this.document.documentName,
      images: snapshots,
      backupVaultName: recovery?.vault.backupVaultName,
      deadLetters: this.deadLetters,
    });
    events.watch(this.stateMachine.stateMachineArn);
    // Both go on with whatever operation an event leads to, so they may do what the states' own functions may.
    for (const lambda of [events.relay, events.cleaner]) {
      lambda.allow(
        ...taskResponseStatements(),
        ...commandStatements(this.document.documentArn, processor.instances),
        ...(snapshots ? functions.snapshotStatements(this, this.snapshotPolicy.options, processor) : []),
        ...(recovery ? backupStatements(recovery.vault.backupVaultArn, recovery.role) : []),
      );
    }
    return events;
  }

  private get snapshotPolicy(): SnapshotPolicy {
    return this.props.snapshot ?? SnapshotPolicy.everyRun();
  }

  private get backupPolicy(): BackupPolicy {
    return this.props.backup ?? BackupPolicy.everyRun();
  }
}

/** One after the other, leaving out what is not there. */
function chain(first: IChainable, ...rest: readonly (IChainable | undefined)[]): IChainable {
  return rest.reduce<Chain>((before, next) => (next === undefined ? before : before.next(next)), Chain.start(first));
}

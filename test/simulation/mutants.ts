/** Deliberate one-line breakages of the protocol, each of which the simulation must find, for the right reason. */

/** One breakage. */
export interface Mutant {
  readonly name: string;
  /** Source file of a task, relative to the project; or `template`: the text of the synthesized template. */
  readonly file: string;
  /** What stands there exactly once (in the template: at least once), and what is put in its place. */
  readonly from: string;
  readonly to: string;
  /** The law that it breaks, as the beginning of a violation tells it. Found by another one only, it is not found. */
  readonly law: RegExp;
}

const operations = 'tasks/operations';
const template = 'template';

/** The definition is a text within the template's JSON. */
const escaped = (definition: string): string => definition.replaceAll('"', '\\"');

/** Breakages of the tasks. */
const tasks: readonly Mutant[] = [
  {
    name: 'forget the newest token',
    file: `${operations}/enter-operation.ts`,
    from: 'const entered = { ...operation, taskToken, taskTokenAtMs: nowMs };',
    to: 'const entered = { ...operation, taskToken: operation.taskToken, taskTokenAtMs: nowMs };',
    law: /law 1: execution \S+ failed with ExecutionTimedOut/,
  },
  {
    name: 'begin anew at each re-check',
    file: `${operations}/enter-operation.ts`,
    from: 'const id = operationId({ executionArn: execution.arn, state: execution.state, redriveCount: execution.redriveCount });',
    to: 'const id = operationId({ executionArn: execution.arn, state: execution.state, redriveCount: execution.retryCount });',
    law: /law 2: \d+ operations ran the command/,
  },
  {
    name: 'send a command without having written the intent',
    file: `${operations}/command.ts`,
    from: 'const starting = await context.ledger.saveOperation(',
    to: 'const starting = ((intent: unknown, ..._: unknown[]) => intent as CommandOperation)(',
    law: /law 4: .* was sent to \S+ without one of its slots/,
  },
  {
    name: 'send a command again without looking for the first one',
    file: `${operations}/command.ts`,
    from: 'if (commandId !== undefined) return noteCommand(operation, commandId, context);',
    to: '',
    law: /law 2: .* was sent \d+ times/,
  },
  {
    name: 'count slots instead of leasing them: a slot that was not given back stays taken',
    file: `${operations}/fleet.ts`,
    from: 'const nowMs = context.nowMs();',
    to: 'const nowMs = 0;',
    law: /law 1: [^]*it still waited for a free slot/,
  },
  {
    name: 'hold a slot for ever',
    file: `${operations}/command-end.ts`,
    from: 'return [freeSlot(operation.settings.fleet.id, operation.progress.slot, operation.id)];',
    to: 'return [];',
    law: /law 4: \S+ slot#\S+ is left behind/,
  },
  {
    name: 'write without a condition on the version that was read',
    file: `${operations}/ledger.ts`,
    from: "if (readVersion === 0) return { Put: { Item, ConditionExpression: 'attribute_not_exists(pk)' } };",
    to: 'if (readVersion >= 0) return { Put: { Item } };',
    law: /law [24]: .* (was sent \d+ times|was sent to \S+ without one of its slots|two operations hold)/,
  },
  {
    name: 'report an end only to the token that there was when it came',
    file: `${operations}/advance.ts`,
    from: 'if (operation.completion !== undefined) return report(operation, operation.completion, context);',
    to: `if (operation.completion !== undefined) {
      const isNewer = operation.taskTokenAtMs > operation.completion.atMs;
      return isNewer ? 'waiting' : report(operation, operation.completion, context);
    }`,
    law: /law 1: execution \S+ failed with ExecutionTimedOut/,
  },
  {
    name: 'take a stale token for an error',
    file: `${operations}/completion.ts`,
    from: "new Set(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'])",
    to: 'new Set([])',
    law: /law 1: execution \S+ failed with (TaskTimedOut|TaskDoesNotExist|InvalidToken)/,
  },
  {
    name: 'take an unknown end for a success',
    file: `${operations}/command-status.ts`,
    from: "  InProgress: 'pending',\n  Delayed: 'pending',\n  Cancelling: 'pending',\n  Success: 'succeeded',\n  Failed: 'failed',\n  ExecutionTimedOut",
    to: "  InProgress: 'succeeded',\n  Delayed: 'pending',\n  Cancelling: 'pending',\n  Success: 'succeeded',\n  Failed: 'failed',\n  ExecutionTimedOut",
    law: /law 1: execution \S+ failed with Results.Invalid/,
  },
  {
    name: 'take a cancelled command for a success',
    file: `${operations}/command-status.ts`,
    from: "Cancelled: 'cancelled',\n  InvalidPlatform",
    to: "Cancelled: 'succeeded',\n  InvalidPlatform",
    law: /law 1: execution \S+ failed with Results.Invalid/,
  },
  {
    name: 'trust the event: a command has succeeded when an event says so',
    file: 'tasks/relay-event.ts',
    from: 'await advance(operationIds, surroundings);',
    to: `for (const id of event.detail['status'] === 'Success' ? operationIds : []) {
      const operation = await surroundings.ledger.readOperation(id);
      if (operation?.kind !== 'command' || operation.progress.phase !== 'running') continue;
      const { endInvocation } = await import('./operations/command-end');
      const believed = { Status: 'Success', ResponseCode: 0 } as const;
      if (operation.completion === undefined)
        await endInvocation({ ...operation, progress: operation.progress }, believed, 'succeeded', { ...surroundings, poke: () => undefined });
    }
    await advance(operationIds, surroundings);`,
    law: /law 1: execution \S+ failed with Results.Invalid/,
  },
  {
    name: 'publish results without comparing them with their manifest',
    file: 'tasks/store-results.ts',
    from: 'await checkFiles(context.client(S3Client), outcome, files);',
    to: '',
    law: /law 3: .* has other results than the command wrote/,
  },
  {
    name: 'overwrite a success with a later failure',
    file: `${operations}/object-record.ts`,
    from: '`${condition} AND ${stored}(#storedAttempt)`',
    to: '`${condition} AND (attribute_exists(#storedAttempt) OR ${stored}(#storedAttempt))`',
    law: /law 2: .* was stored and is FAILED now/,
  },
  {
    name: 'leave the results of a forced run that failed in the record',
    file: `${operations}/object-record.ts`,
    from: "await end('STORED', 'attribute_exists', ['results', 'storedResults'])",
    to: "await end('STORED', 'attribute_exists')",
    law: /law [35]: /,
  },
  {
    name: 'let a late handler open a record again that the cleaner has closed',
    file: `${operations}/object-record.ts`,
    from: "'#owner = :me AND (#status = :running OR #failure.#redriveCount < :redriveCount)'",
    to: "'#owner = :me AND (#status = :running OR #failure.#redriveCount <= :redriveCount)'",
    law: /law 1: .* was opened again for an execution that has ended/,
  },
  {
    name: 'never renew the lease of a record',
    file: `${operations}/object-record.ts`,
    from: "'SET #status = :running, #leaseExpiresAt = :lease, #runningIn = :machine' +",
    to: "'SET #status = :running, #leaseExpiresAt = if_not_exists(#leaseExpiresAt, :lease), #runningIn = :machine' +",
    law: /law 2: .* was taken from an execution that works on it/,
  },
  {
    name: 'start a job for each execution',
    file: `${operations}/group-commit.ts`,
    from: "if (job !== undefined && job.failure === undefined) return 'waiting';\n",
    to: '',
    law: /law 4: .* was (made beside another one|started while another one was under way)/,
  },
  {
    name: 'take a backup that began before the results were stored',
    file: `${operations}/group-commit.ts`,
    from: 'if (latest !== undefined && latest.beganAfterMs > operation.needsAfterMs) {',
    to: 'if (latest !== undefined) {',
    law: /law 5: .* names (a backup|an image) older than its results/,
  },
  {
    name: 'wait for a running job whenever it began',
    file: `${operations}/group-commit.ts`,
    from: 'const latest = { beganAfterMs, begunAtMs, outcome: status.outcome };',
    to: 'const latest = { beganAfterMs: context.nowMs() + 0 * beganAfterMs, begunAtMs, outcome: status.outcome };',
    law: /law 5: .* names (a backup|an image) older than its results/,
  },
  {
    name: 'begin a job in the instant in which the results were stored',
    file: `${operations}/group-commit.ts`,
    from: 'Math.max(context.nowMs(), operation.needsAfterMs + 1)',
    to: 'context.nowMs()',
    law: /law 4: job \S+ was made for nobody/,
  },
  {
    name: 'give up when a job has failed once',
    file: `${operations}/group-commit.ts`,
    from: "const isLastTry = failure.retry === 'later' && operation.try >= operation.settings.maximumTries;",
    to: "const isLastTry = failure.retry === 'later';",
    law: /law 1: execution \S+ failed with (Image|Backup)\./,
  },
  {
    name: 'let a job that failed before a redrive fail the redrive',
    file: `${operations}/group-commit.ts`,
    from: ' && beganAfterMs >= createdAtMs',
    to: '',
    law: /law [16]: execution \S+ .*(Image|Backup)\./,
  },
  {
    name: 'adopt no image that exists already',
    file: `${operations}/image.ts`,
    from: "if (name === 'InvalidAMIName.Duplicate')",
    to: "if (name === 'no such error')",
    law: /law 1: execution \S+ failed with InvalidAMIName.Duplicate/,
  },
  {
    name: 'leave an image alone whose instance is gone',
    file: `${operations}/image.ts`,
    from: "return adoptImage(job, context, isStillHidden(job, context) ? hiddenImage : { kind: 'failed', failure });",
    to: "return { kind: 'failed', failure };",
    law: /law 4: nobody knows of image/,
  },
  {
    name: 'start a backup job without an idempotency token',
    file: `${operations}/backup-job.ts`,
    from: 'IdempotencyToken: job.name,',
    to: '',
    law: /law 4: (nobody knows of backup job|backup job \S+ was started while another)/,
  },
  {
    name: 'let the cleaner forget the record',
    file: `${operations}/release-execution.ts`,
    from: 'if (await failRecord(access, failure)) recordsFailed++;',
    to: '',
    law: /law 1: .* is RUNNING for ever/,
  },
  {
    name: 'let the cleaner forget the operations',
    file: `${operations}/release-execution.ts`,
    from: 'if (held.redriveCount > failure.redriveCount) continue;',
    to: 'continue;',
    law: /law 4: command \S+ went on after its execution had ended/,
  },
  {
    name: 'never sweep what the cleaner has not heard of',
    file: 'tasks/clean-up-execution.ts',
    from: 'if (request !== undefined) return sweep(request.sweep.stateMachineName, context);',
    to: 'if (request !== undefined) return { operationIds: [], recordsFailed: 0 };',
    law: /law 1: .* is RUNNING for ever/,
  },
];

/** Breakages that only show where a fleet follows its queue, instances are launched, or images are copied. */
const variantTasks: readonly Mutant[] = [
  {
    name: 'give instances back whose image is waited for',
    file: `${operations}/ledger.ts`,
    from: 'return (await this.readWaiting(partition, 1)).length > 0;',
    to: 'return false;',
    law: /law 1: execution \S+ failed with Instance.Lost/,
  },
  {
    name: 'give instances back before anybody could ask for their image',
    file: `${operations}/command-end.ts`,
    from: 'if (imageAskedWithinSeconds === undefined) return [];',
    to: 'if (imageAskedWithinSeconds !== 0) return [];',
    law: /law 1: execution \S+ failed with Instance.Lost/,
  },
  {
    name: 'never give instances back',
    file: 'tasks/tend-fleet.ts',
    from: 'await setProtection(fleet, idsOf(idle), false, context);',
    to: '',
    law: /law 4: instance \S+ is InService, protected, and there is nothing to do/,
  },
  {
    name: 'let instances go that work',
    file: 'tasks/tend-fleet.ts',
    from: 'isBusy: busy.has(instanceId) }, context)',
    to: 'isBusy: false }, context)',
    law: /law 1: execution \S+ failed with Instance.Lost/,
  },
  {
    name: 'begin images and backups at any time',
    file: `${operations}/group-commit.ts`,
    from: 'return begunAtMs + policy.seconds * 1000;',
    to: 'return begunAtMs;',
    law: /law 4: .* was begun too soon after the one before it/,
  },
  {
    name: 'leave launched instances to themselves',
    file: `${operations}/launch.ts`,
    from: 'await context.client(EC2Client).send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));',
    to: 'await Promise.resolve([context, instanceId, EC2Client, TerminateInstancesCommand]);',
    law: /law 4: instance \S+ was launched for an operation, and is running/,
  },
  {
    name: 'launch an instance without an idempotency token',
    file: `${operations}/launch.ts`,
    from: 'ClientToken: `${runId(operation)}-${launch}`,',
    to: '',
    law: /law 2: several instances were launched for try/,
  },
  {
    name: 'let nobody look for launched instances without an operation',
    file: `${operations}/launch-upkeep.ts`,
    from: 'await terminateInstance(launched.instanceId, context);',
    to: '',
    law: /law 4: instance \S+ was launched for an operation, and is running/,
  },
  {
    name: 'remove an image, and leave its snapshots',
    file: `${operations}/image-upkeep.ts`,
    from: 'DeleteAssociatedSnapshots: true',
    to: 'DeleteAssociatedSnapshots: false',
    law: /law 4: snapshot \S+ in \S+ has outlived its image/,
  },
  {
    name: 'remove images, and leave their copies',
    file: `${operations}/image.ts`,
    from: 'for (const copy of copies) await keepNewImages(settings, copy.imageId, context, copy.region);',
    to: '',
    law: /law 4: image \S+ in eu-west-1 should have been removed/,
  },
  {
    name: 'wait for no copy',
    file: `${operations}/image.ts`,
    from: "if (!isLate && copies.some((copy) => copy.state === 'pending')) return { kind: 'running', jobId: job.jobId };",
    to: '',
    law: /law 5: the copy that \S+ names is pending/,
  },
];

/** Breakages of what is deployed around them. */
const templates: readonly Mutant[] = [
  {
    name: 'look again every minute: let heartbeats not grow',
    file: template,
    from: '$power(2, ',
    to: '$power(1, ',
    law: /law 7: execution \S+ looked \d+ times at/,
  },
  {
    name: 'never look again: wait for the event alone',
    file: template,
    from: escaped('"HeartbeatSeconds":"{%'),
    to: escaped('"TimeoutSeconds":"{% 999999 + 0 *'),
    law: /law 1: execution \S+ (hangs in|failed with (ExecutionTimedOut|States.Timeout))/,
  },
  {
    name: 'catch every error and end in a Fail state',
    file: template,
    from: escaped('"Protect":{'),
    to: escaped(
      '"Given up":{"Type":"Fail","Error":"{% $states.input.Error %}","Cause":"{% $states.input.Cause %}"},' +
        '"Protect":{"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Given up"}],',
    ),
    law: /law 6: /,
  },
  {
    name: 'do without the permission to cancel commands',
    file: template,
    from: '"ssm:CancelCommand"',
    to: '"ssm:ListDocuments"',
    law: /law 8: .* may not ssm:CancelCommand/,
  },
];

/** All mutants. */
export const mutants: readonly Mutant[] = [...tasks, ...variantTasks, ...templates];

/** Deliberate one-line breakages of the protocol, each of which the simulation must find. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

/** One breakage. */
export interface Mutant {
  readonly name: string;
  /** Source file of a task, relative to the project. */
  readonly file: string;
  /** What stands there, exactly once, and what is put in its place. */
  readonly from: string;
  readonly to: string;
}

const operations = 'tasks/operations';

/** All mutants. */
export const mutants: readonly Mutant[] = [
  {
    name: 'send the command again without looking for the first one',
    file: `${operations}/command.ts`,
    from: 'if (commandId !== undefined) return noteCommand(operation, commandId, context);',
    to: '',
  },
  {
    name: 'drop the intent: nothing is written before the command is sent',
    file: `${operations}/command.ts`,
    from: `    { ...operation, progress: { phase: 'starting', slot, intentAtMs: nowMs } },
    takeSlot(fleet.id, leaseFor(operation, slot, nowMs), nowMs),
    leavePlace(operation.place),
  );
  if (starting === undefined) return 'moved';`,
    to: `    operation,
    takeSlot(fleet.id, leaseFor(operation, slot, nowMs), nowMs),
    leavePlace(operation.place),
  );
  if (starting === undefined) return 'moved';
  Object.assign(starting, { progress: { phase: 'starting', slot, intentAtMs: nowMs } });`,
  },
  {
    name: 'forget the newest token',
    file: `${operations}/enter-operation.ts`,
    from: 'const entered = { ...operation, taskToken, taskTokenAtMs: nowMs };',
    to: 'const entered = { ...operation, taskToken: operation.taskToken, taskTokenAtMs: nowMs };',
  },
  {
    name: 'take a slot that another one holds',
    file: `${operations}/ledger.ts`,
    from: "ConditionExpression: 'attribute_not_exists(pk) OR leaseExpiresAtMs <= :now OR operationId = :me',",
    to: "ConditionExpression: 'attribute_not_exists(pk) OR leaseExpiresAtMs > :now OR leaseExpiresAtMs <= :now OR operationId = :me',",
  },
  {
    name: 'hold a slot for ever',
    file: `${operations}/ledger.ts`,
    from: "ConditionExpression: 'operationId = :me',",
    to: "ConditionExpression: 'attribute_not_exists(operationId) OR operationId <> :me',",
  },
  {
    name: 'write without looking at the version',
    file: `${operations}/ledger.ts`,
    from: "ConditionExpression: '#version = :read',",
    to: "ConditionExpression: '#version = :read OR #version <> :read',",
  },
  {
    name: 'start a job for each execution',
    file: `${operations}/group-commit.ts`,
    from: "if (job !== undefined && job.failure === undefined) return 'waiting';\n",
    to: '',
  },
  {
    name: 'take a backup that began before the results were stored',
    file: `${operations}/group-commit.ts`,
    from: 'if (latest !== undefined && latest.beganAfterMs > operation.needsAfterMs) {',
    to: 'if (latest !== undefined) {',
  },
  {
    name: 'wait for a running job whenever it began',
    file: `${operations}/group-commit.ts`,
    from: 'const latest = { beganAfterMs: job.beganAfterMs, outcome: status.outcome };',
    to: 'const latest = { beganAfterMs: context.nowMs(), outcome: status.outcome };',
  },
  {
    name: 'give a job that failed up for good',
    file: `${operations}/group-commit.ts`,
    from: 'if (job?.failure !== undefined && job.beganAfterMs > operation.needsAfterMs) {',
    to: 'if (job?.failure !== undefined) {',
  },
  {
    name: 'do not adopt an image of the same name',
    file: `${operations}/image.ts`,
    from: "if (name === 'InvalidAMIName.Duplicate') return adoptImage(job, context);",
    to: '',
  },
  {
    name: 'start backup jobs without a token',
    file: `${operations}/backup-job.ts`,
    from: '        IdempotencyToken: job.name,\n',
    to: '',
  },
  {
    name: 'take a cancelled command for a success',
    file: `${operations}/command-status.ts`,
    from: "  Cancelled: 'cancelled',\n};",
    to: "  Cancelled: 'succeeded',\n};",
  },
  {
    name: 'take an unknown end for a success: trust the event',
    file: `${operations}/command-status.ts`,
    from: "  InProgress: 'pending',\n  Delayed: 'pending',\n  Cancelling: 'pending',\n  Success: 'succeeded',\n  Failed: 'failed',\n  ExecutionTimedOut",
    to: "  InProgress: 'succeeded',\n  Delayed: 'pending',\n  Cancelling: 'pending',\n  Success: 'succeeded',\n  Failed: 'failed',\n  ExecutionTimedOut",
  },
  {
    name: 'publish without looking at the manifest',
    file: 'tasks/store-results.ts',
    from: 'const files = parseManifest(await readManifest(context.client(S3Client), outcome));',
    to: 'const files = parseManifest(await readManifest(context.client(S3Client), outcome).catch(() => ""));',
  },
  {
    name: 'report an end once only, whichever token waits',
    file: `${operations}/completion.ts`,
    from: "if (operation.reportedToken === operation.taskToken) return 'waiting';",
    to: "if (operation.reportedToken !== undefined) return 'waiting';",
  },
  {
    name: 'take a stale token for an error',
    file: `${operations}/completion.ts`,
    from: 'if (error instanceof Error && staleTokenErrors.has(error.name)) return false;',
    to: '',
  },
  {
    name: 'let the cleaner forget the operations',
    file: 'tasks/clean-up-execution.ts',
    from: 'if (ended.redriveCount > failure.redriveCount) continue;',
    to: 'if (ended.redriveCount >= 0) continue;',
  },
  {
    name: 'let the cleaner forget the record',
    file: 'tasks/clean-up-execution.ts',
    from: 'if (await failRecord(access, failure)) recordsFailed++;',
    to: '',
  },
  {
    name: 'let a later failure overwrite a success',
    file: `${operations}/object-record.ts`,
    from: "(await end(status, 'attribute_not_exists')) ?? (await end('STORED', 'attribute_exists'))",
    to: "(await end(status, 'attribute_not_exists')) ?? (await end(status, 'attribute_exists'))",
  },
];

/** Makes an assembly whose functions are built with the breakage.
 * @throws Error when what is to be replaced does not stand in the source exactly once */
export async function mutateAssembly(assembly: string, mutant: Mutant): Promise<string> {
  const mutated = mkdtempSync(join(tmpdir(), 'object-workflow-simulation-mutant-'));
  cpSync(assembly, mutated, { recursive: true });
  for (const [task, text] of await buildHandlers(mutant)) {
    const original = readFileSync(join('dist', 'handlers', task, 'index.js'), 'utf8');
    for (const folder of readdirSync(mutated).filter((name) => name.startsWith('asset.'))) {
      const file = join(mutated, folder, 'index.js');
      if (readdirSync(join(mutated, folder)).includes('index.js') && readFileSync(file, 'utf8') === original)
        writeFileSync(file, text);
    }
  }
  return mutated;
}

/** The bundles of all handlers, by task. */
async function buildHandlers({ name, file, from, to }: Mutant): Promise<Map<string, string>> {
  const path = resolve(file);
  const source = readFileSync(path, 'utf8');
  if (source.split(from).length !== 2) throw new Error(`The mutant "${name}" does not find its line in ${file} once`);
  const tasks = readdirSync('tasks/handlers').map((entry) => entry.replace(/\.ts$/, ''));
  const { outputFiles } = await build({
    ...{ platform: 'node', target: 'node20', format: 'cjs', bundle: true, minifySyntax: true, minifyWhitespace: true },
    ...{ keepNames: true, legalComments: 'none', write: false, outdir: 'out', logLevel: 'error' },
    entryPoints: tasks.map((task) => ({ in: `tasks/handlers/${task}.ts`, out: task })),
    plugins: [
      {
        name: 'mutant',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, (loaded) =>
            loaded.path === path ? { contents: source.replace(from, () => to), loader: 'ts' } : undefined,
          ),
      },
    ],
  });
  return new Map(outputFiles.map(({ path: output, text }) => [output.split('/').at(-1)!.replace(/\.js$/, ''), text]));
}

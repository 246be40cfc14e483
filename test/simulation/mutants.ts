/** Deliberate one-line breakages of the protocol, each of which the simulation must find. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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
    name: 'forget the newest token',
    file: `${operations}/enter-operation.ts`,
    from: 'const entered = { ...operation, taskToken, taskTokenAtMs: nowMs };',
    to: 'const entered = { ...operation, taskToken: operation.taskToken, taskTokenAtMs: nowMs };',
  },
  {
    name: 'hold a slot for ever',
    file: `${operations}/ledger.ts`,
    from: "ConditionExpression: 'operationId = :me',",
    to: "ConditionExpression: 'attribute_not_exists(operationId) OR operationId <> :me',",
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
    name: 'take an unknown end for a success: trust the event',
    file: `${operations}/command-status.ts`,
    from: "  InProgress: 'pending',\n  Delayed: 'pending',\n  Cancelling: 'pending',\n  Success: 'succeeded',\n  Failed: 'failed',\n  ExecutionTimedOut",
    to: "  InProgress: 'succeeded',\n  Delayed: 'pending',\n  Cancelling: 'pending',\n  Success: 'succeeded',\n  Failed: 'failed',\n  ExecutionTimedOut",
  },
  {
    name: 'let the cleaner forget the record',
    file: 'tasks/clean-up-execution.ts',
    from: 'if (await failRecord(access, failure)) recordsFailed++;',
    to: '',
  },
];

/** Makes an assembly whose functions are built with the breakage.
 * @throws Error when what is to be replaced does not stand in the source exactly once, or was built anew */
export async function mutateAssembly(assembly: string, mutant: Mutant): Promise<string> {
  const mutated = mkdtempSync(join(tmpdir(), 'object-workflow-simulation-mutant-'));
  cpSync(assembly, mutated, { recursive: true });
  const assets = readdirSync(mutated)
    .map((folder) => join(mutated, folder, 'index.js'))
    .filter((file) => file.includes('asset.') && existsSync(file));
  for (const [task, text] of await buildHandlers(mutant)) {
    const original = readFileSync(join('dist', 'handlers', task, 'index.js'), 'utf8');
    const asset = assets.find((file) => readFileSync(file, 'utf8') === original);
    if (asset === undefined)
      throw new Error(`The assembly does not hold dist/handlers/${task}: it was built anew meanwhile`);
    writeFileSync(asset, text);
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

/** `npm run permissions`: takes every single statement out of every template whose permissions are judged, and says which test fails
 * then. Most are missed by the judge itself, which asks what every workflow needs; for the others the test file is run without them.
 * Ends with exit code 1 when nothing fails without a statement and nobody has said why. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import '../fast-synthesis';
import { simulate } from '../../local';
import { changeTemplate, removeFolders, type TemplateJson } from './assemblies';
import * as excuses from './excused-grants';
import { PermissionJudge, type Excuse } from './permission-judge';
import { fingerprint, removeStatement, statementsOf, type TemplateStatement } from './statements';
import type { HookOrder } from './synthesis-hook';

const root = resolve(__dirname, '../..');
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** What became of one removal. */
interface Outcome {
  readonly statement: TemplateStatement;
  readonly name: string;
  /** Absent where nothing failed. */
  readonly foundBy?: string;
  readonly excuse?: Excuse;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { list: { type: 'boolean' } }, allowPositionals: true });
  const files = judgedTestFiles().filter((file) => positionals.every((part) => file.includes(part)));
  const folder = mkdtempSync(join(tmpdir(), 'permissions-'));
  const outcomes: Outcome[] = [];
  try {
    for (const file of files) {
      const found: Outcome[] = [];
      for await (const outcome of tryFile(file, folder)) {
        if (values.list === true || outcome.foundBy === undefined) print(describe(outcome));
        found.push(outcome);
      }
      print(`${file}: ${found.filter(({ foundBy }) => foundBy).length} of ${found.length} found`);
      outcomes.push(...found);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
    removeFolders();
  }
  report(outcomes);
}

function report(outcomes: readonly Outcome[]): void {
  const missed = outcomes.filter(({ foundBy }) => foundBy === undefined);
  const excused = missed.filter(({ excuse }) => excuse !== undefined);
  print(
    `${outcomes.length - missed.length} of ${outcomes.length} removals make a test fail; ${excused.length} cannot be needed here, with a reason; ` +
      `${missed.length - excused.length} unexplained`,
  );
  if (missed.length > excused.length) process.exitCode = 1;
}

/** @returns test files that judge a template */
function judgedTestFiles(): string[] {
  return ['test', 'examples']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    )
    .filter(
      (file) =>
        file.endsWith('.test.ts') && /\bjudge(\(.*\))?\.problems\(/.test(readFileSync(join(root, file), 'utf8')),
    )
    .sort();
}

async function* tryFile(file: string, folder: string): AsyncGenerator<Outcome> {
  const keepIn = mkdtempSync(join(folder, 'kept-'));
  const failed = runTests(file, { keepIn });
  if (failed.length > 0) throw new Error(`Without any removal these fail in ${file}: ${failed.join(', ')}`);
  for (const assembly of readdirSync(keepIn)) yield* tryAssembly(file, join(keepIn, assembly), folder);
}

async function* tryAssembly(file: string, assembly: string, folder: string): AsyncGenerator<Outcome> {
  const { problems: baseline, paths } = await judge(assembly);
  for (const templateFile of readdirSync(assembly).filter((name) => name.endsWith('.template.json'))) {
    const template = JSON.parse(readFileSync(join(assembly, templateFile), 'utf8')) as TemplateJson;
    for (const statement of statementsOf(template)) {
      const changed = changeTemplate(assembly, (copy) => removeStatement(copy, statement), templateFile);
      const found = (await judge(changed)).problems.filter((problem) => !baseline.includes(problem));
      rmSync(changed, { recursive: true, force: true });
      const name = nameOf(paths, statement);
      const foundBy = found[0] ?? runWithout(file, fingerprint(template), statement, folder);
      const excuse = foundBy === undefined ? excuseFor(name, statement) : undefined;
      yield { statement, name, ...(foundBy !== undefined && { foundBy }), ...(excuse && { excuse }) };
    }
  }
}

interface Judgement {
  readonly problems: readonly string[];
  /** Construct paths by logical id. */
  readonly paths: ReadonlyMap<string, string>;
}

/** @returns what the judge says of a template that nothing has run in, but for what is only not needed because nothing has run */
async function judge(assembly: string): Promise<Judgement> {
  try {
    const simulation = await simulate(assembly);
    const own = new PermissionJudge();
    own.add(simulation);
    await simulation.close();
    return {
      problems: own.problems().filter((problem) => !problem.startsWith('not needed: ')),
      paths: new Map(simulation.resources.map(({ logicalId, constructPath }) => [logicalId, constructPath])),
    };
  } catch (error) {
    return { problems: [`cannot be simulated: ${String(error)}`], paths: new Map() };
  }
}

/** Tests that pass alone and have found something, by file: what one statement is for, others mostly are for as well. */
const attentive = new Map<string, readonly string[]>();

/** @returns the tests that fail without the statement; undefined for none */
function runWithout(file: string, from: string, remove: TemplateStatement, folder: string): string | undefined {
  const reportTo = join(folder, 'removed');
  rmSync(reportTo, { force: true });
  const order = { from, remove, reportTo };
  const known = attentive.get(file) ?? [];
  const quickly = known.length === 0 ? [] : runTests(file, order, known);
  if (quickly.length > 0 && existsSync(reportTo)) return quickly.join(' | ');
  const failed = runTests(file, order);
  if (!existsSync(reportTo))
    throw new Error(`The statement was in no template of ${file}: ${remove.logicalId} ${remove.text}`);
  if (failed.length === 0) return undefined;
  const alone = failed.slice(0, 1);
  if (runTests(file, { keepIn: mkdtempSync(join(folder, 'alone-')) }, alone).length === 0) {
    attentive.set(file, [...known, ...alone]);
  }
  return failed.join(' | ');
}

/** @param only Names of the tests to run; all where there is none.
 * @returns names of tests that failed, the first one and whatever its hooks brought down */
function runTests(file: string, order: HookOrder, only: readonly string[] = [], attempt = 1): string[] {
  const pattern = only.map((name) => `^${name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`).join('|');
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      ...['node_modules/jest/bin/jest.js', '--runInBand', '--ci', '--json', '--runTestsByPath', file],
      ...['--setupFiles', join(__dirname, 'synthesis-hook.ts')],
      ...['--testEnvironment', join(__dirname, 'first-failure-environment.ts')],
      ...(only.length === 0 ? [] : ['--testNamePattern', pattern]),
    ],
    {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      env: { ...process.env, PERMISSIONS_ORDER: JSON.stringify(order) },
    },
  );
  if (!stdout.includes('{"')) throw new Error(`jest did not run ${file}: ${stderr}`);
  const { testResults } = JSON.parse(stdout.slice(stdout.indexOf('{"'))) as {
    readonly testResults: readonly {
      readonly message: string;
      readonly status: string;
      readonly assertionResults: readonly {
        readonly fullName: string;
        readonly status: string;
        readonly failureMessages: readonly string[];
      }[];
    }[];
  };
  return testResults.flatMap(({ assertionResults, status, message }) => {
    const failures = assertionResults.filter((one) => one.status === 'failed');
    if (attempt < 3 && failures.some(isLate)) return runTests(file, order, only, attempt + 1);
    const names = failures.map(({ fullName }) => fullName);
    return names.length > 0 || status !== 'failed' ? names : [`the file itself: ${message.slice(0, 200)}`];
  });
}

/** A machine that is busy with other things fails tests as well: those are run again. */
function isLate({ failureMessages }: { readonly failureMessages: readonly string[] }): boolean {
  return failureMessages.some((message) => message.includes('Exceeded timeout'));
}

/** As the judge names policies. */
function nameOf(paths: Judgement['paths'], { logicalId, path }: TemplateStatement): string {
  const own = paths.get(logicalId) ?? logicalId;
  return path[0] === 'AssumeRolePolicyDocument' ? `${own}/AssumeRolePolicy` : own;
}

function excuseFor(name: string, { text }: TemplateStatement): Excuse | undefined {
  const actions = [(JSON.parse(text) as { readonly Action?: string | string[] }).Action ?? []].flat();
  return (Object.values(excuses) as Excuse[]).find(
    ({ policy, action }) => policy.test(name) && (action === undefined || actions.every((one) => action.test(one))),
  );
}

function describe({ name, statement: { text }, foundBy, excuse }: Outcome): string {
  if (foundBy !== undefined) return `✓ ${name}: ${text}\n    ${foundBy.slice(0, 300)}`;
  return `${excuse ? '-' : '✗'} ${name}: ${text}\n    ${excuse ? excuse.reason : 'nothing fails without it'}`;
}

void main();

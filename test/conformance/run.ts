/** `npm run conformance -- [DIR…]`: runs every case below each folder and prints how many match what AWS did. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  columns,
  isReached,
  loadCases,
  ownCasesFolder,
  recordedCasesFolder,
  runCase,
  tally,
  type RanCase,
} from './suite';

const usage = `npm run conformance -- [DIR…] [--area NAME] [--case ID] [--diff] [--json FILE]
  DIR     folders of cases (default: the project's own and ${recordedCasesFolder})
  --case  only the case with this id, or all whose id contains it
  --diff  for each miss: what was recorded and what the engine gave
  --json  write the results of all cases to a file`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      area: { type: 'string' },
      case: { type: 'string' },
      diff: { type: 'boolean' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return say(usage);
  const folders = positionals.length > 0 ? positionals : [ownCasesFolder, recordedCasesFolder];
  const cases = folders
    .flatMap(loadCases)
    .filter(({ id, area }) => (values.area ?? area) === area && id.includes(values.case ?? ''));
  if (cases.length === 0) {
    say(`There are no cases in ${folders.join(', ')}`);
    return 1;
  }
  const ran: RanCase[] = [];
  for (const testCase of cases) ran.push(await runCase(testCase));
  printTable(ran);
  const unexplainedCount = printMisses(ran, values.diff === true);
  const results = ran.map(({ result }) => result);
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(results, null, 1));
  return unexplainedCount > 0 ? 1 : 0;
}

function say(line: string): number {
  process.stdout.write(`${line}\n`);
  return 0;
}

function printTable(ran: readonly RanCase[]): void {
  const header = ['area', 'cases', 'status+output', 'error+cause', 'event types', 'full history'];
  const line = (cells: readonly (string | number)[]): string =>
    cells.map((cell, index) => (index === 0 ? String(cell).padEnd(20) : String(cell).padStart(15))).join('');
  say(line(header));
  const row = (name: string, some: readonly RanCase[]): void => {
    const counts = tally(some.map(({ result }) => result));
    say(line([name, some.length, ...columns.map((column) => counts[column].join('/'))]));
  };
  const areas = [...new Set(ran.map(({ result }) => result.area))].sort();
  for (const area of areas)
    row(
      area,
      ran.filter(({ result }) => result.area === area),
    );
  row(
    'executions',
    ran.filter(({ result }) => result.kind === 'execution'),
  );
  row(
    'API kinds',
    ran.filter(({ result }) => result.kind !== 'execution'),
  );
}

/** Prints the misses, each with its reason.
 * @returns how many have no known reason: known or not, all of them count as missed */
function printMisses(ran: readonly RanCase[], withDifferences: boolean): number {
  let unexplainedCount = 0;
  const reasons = JSON.parse(readFileSync(join(__dirname, 'known-misses.json'), 'utf8')) as Record<string, string>;
  for (const { testCase, actual, result } of ran) {
    if (isReached(result)) continue;
    const missed = columns.filter((column) => result[column] === false).join('+');
    say(`  ${result.area}/${result.id}: ${missed} at ${result.at ?? '?'}`);
    const reason = reasons[result.id];
    if (reason === undefined) unexplainedCount++;
    else say(`      ${reason}`);
    if (!withDifferences) continue;
    say(`      recorded ${JSON.stringify(valueAt(testCase.expected, result.at))}`);
    say(`      got      ${JSON.stringify(valueAt(actual, result.at))}`);
  }
  return unexplainedCount;
}

/** Follows a path such as `$.history[3].taskFailedEventDetails`; JSON text on the way is read. */
function valueAt(value: unknown, path = '$'): unknown {
  const steps = path.match(/\[\d+\]|\["[^"]*"\]|\.\w+/g) ?? [];
  return steps.reduce<unknown>((at, step) => {
    const name = step.startsWith('.') ? step.slice(1) : (JSON.parse(step.slice(1, -1)) as string | number);
    const members = typeof at === 'string' ? (JSON.parse(at) as unknown) : at;
    return (members as Record<string | number, unknown> | undefined)?.[name];
  }, value);
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);

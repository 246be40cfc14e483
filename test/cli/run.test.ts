/** `object-workflow run` over the sales report: what it prints and leaves, for good and for bad objects, and with each fault. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import type { RunResult } from '../../local/cli/run-result';
import { call, Place, type CommandEnd } from './command-line';

const place = new Place();
const salesFile = join(__dirname, '../../examples/sales-report/input/sales.csv');
const header = 'date,product,units,unit_price\n';
const goodFile = place.write('good.csv', `${header}2026-01-02,"Tea, green",2,2.50\n`);

beforeAll(() => {
  // Whatever a run leaves behind would be in here.
  mkdirSync(place.path('tmp'));
  jest.spyOn(os, 'tmpdir').mockReturnValue(place.path('tmp'));
});
afterAll(() => place.clear());
afterEach(() => expect(readdirSync(place.path('tmp'))).toEqual([]));

async function run(...words: readonly string[]): Promise<CommandEnd & { readonly result: RunResult }> {
  const end = await call('run', '--app', place.assembly, '--out', place.path('out'), '--json', ...words);
  return { ...end, result: JSON.parse(end.stdout || '{}') as RunResult };
}

describe('a good object', () => {
  let end: CommandEnd & { readonly result: RunResult };
  beforeAll(async () => {
    end = await run(salesFile);
  });

  test('is stored, with its results on disk, an image and a recovery point', () => {
    const [object] = end.result.objects;

    expect({ exitCode: end.exitCode, outcome: object!.outcome }).toEqual({ exitCode: 0, outcome: 'STORED' });
    expect(object!.results.map(({ path }) => path).sort()).toEqual(['report.csv', 'report.md', 'summary.json']);
    for (const { savedAs, sizeBytes } of object!.results) expect(readFileSync(savedAs)).toHaveLength(sizeBytes);
    expect(object!.image?.imageId).toMatch(/^ami-[0-9a-f]{17}$/);
    expect(object!.recoveryPoint?.recoveryPointArn).toMatch(/^arn:aws:backup:/);
    expect(object!.failure ?? object!.rejection).toBeUndefined();
  });

  test('costs eight transitions', () => {
    expect(end.result).toMatchObject({ transitions: 8, priceUsd: 0.0002, objects: [{ rechecks: 0 }] });
    expect(end.result.executions).toHaveLength(1);
    expect(end.result.virtualMs).toBeGreaterThan(1000);
  });

  test('shows each state once it is left, as plain lines', () => {
    const states = [...end.stderr.matchAll(/^\+\d\d:\d\d:\d\d {2}sales\.csv {2}✓ (.*?) {2}/gm)].map(
      (match) => match[1],
    );

    expect(states.slice(0, 4)).toEqual(['Claim object', 'Validate object', 'Process on EC2', 'Store results']);
    expect(states.slice(4, 7).sort()).toEqual(['Back up results', 'Protect', 'Snapshot instance']);
    expect(states.slice(7)).toEqual(['Complete']);
    expect(end.stderr).toMatch(/sales\.csv {2}succeeded\n/);
    expect(end.stderr).not.toContain('\u001b');
  });

  test('leaves a run whose history, cost and graph can be asked for', async () => {
    const history = await call('history', place.path('out'));
    const events = JSON.parse((await call('history', place.path('out'), '--json')).stdout) as {
      id: number;
      type: string;
    }[];
    const cost = await call('cost', place.path('out'), '--objects', '1000');

    expect(history.stdout).toMatch(/^ +1 +0\.000 s {2}ExecutionStarted/m);
    expect(history.stdout).toContain('ExecutionSucceeded');
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    expect(cost.stdout).toContain('1000 objects: 8000 transitions, $0.2000');
  });

  test('is written over by a second run, which leaves nothing of the first', async () => {
    const again = await run(goodFile);

    expect(again.exitCode).toBe(0);
    expect(readdirSync(place.path('out')).sort()).toEqual(['good.csv', 'run.json']);
    expect(readFileSync(place.path('out/good.csv/report.csv'), 'utf8')).toBe(
      'product,month,units,revenue\n"Tea, green",2026-01,2,5.00\n',
    );
  });

  test('gives the same run for the same seed', async () => {
    const [first, second] = [await run(goodFile), await run(goodFile)];
    const timeless = ({ result }: typeof first) => ({ ...result, realMs: 0 });

    expect(timeless(second)).toEqual(timeless(first));
  });
});

test('several files, also of one name, are objects and versions of their own, each with its folder', async () => {
  mkdirSync(place.path('other'), { recursive: true });
  const other = place.write('other/good.csv', `${header}2026-02-02,Tea,1,9.99\n`);
  const { exitCode, result } = await run(goodFile, other);

  expect(exitCode).toBe(0);
  expect(new Set(result.objects.map(({ versionId }) => versionId)).size).toBe(2);
  expect(readdirSync(place.path('out')).sort()).toEqual(['good.csv', 'good.csv (2)', 'run.json']);
  expect(readFileSync(place.path('out/good.csv (2)/report.csv'), 'utf8')).toContain('Tea,2026-02,1,9.99');
});

test.each([
  ['empty', 'empty.csv', '', { code: 'Empty', text: 'empty' }],
  [
    'a broken CSV',
    'broken.csv',
    `${header}2026-01-02,Tea,1\n`,
    { code: 'ByCommand', text: 'line 2: 3 fields; accepted: 4' },
  ],
  [
    'an image that is called CSV',
    'image.csv',
    Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
    { code: 'ContentMismatch', text: 'image/png' },
  ],
])('a file that is %s is rejected, with what would be accepted', async (_, name, body, expected) => {
  const { exitCode, result } = await run(place.write(name, body));
  const [object] = result.objects;

  expect({ exitCode, outcome: object!.outcome }).toEqual({ exitCode: 1, outcome: 'REJECTED' });
  const [reason] = object!.rejection!.reasons;
  expect(reason!.code).toBe(expected.code);
  expect(`${reason!.message} ${reason!.accepted ?? ''}`).toContain(expected.text);
  expect(object!.rejection!.quarantined).toBeDefined();
  expect(object!.results).toEqual([]);
});

test('a file whose name no rule asks for is not taken, and the summary says which would be', async () => {
  const file = place.write('notes.txt', 'hello');
  const { exitCode, stdout } = await call('run', file, '--app', place.assembly, '--out', place.path('out'));

  expect(exitCode).toBe(1);
  expect(stdout).toContain('incoming/notes.txt  NOT_TAKEN');
  expect(stdout).toContain('incoming/*.csv');
});

test('one bad file among good ones is enough for exit code 1', async () => {
  const { exitCode, result } = await run(goodFile, place.write('bad.csv', 'x\n'));

  expect(exitCode).toBe(1);
  expect(result.objects.map(({ outcome }) => outcome)).toEqual(['STORED', 'REJECTED']);
});

describe('a fault', () => {
  test('lost-event costs re-checks but not the object', async () => {
    const { exitCode, result } = await run(goodFile, '--fault', 'lost-event');

    expect({ exitCode, outcome: result.objects[0]!.outcome }).toEqual({ exitCode: 0, outcome: 'STORED' });
    expect(result.objects[0]!.rechecks).toBeGreaterThan(0);
    expect(result.transitions).toBe(8 + result.objects[0]!.rechecks);
    expect(result.fault).toBe('lost-event');
  });

  test('failed-command fails the execution and keeps the cause', async () => {
    const { exitCode, result, stderr } = await run(goodFile, '--fault', 'failed-command');

    expect({ exitCode, outcome: result.objects[0]!.outcome }).toEqual({ exitCode: 1, outcome: 'FAILED' });
    expect(result.objects[0]!.failure!.cause).toContain('no space left on device');
    expect(stderr).toMatch(/good\.csv {2}failed\n/);
  });

  test('agent-offline delays the object until an instance answers', async () => {
    const { exitCode, result } = await run(goodFile, '--fault', 'agent-offline');

    expect({ exitCode, outcome: result.objects[0]!.outcome }).toEqual({ exitCode: 0, outcome: 'STORED' });
    expect(result.objects[0]!.virtualMs).toBeGreaterThan(20 * 60_000);
  });

  test('bad-object is found by the command and ends in quarantine', async () => {
    const { exitCode, result } = await run(salesFile, '--fault', 'bad-object');

    expect({ exitCode, outcome: result.objects[0]!.outcome }).toEqual({ exitCode: 1, outcome: 'REJECTED' });
    expect(result.objects[0]!.rejection!.reasons[0]!.code).toBe('ByCommand');
  });
});

test('the summary names outcome, results, image, recovery point, transitions with their price, virtual and real time', async () => {
  const { stdout, exitCode } = await call('run', goodFile, '--app', place.assembly, '--out', place.path('out'));

  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^incoming\/good\.csv {2}STORED$/m);
  expect(stdout).toMatch(/^ {2}results +\S*report\.csv {2}\d+ bytes$/m);
  expect(stdout).toMatch(/^ {2}image +ami-/m);
  expect(stdout).toMatch(/^ {2}recovery point +arn:aws:backup:/m);
  expect(stdout).toMatch(/^ {2}transitions +8$/m);
  expect(stdout).toMatch(/^1 object: 1 stored\. 8 transitions, \$0\.000200 on AWS\. .* of virtual time in .* s\.$/m);
});

test('check finds no problem in the synthesized workflow, and names what is wrong elsewhere', async () => {
  const good = await call('check', place.assembly);
  const bad = await call(
    'check',
    place.write('bad.json', '{ "StartAt": "A", "States": { "A": { "Type": "Pass", "Next": "B" } } }'),
  );

  expect(good).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('no problems') as string });
  expect(bad).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('target: B') as string });
});

test('graph draws the synthesized workflow: the picture in the README is up to date', async () => {
  const picture = join(__dirname, '../../examples/sales-report/graph.svg');
  const { exitCode, stdout } = await call('graph', place.assembly, '--out', place.path('graph.svg'));

  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  // If this fails: npm run build && node dist/local/cli/main.js graph examples/sales-report --out examples/sales-report/graph.svg
  expect(readFileSync(picture, 'utf8')).toBe(readFileSync(place.path('graph.svg'), 'utf8'));
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simulate, type ObjectRecord, type SimulatedExecution, type Simulation } from '../../local';
import { synthesizeWorkflow } from '../simulation/assembly';

/** Counts lines; what the file says decides how it ends. */
const command = `
if grep -q '^reject' "$OBJECT_FILE"; then echo 'not a sales file' >&2; exit 65; fi
if grep -q '^fail' "$OBJECT_FILE" && [ ! -e "$HOME/repaired" ]; then echo 'disk on fire' >&2; exit 1; fi
wc -l < "$OBJECT_FILE" | tr -d ' ' > "$RESULTS_DIR/lines"
printf '%s' "$OBJECT_KEY" > "$RESULTS_DIR/key"`;

let assembly: string;
let simulation: Simulation;
let instancesDirectory: string;

beforeAll(() => {
  assembly = synthesizeWorkflow({ command, instanceCount: 1 });
}, 120_000);
afterAll(() => rmSync(assembly, { recursive: true, force: true }));

beforeEach(async () => {
  instancesDirectory = mkdtempSync(join(tmpdir(), 'object-workflow-instances-'));
  simulation = await simulate(assembly, { instancesDirectory });
});
afterEach(async () => {
  await simulation.close();
  rmSync(instancesDirectory, { recursive: true, force: true });
});

const upload = (body: string, key = 'incoming/été (1).csv') =>
  simulation.upload({ key, body, contentType: 'text/csv' });
const commandCount = (): number => simulation.services.ssm.commands.all.size;

async function settledRecord(): Promise<ObjectRecord> {
  await simulation.settle();
  const [record] = simulation.records();
  return record!;
}

test('an uploaded object is claimed, validated, processed, stored, imaged and backed up', async () => {
  const { bucket, key, versionId } = await upload('a\nb\n');
  const record = await settledRecord();
  expect(simulation.executions).toHaveLength(1);
  expect(simulation.executions[0]).toMatchObject({
    status: 'SUCCEEDED',
    enteredStates: [
      'Claim object',
      'Validate object',
      'Process on EC2',
      'Store results',
      'Protect',
      'Snapshot instance',
      'Back up results',
      'Complete',
    ],
  });
  expect(record).toMatchObject({ status: 'STORED', bucket, key, versionId, attempt: 1 });
  const files = await simulation.results(record);
  expect(Object.fromEntries(files.map(({ path, body }) => [path, Buffer.from(body).toString()]))).toEqual({
    key,
    lines: '2\n',
  });
  expect(record).toMatchObject({
    image: { imageId: expect.stringMatching(/^ami-/) },
    recoveryPoint: { recoveryPointArn: expect.stringContaining('recovery-point') },
  });
  expect(simulation.unsupported).toEqual([]);
}, 60_000);

test('an object that the source does not ask for starts nothing', async () => {
  await upload('a\n', 'incoming/readme.txt');
  await upload('a\n', 'elsewhere/a.csv');
  await simulation.settle();
  expect(simulation.executions).toEqual([]);
});

test('a repeated event and a manual start do nothing more; a new version and force do it once more', async () => {
  simulation.services.events.interceptDelivery((delivery, delayMs, deliver) => {
    deliver(delivery, delayMs);
    deliver(delivery, delayMs + 5_000);
  });
  const { bucket, key } = await upload('a\n');
  expect(await settledRecord()).toMatchObject({ status: 'STORED' });
  expect(simulation.executions.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
  expect(commandCount()).toBe(1);
  simulation.startExecution({ bucket, key });
  await simulation.settle();
  expect(simulation.executions.at(-1)!.status).toBe('SUCCEEDED');
  expect(commandCount()).toBe(1);
  await upload('a\nb\n');
  await simulation.settle();
  expect(commandCount()).toBe(2);
  expect(simulation.records()).toHaveLength(2);
  simulation.startExecution({ bucket, key, force: true });
  await simulation.settle();
  expect(commandCount()).toBe(3);
  expect(
    simulation
      .records()
      .map(({ status, attempt }) => [status, attempt])
      .sort(),
  ).toEqual([
    ['STORED', 1],
    ['STORED', 2],
  ]);
}, 60_000);

test('an object that the command rejects is quarantined with the reason; the execution succeeds', async () => {
  await upload('reject me\n');
  const record = await settledRecord();
  expect(record).toMatchObject({ status: 'REJECTED', rejection: { reasons: [{ code: 'ByCommand' }] } });
  expect(JSON.stringify(record['rejection'])).toContain('not a sales file');
  expect(simulation.executions[0]!.status).toBe('SUCCEEDED');
}, 60_000);

test('a failed command fails the execution with its cause in the record; redriven, it succeeds', async () => {
  await upload('fail\n');
  const record = await settledRecord();
  const [execution] = simulation.executions;
  expect(execution!.status).toBe('FAILED');
  expect(execution!.cause).toContain('disk on fire');
  expect(record).toMatchObject({ status: 'FAILED', failure: { cause: expect.stringContaining('disk on fire') } });
  const [command] = simulation.services.ssm.commands.all.values();
  writeFileSync(join(instancesDirectory, command!.invocations[0]!.instanceId, 'home', 'repaired'), '');
  await simulation.call('states', 'RedriveExecution', { executionArn: execution!.arn });
  expect(await settledRecord()).toMatchObject({ status: 'STORED' });
  expect(execution).toMatchObject({ status: 'SUCCEEDED', redriveCount: 1 });
}, 60_000);

test('an execution whose completion was not answered succeeds, although another run was forced meanwhile', async () => {
  await simulation.close();
  let forced: SimulatedExecution | undefined;
  simulation = await simulate(assembly, {
    instancesDirectory,
    faults: [{ kind: 'answer-lost', caller: 'execution', operation: 'dynamodb:UpdateItem', call: 2, times: 1 }],
    onEvent: (event) => {
      const [record] = simulation.records();
      if (event.kind !== 'call' || event.operation !== 'UpdateItem' || record?.status !== 'STORED') return;
      forced ??= simulation.startExecution({ bucket: record.bucket, key: record.key, force: true });
    },
  });
  await upload('a\n');
  expect(await settledRecord()).toMatchObject({ status: 'STORED', storedAttempt: 2 });
  const [first, second] = simulation.executions;
  expect(first!.enteredStates.slice(-2)).toEqual(['Complete', 'Confirm completion']);
  expect(first).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'STORED', object: { attempt: 1 } } });
  expect(second).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'STORED', object: { attempt: 2 } } });
}, 60_000);

test('the same seed gives the same history, another one does not', async () => {
  const historyOf = async (seed: string): Promise<unknown> => {
    const run = await simulate(assembly, { seed });
    await run.upload({ key: 'incoming/a.csv', body: 'a\n', contentType: 'text/csv' });
    await run.settle();
    await run.close();
    return run.executions.map((execution) => execution.history);
  };
  const first = await historyOf('one');
  expect(await historyOf('one')).toEqual(first);
  expect(await historyOf('two')).not.toEqual(first);
}, 120_000);

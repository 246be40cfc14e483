/** How a command and its execution may end, through the whole workflow and real bash: what the ledger and the execution then say. */
import { Duration } from 'aws-cdk-lib';
import { fromItem, toItem } from '../../tasks/attribute-values';
import { simulate, type ObjectRecord, type SimulatedExecution, type Simulation } from '../../local';
import { BackupPolicy, InstanceFleet, ObjectStore, ObjectWorkflow, Processor, SnapshotPolicy } from '../../workflow';
import { oneSubnetFleet } from '../one-subnet-fleet';
import { synthesizeOnce } from './synthesize-once';

/** Does what the object says: each object is a script of its own. */
const command = 'bash "$OBJECT_FILE"';

let simulation: Simulation;

const assembly = synthesizeOnce('Endings', (stack) => {
  const fleet = oneSubnetFleet(stack, { minCapacity: 1, maxCapacity: 1 });
  new ObjectWorkflow(stack, 'Workflow', {
    source: { bucket: new ObjectStore(stack, 'Inbox').bucket },
    processor: Processor.fleet(InstanceFleet.fromAutoScalingGroup(fleet), { command, timeout: Duration.minutes(10) }),
    snapshot: SnapshotPolicy.never(),
    backup: BackupPolicy.never(),
  });
});
beforeEach(async () => {
  simulation = await simulate(assembly());
});
afterEach(() => simulation.close());

async function process(
  script: string,
  key = 'script',
): Promise<{ record: ObjectRecord; execution: SimulatedExecution }> {
  await simulation.upload({ key, body: script, contentType: 'text/plain' });
  await simulation.settle();
  return { record: simulation.records()[0]!, execution: simulation.executions[0]! };
}

const commandCount = () => simulation.services.ssm.commands.all.size;

test.each([
  ['exit code 1', 'echo "no such column" >&2; exit 1', /exit code 1\b[^]*no such column/],
  ['a signal', 'echo "out of luck" >&2; kill -9 $$', /exit code 137[^]*out of luck/],
  ['exit code 194, which would restart the instance', 'echo "restart me" >&2; exit 194', /restart me[^]*exit code 194/],
  [
    '1 MB of output',
    'yes "lots of words" | head -c 1048576 >&2; echo "the end" >&2; exit 3',
    /exit code 3\b[^]*the end/,
  ],
])('a command that ends with %s fails the execution, with the cause in the ledger', async (_, script, cause) => {
  const { record, execution } = await process(script);

  expect({ status: record.status, execution: execution.status }).toEqual({ status: 'FAILED', execution: 'FAILED' });
  expect((record['failure'] as { cause: string }).cause).toMatch(cause);
  expect(execution.cause).toMatch(cause);
  expect(execution.cause!.length).toBeLessThan(8192);
  expect(commandCount()).toBe(1);
});

test('a command that rejects leads to quarantine, with its reasons in the ledger', async () => {
  const { record, execution } = await process('echo "line 3: no date" >&2; exit 65');

  expect({ status: record.status, execution: execution.status }).toEqual({
    status: 'REJECTED',
    execution: 'SUCCEEDED',
  });
  expect(record['rejection']).toMatchObject({
    reasons: [{ code: 'ByCommand', message: expect.stringContaining('line 3: no date') as string }],
    quarantined: { key: expect.stringContaining('script') as string },
  });
});

test('a command that asks for it is tried again, and then stored', async () => {
  const script =
    'n=$(cat "$HOME/tries" || echo 0); echo $((n + 1)) >"$HOME/tries"; [ "$n" -ge 1 ] || exit 75; echo "$n" >"$RESULTS_DIR/n"';
  const { record, execution } = await process(script);

  expect({ status: record.status, execution: execution.status }).toEqual({ status: 'STORED', execution: 'SUCCEEDED' });
  expect(commandCount()).toBe(2);
});

test('a command that asks for it for ever fails after three tries', async () => {
  const { record, execution } = await process('echo "busy" >&2; exit 75');

  expect({ status: record.status, execution: execution.status }).toEqual({ status: 'FAILED', execution: 'FAILED' });
  expect((record['failure'] as { cause: string }).cause).toContain('busy');
  expect(commandCount()).toBe(3);
});

test('a command that does not end is stopped at its timeout and fails the execution', async () => {
  simulation.services.ssm.commands.answer(() => ({ exitCode: 'never', standardError: 'still at it' }));
  const { record, execution } = await process('sleep 100000');

  expect({ status: record.status, execution: execution.status }).toEqual({ status: 'FAILED', execution: 'FAILED' });
  expect((record['failure'] as { cause: string }).cause).toMatch(/ran longer than 600 seconds[^]*still at it/);
  expect(simulation.clock.nowMs() - execution.startedAtMs).toBeGreaterThan(10 * 60_000);
});

test.each([
  'quotes \' and ".sh',
  'spaces  and\ttabs',
  '$(touch /tmp/owned) `touch /tmp/owned`',
  'line\nbreak',
  'file://etc/passwd',
  '-rf',
  '--cli-input-json',
  'ünïcode 日本語 😀',
  '{{ ssm:parameter }}',
  "'; exit 1; '",
])('the key %j is plain data all the way through', async (key) => {
  const { record } = await process(
    'printf "%s" "$OBJECT_KEY" >"$RESULTS_DIR/key"; printf "%s" "$0" >"$RESULTS_DIR/name"',
    key,
  );

  expect({ status: record.status, key: record.key }).toEqual({ status: 'STORED', key });
  const [written] = await simulation.results(record);
  expect(Buffer.from(written!.body).toString('utf8')).toBe(key);
});

describe('an execution whose end is announced to nobody', () => {
  const hourMs = 3_600_000;
  const silence = (source: string): void =>
    simulation.services.events.interceptDelivery((delivery, delayMs, deliver) => {
      if (delivery.event.source !== source) deliver(delivery, delayMs);
    });
  const stuckMetrics = () =>
    simulation.services.logs
      .events()
      .filter(({ message }) => message.includes('StuckObjects'))
      .map(({ message }) => JSON.parse(message) as Record<string, unknown>);
  const ledgerKeys = () =>
    simulation.services.dynamodb
      .items(simulation.services.dynamodb.tableNames[0]!)
      .map((item) => String(fromItem(item as never)['sk']));

  test('leaves its object FAILED with the cause within three hours, and counts it for the alarm', async () => {
    silence('aws.states');
    const { record } = await process('echo "no such column" >&2; exit 1');
    expect(record.status).toBe('RUNNING');

    await simulation.advance(3 * hourMs + 60_000);

    const [found] = simulation.records();
    expect(found).toMatchObject({ status: 'FAILED', failure: { error: 'Command.Failed', redriveCount: 0 } });
    expect(found).not.toHaveProperty('runningIn');
    expect((found!['failure'] as { cause: string }).cause).toContain('no such column');
    expect(stuckMetrics()).toEqual([expect.objectContaining({ StuckObjects: 1, StateMachine: expect.any(String) })]);
  });

  test('gives back its slot and its command when it was stopped', async () => {
    silence('aws.states');
    simulation.services.ssm.commands.answer(() => ({ exitCode: 'never' }));
    await simulation.upload({ key: 'script', body: 'sleep 100000', contentType: 'text/plain' });
    await simulation.advance(60_000);
    const [execution] = simulation.executions;
    simulation.services.states.operations.StopExecution({ executionArn: execution!.arn, cause: 'a mistake' });

    await simulation.advance(3 * hourMs + 60_000);

    expect(simulation.records()).toEqual([
      expect.objectContaining({
        status: 'FAILED',
        failure: expect.objectContaining({ error: 'Execution.Aborted', cause: 'a mistake' }),
      }),
    ]);
    expect(ledgerKeys().filter((key) => /^(slot|waiting)#/.test(key))).toEqual([]);
    expect(
      [...simulation.services.ssm.commands.all.values()].filter(({ status }) => /Pending|InProgress/.test(status)),
    ).toEqual([]);
  });

  test('can be redriven afterwards, and then stores its object', async () => {
    silence('aws.states');
    let isDiskFull = true;
    simulation.services.ssm.commands.answer(() =>
      isDiskFull ? { exitCode: 1, standardError: 'the disk is full' } : undefined,
    );
    const { execution } = await process('echo 1 >"$RESULTS_DIR/n"');
    await simulation.advance(3 * hourMs + 60_000);
    expect(simulation.records()).toEqual([expect.objectContaining({ status: 'FAILED' })]);
    isDiskFull = false;

    simulation.services.states.operations.RedriveExecution({ executionArn: execution.arn });
    await simulation.settle();

    const [record] = simulation.records();
    expect(record).toMatchObject({ status: 'STORED' });
    expect(record).not.toHaveProperty('failure');
  });

  test('is left alone as long as it runs, however old its lease', async () => {
    await simulation.advance(55 * 60_000);
    simulation.services.ssm.commands.answer(() => ({ exitCode: 'never' }));
    await simulation.upload({ key: 'script', body: 'sleep 100000', contentType: 'text/plain' });
    // Just before the full hour: a re-check would renew the lease.
    await simulation.advance(4 * 60_000 + 50_000);
    const { pk, sk } = simulation.records()[0]!;
    await simulation.call('dynamodb', 'UpdateItem', {
      TableName: simulation.services.dynamodb.tableNames[0],
      Key: toItem({ pk, sk }),
      UpdateExpression: 'SET leaseExpiresAt = :long_ago',
      ExpressionAttributeValues: toItem({ ':long_ago': 1 }),
    });
    const described: unknown[] = [];
    simulation.cloud.intercept((call, next) => {
      if (call.operation === 'DescribeExecution') described.push(call.input['executionArn']);
      return next(call);
    });

    await simulation.advance(20_000);

    expect(described).toEqual([simulation.executions[0]!.arn]);
    expect(simulation.records()).toEqual([expect.objectContaining({ status: 'RUNNING' })]);
  });
});

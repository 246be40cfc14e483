/** Invocations that run at once, in every order, and crash before or after any call: what must hold all the same. */
import { createRandom } from '../../local/random';
import type { AwsEvent } from '../../local/services/aws-event';
import type { ServiceCall } from '../../local/services/service';
import { processObject, snapshotInstance } from '../../tasks';
import { Account, ledgerTable, processSettings, type Visit } from './account';

jest.setTimeout(120_000);

const executionOf = (index: number): string => `arn:aws:states:eu-west-1:111122223333:execution:workflow:${index}`;

/** What a run must never do, noted as it happens. */
interface Observed {
  readonly violations: string[];
  readonly sentRunIds: string[];
  crashes: number;
}

/** Lets the calls of all invocations at work go on one at a time, in an order that only the seed decides, and crashes some. */
function interfere(account: Account, seed: string, crashRate: number): Observed {
  const random = createRandom(`${seed}/order`);
  const observed: Observed = { violations: [], sentRunIds: [], crashes: 0 };
  const pending: (() => void)[] = [];
  const dead = new Set<string>();
  let isPumping = false;
  const pump = async (): Promise<void> => {
    isPumping = true;
    while (pending.length > 0) {
      // Everybody comes to the next call before one of them is let through.
      for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
      pending.splice(random.integer(pending.length), 1)[0]!();
      await new Promise((resolve) => setImmediate(resolve));
    }
    isPumping = false;
  };
  const crash = (session: string): never => {
    dead.add(session);
    throw new Error('crashed');
  };
  account.cloud.intercept(async (call, next) => {
    const session = call.principal.session;
    if (session === undefined) return next(call);
    if (dead.has(session)) return crash(session);
    await new Promise<void>((resolve) => {
      pending.push(resolve);
      if (!isPumping) void pump();
    });
    if (dead.has(session)) return crash(session);
    const chance = random.next();
    if (chance < crashRate) {
      observed.crashes++;
      return crash(session);
    }
    const output = await next(call);
    note(account, call, observed);
    if (chance > 1 - crashRate) {
      observed.crashes++;
      return crash(session);
    }
    return output;
  });
  return observed;
}

function note(account: Account, call: ServiceCall, observed: Observed): void {
  if (call.operation === 'SendCommand') {
    const { OperationId } = call.input['Parameters'] as Record<string, string[]>;
    observed.sentRunIds.push(OperationId![0]!);
    const running = [...account.ssm.commands.all.values()].filter((command) =>
      ['Pending', 'InProgress'].includes(command.status),
    );
    if (running.length > account.instanceIds.length) observed.violations.push('more commands than slots');
  }
  if (call.operation === 'TransactWriteItems') {
    const holders = account
      .items('fleet#')
      .filter((item) => String(item['sk']).startsWith('slot#'))
      .map((item) => item['operationId']);
    if (new Set(holders).size < holders.length) observed.violations.push('an operation holds two slots');
  }
}

const instanceEvent = (account: Account): AwsEvent => ({
  source: 'aws.ec2',
  detailType: 'EC2 Instance State-change Notification',
  resources: [],
  detail: { 'instance-id': account.instanceIds[0]!, state: 'running' },
});

async function runCommands(seed: string, crashRate: number) {
  const random = createRandom(seed);
  const account = new Account({ seed, instanceCount: 1 + random.integer(2), eventCopies: 3 });
  await account.pass(30);
  account.ssm.commands.answer(() => ({
    durationMs: 1000 * (1 + random.integer(900)),
    exitCode: random.integer(10) === 0 ? 75 : 0,
  }));
  const observed = interfere(account, seed, crashRate);
  const visits: Visit[] = [];
  for (let index = 0; index < 4; index++) {
    const executionArn = executionOf(index);
    const object = await account.claim(executionArn, String(index));
    visits.push(account.enter(processObject, processSettings, { object }, { executionArn }));
  }
  // Events come more than once and at once, some of them out of nowhere.
  for (let burst = 0; burst < 15; burst++) {
    account.clock.schedule(random.integer(burst < 5 ? 3 : 2400) * 1000, () => {
      const [event = instanceEvent(account)] = [account.events[random.integer(account.events.length + 1)]];
      for (let copy = 0; copy < 3; copy++) void account.relay(event).catch(() => undefined);
    });
  }
  await account.pass(12 * 3600);
  return { account, visits, observed };
}

describe('operations that are moved on by many at once, and crash anywhere', () => {
  const seeds = Array.from({ length: 6 }, (_, index) => `seed-${index}`);

  it.each(seeds)(
    'send each command once, hold one slot each, lose no end and leave nothing behind: %s',
    async (seed) => {
      const { account, visits, observed } = await runCommands(seed, 0.04);
      expect(observed.violations).toEqual([]);
      expect(new Set(observed.sentRunIds).size).toBe(observed.sentRunIds.length);
      for (const visit of visits) {
        expect(visit.status).not.toBe('waiting');
        if (visit.status === 'failed') expect(visit.error).toBe('Command.RetriesExhausted');
      }
      expect(account.items('fleet#')).toEqual([]);
      const ended = account.items('operation#').map((item) => (item['completion'] as { kind: string }).kind);
      const reported = visits.map((visit) => (visit.status === 'succeeded' ? 'success' : 'failure'));
      expect(ended.sort()).toEqual(reported.sort());
    },
  );

  it('crash often enough for that to mean something', async () => {
    const { observed } = await runCommands('crashes', 0.04);
    expect(observed.crashes).toBeGreaterThan(3);
  });

  it.each(seeds.slice(0, 3))('make no more images than begin one after another: %s', async (seed) => {
    const account = new Account({ seed, eventCopies: 3 });
    await account.pass(30);
    const observed = interfere(account, seed, 0.04);
    const visits = [];
    for (let index = 0; index < 4; index++) {
      const executionArn = executionOf(index);
      const object = await account.claim(executionArn, String(index));
      const outcome = {
        ...{ operationId: 'x', instanceId: account.instanceIds[0]!, commandId: 'c', exitCode: 0, resultsBucket: 'r' },
        ...{ resultsPrefix: 'p/', manifestKey: 'p/m', startedAt: '', finishedAt: '' },
      };
      const results = {
        ...{ bucket: 'r', prefix: 'p/', manifestKey: 'p/m', fileCount: 1, totalBytes: 1 },
        storedAt: new Date(account.clock.nowMs()).toISOString(),
      };
      const settings = {
        ...{ ledgerTable, policy: { kind: 'everyRun' }, imageNamePrefix: 'test', deadlineSeconds: 36_000 },
        retention: { count: 5 },
      };
      visits.push(account.enter(snapshotInstance, settings, { object, outcome, results }, { executionArn }));
    }
    await account.pass(12 * 3600);
    expect(visits.map((visit) => visit.status)).toEqual(Array(4).fill('succeeded'));
    expect(account.ec2.images.all.size).toBe(1);
    expect(observed.violations).toEqual([]);
    expect(account.items('images#').map((item) => item['sk'])).toEqual(['group']);
  });
});

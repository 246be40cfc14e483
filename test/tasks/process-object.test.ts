import { cleanUpExecution, processObject } from '../../tasks';
import type { ScriptRequest, ScriptResult } from '../../local/services/ssm';
import type { AwsEvent } from '../../local/services/aws-event';
import { operator, ServiceError } from '../../local/services/service';
import { Account, ledgerTable, processSettings, type AccountOptions } from './account';

jest.setTimeout(30_000);

const execution = 'arn:aws:states:eu-west-1:111122223333:execution:workflow:one';

const instanceEvent = (account: Account): AwsEvent => ({
  ...{ source: 'aws.ec2', detailType: 'EC2 Instance State-change Notification', resources: [] },
  detail: { 'instance-id': account.instanceIds[0]!, state: 'running' },
});

async function start(
  answer: (request: ScriptRequest) => ScriptResult | undefined,
  options: AccountOptions & { settings?: object; count?: number } = {},
) {
  const account = new Account(options);
  await account.pass(30);
  account.ssm.commands.answer(answer);
  const visits = [];
  for (let index = 0; index < (options.count ?? 1); index++) {
    const executionArn = index === 0 ? execution : `${execution}-${index}`;
    const object = await account.claim(executionArn, `incoming/${index}.csv`);
    const settings = { ...processSettings, ...options.settings };
    visits.push(account.enter(processObject, settings, { object }, { executionArn }));
    await account.pass(0);
  }
  return { account, visit: visits[0]!, visits };
}

/** Begins a command whose sending is never answered, so that it is sent as often as the SDK tries. */
async function startUnanswered(settings = {}) {
  const account = new Account();
  await account.pass(30);
  account.ssm.commands.answer(() => ({ durationMs: 3_000_000 }));
  account.cloud.intercept(async (call, next) => {
    const answer = await next(call);
    if (call.operation === 'SendCommand') throw new ServiceError('InternalServerError', 'the answer was lost', 500);
    return answer;
  });
  const object = await account.claim(execution);
  const visit = account.enter(
    processObject,
    { ...processSettings, ...settings },
    { object },
    { executionArn: execution },
  );
  return { account, visit };
}

/** Stops an execution before its command is listed, and lets its cleaner come for the first time, in vain. */
async function stopUnlisted() {
  const { account, visit } = await startUnanswered();
  await account.pass(0);
  account.end(visit);
  await expect(account.cleanUp(execution, { status: 'ABORTED' })).rejects.toMatchObject({ name: 'Task.Transient' });
  // Its record says already that it has ended.
  expect(account.items('object#')).toMatchObject([{ status: 'FAILED' }]);
  return account;
}

describe('process-object', () => {
  it('runs the command once and reports where its results are', async () => {
    const { account, visit } = await start(() => ({ durationMs: 600_000 }));
    await account.pass(3600);
    expect(visit).toMatchObject({ status: 'succeeded', output: { instanceId: account.instanceIds[0], exitCode: 0 } });
    const id = String(visit.output!['operationId']);
    expect(visit.output).toMatchObject({
      resultsBucket: 'results',
      resultsPrefix: `out/operations/${id}-1/`,
      manifestKey: `out/operations/${id}-1/manifest.tsv`,
    });
    expect(account.ssm.commands.all.size).toBe(1);
  });

  it('finds out by its re-checks what a lost event would have said', async () => {
    const { account, visit } = await start(() => ({ durationMs: 2 * 3_600_000 }), { eventsArrive: false });
    await account.pass(4 * 3600);
    expect(visit.status).toBe('succeeded');
    expect(visit.entries).toBeLessThanOrEqual(1 + 8);
  });

  it('waits for a command that SSM does not show on its instance yet', async () => {
    let hidden = 3;
    const { account, visit } = await start(() => ({ durationMs: 60_000 }));
    account.cloud.intercept((call, next) => {
      if (call.operation !== 'GetCommandInvocation' || hidden-- <= 0) return next(call);
      throw new ServiceError('InvocationDoesNotExist', '');
    });
    await account.pass(3600);
    expect(hidden).toBeLessThan(0);
    expect(visit.status).toBe('succeeded');
    expect(account.ssm.commands.all.size).toBe(1);
  });

  it('keeps an end that was seen while no token was valid, and reports it with the next one', async () => {
    const { account, visit } = await start(() => ({ durationMs: 100_000 }));
    await account.pass(90);
    account.expireToken(visit);
    await account.pass(20);
    const [operation] = account.items('operation#');
    expect(operation).toMatchObject({ completion: { kind: 'success' } });
    expect(visit.status).toBe('waiting');
    await account.pass(3600);
    expect(visit.status).toBe('succeeded');
    expect(account.log.filter((line) => line.level === 'ERROR')).toEqual([]);
  });

  it('never starts a command for a state that does not wait any more, and lets the next in the queue come first', async () => {
    const { account, visits } = await start(() => ({ durationMs: 300_000 }), { count: 3 });
    await account.pass(60);
    account.end(visits[1]!);
    await account.pass(3600);
    expect(visits.map((visit) => visit.status)).toEqual(['succeeded', 'ended', 'succeeded']);
    expect(account.ssm.commands.all.size).toBe(2);
    // It might have come back: whoever looks next takes it off the list.
    await account.relay(instanceEvent(account));
    expect(account.items('fleet#')).toEqual([]);
  });

  it('keeps the turn of an operation that is between two tokens, and its slot free', async () => {
    const { account, visits } = await start(() => ({ durationMs: 300_000 }), { count: 3 });
    const [first] = account.items('fleet#').filter(({ sk }) => String(sk).startsWith('waiting#'));
    const id = String(first!['operationId']);
    const executionArn = String(account.item(`operation#${id}`, 'operation')!['owner']);
    const index = visits.findIndex((visit) => visit.executionArn === executionArn);
    await account.pass(299);
    account.expireToken(visits[index]!);
    await account.pass(10);
    expect(account.ssm.commands.all.size).toBe(1);
    const object = await account.claim(executionArn, `incoming/${index}.csv`);
    account.enter(processObject, processSettings, { object }, { executionArn });
    await account.pass(1);
    expect(account.item(`operation#${id}`, 'operation')).toMatchObject({ progress: { phase: 'running' } });
    expect(account.ssm.commands.all.size).toBe(2);
  });

  it('leaves an operation to its next token after it was asked about, however old the last one is', async () => {
    const { account, visits } = await start(() => ({ durationMs: 3_500_000 }), { count: 2 });
    let isRefused = false;
    account.cloud.intercept((call, next) => {
      if (call.operation !== 'SendCommand' || isRefused || account.ssm.commands.all.size === 0) return next(call);
      isRefused = true;
      throw new Error('the function crashed');
    });
    // The second takes the slot of the first, asks whether it is awaited, and goes no further: its state waits half an hour from then on.
    await account.pass(3_510);
    expect(isRefused).toBe(true);
    await account.pass(1_780);
    account.expireToken(visits[1]!);
    await account.relay(instanceEvent(account));
    await account.pass(3 * 3600);
    expect(visits.map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
    expect(account.ssm.commands.all.size).toBe(2);
  });

  it('takes a slot whose lease has ended from an operation that nobody moves on', async () => {
    const { account, visit } = await start(() => ({ exitCode: 'never' }), { eventsArrive: false });
    account.end(visit);
    await account.pass(4 * 3600);
    const executionArn = `${execution}-next`;
    account.ssm.commands.answer(() => ({}));
    const object = await account.claim(executionArn, 'next');
    const next = account.enter(processObject, processSettings, { object }, { executionArn });
    await account.pass(3600);
    expect(next.status).toBe('succeeded');
    expect(account.items('fleet#')).toEqual([]);
  });

  it('does not send a second command when the first one’s id was lost, and adopts it', async () => {
    const account = new Account();
    await account.pass(30);
    account.ssm.commands.answer(() => ({ durationMs: 600_000 }));
    let isLost = false;
    account.cloud.intercept(async (call, next) => {
      const output = await next(call);
      if (call.operation !== 'SendCommand' || isLost) return output;
      isLost = true;
      throw new Error('the function crashed');
    });
    const object = await account.claim(execution);
    const visit = account.enter(processObject, processSettings, { object }, { executionArn: execution });
    await account.pass(3600);
    expect(visit.status).toBe('succeeded');
    expect(account.ssm.commands.all.size).toBe(1);
  });

  it('cancels all commands of a try when somebody cancels the one that it had adopted', async () => {
    const { account, visit } = await startUnanswered();
    await account.pass(600);
    const [pointer] = account.items('command#');
    const CommandId = String(pointer!['pk']).replace('command#', '');
    const cancel = { service: 'ssm', operation: 'CancelCommand', input: { CommandId } } as const;
    await account.cloud.call({ ...cancel, principal: operator });
    await account.pass(60);
    expect(visit).toMatchObject({ status: 'failed', error: 'Command.Cancelled' });
    const statuses = [...account.ssm.commands.all.values()].map(({ status }) => status);
    expect(statuses).toEqual(['Cancelled', 'Cancelled', 'Cancelled']);
  });

  it('sends a command whose first sending never reached SSM', async () => {
    const account = new Account();
    await account.pass(30);
    account.ssm.commands.answer(() => ({}));
    let isLost = false;
    account.cloud.intercept((call, next) => {
      if (call.operation !== 'SendCommand' || isLost) return next(call);
      isLost = true;
      throw new Error('the function crashed');
    });
    const object = await account.claim(execution);
    const visit = account.enter(processObject, processSettings, { object }, { executionArn: execution });
    await account.pass(3600);
    expect(visit.status).toBe('succeeded');
    expect(account.ssm.commands.all.size).toBe(1);
  });

  it('sends nothing for an intent that its state does not wait for any more, and frees the slot', async () => {
    const account = new Account();
    await account.pass(30);
    let sentCount = 0;
    account.cloud.intercept((call, next) => {
      if (call.operation === 'SendCommand' && sentCount++ === 0) throw new Error('the function crashed');
      return next(call);
    });
    const object = await account.claim(execution);
    const visit = account.enter(processObject, processSettings, { object }, { executionArn: execution });
    await account.pass(10);
    account.end(visit);
    await account.pass(4 * 3600);
    await account.relay(instanceEvent(account));
    expect(sentCount).toBe(1);
    expect(account.items('fleet#')).toEqual([]);
  });

  it('does not take a slot that another has taken since it was seen to be free', async () => {
    const account = new Account();
    await account.pass(30);
    const slot = { instanceId: account.instanceIds[0]!, number: 1 };
    const taken = { pk: 'fleet#workers', sk: `slot#${slot.instanceId}#1`, ...slot, operationId: 'other' };
    let isTaken = false;
    account.cloud.intercept(async (call, next) => {
      if (call.operation === 'TransactWriteItems' && JSON.stringify(call.input).includes(taken.sk) && !isTaken) {
        isTaken = true;
        await account.write({ ...taken, leaseExpiresAtMs: account.clock.nowMs() + 3_600_000 });
      }
      return next(call);
    });
    const object = await account.claim(execution);
    account.enter(processObject, processSettings, { object }, { executionArn: execution });
    await account.pass(60);
    expect(isTaken).toBe(true);
    expect(account.item(taken.pk, taken.sk)).toMatchObject({ operationId: 'other' });
    expect(account.ssm.commands.all.size).toBe(0);
  });

  it('leaves nothing behind: no slot, no place in the queue', async () => {
    const { account } = await start(() => ({}), { count: 3 });
    await account.pass(3600);
    expect(account.items('fleet#')).toEqual([]);
  });

  it('gives an object that the command rejects to quarantine, with the command’s last words', async () => {
    const { account, visit } = await start(() => ({ exitCode: 65, standardError: 'the column "amount" is missing\n' }));
    await account.pass(3600);
    expect(visit).toMatchObject({ status: 'failed', error: 'Object.Rejected' });
    expect(JSON.parse(visit.cause!)).toEqual({
      reasons: [{ code: 'ByCommand', message: 'the column "amount" is missing' }],
    });
  });

  it('tries a command again that asks for it, and gives up after the last try', async () => {
    const { account, visit } = await start(() => ({ exitCode: 75, standardError: 'licence server is busy' }));
    await account.pass(3600);
    expect(visit).toMatchObject({ status: 'failed', error: 'Command.RetriesExhausted' });
    expect(visit.cause).toContain('licence server is busy');
    const runIds = [...account.ssm.commands.all.values()].map((command) => command.values['OperationId']![0]);
    expect(new Set(runIds).size).toBe(3);
  });

  it('succeeds when a later try does', async () => {
    let runs = 0;
    const { account, visit } = await start(() => ({ exitCode: ++runs === 1 ? 75 : 0 }));
    await account.pass(3600);
    expect(visit.status).toBe('succeeded');
    expect(String(visit.output!['resultsPrefix'])).toMatch(/-2\/$/);
  });

  it('reports a failed script as a failure, with its exit code, its error output and where the rest is', async () => {
    const { account, visit } = await start(() => ({ exitCode: 3, standardError: `${'x'.repeat(9000)}the end` }));
    await account.pass(3600);
    expect(visit).toMatchObject({ status: 'failed', error: 'Command.Failed' });
    expect(visit.cause).toContain('exit code 3');
    expect(visit.cause).toMatch(/s3:\/\/results\/out\/operations\/[0-9a-f]{24}-1\/output\//);
    expect(visit.cause!.length).toBeLessThan(4000);
    expect(account.ssm.commands.all.size).toBe(1);
  });

  it('does not run a command again that ran longer than it may', async () => {
    const { account, visit } = await start(() => ({ exitCode: 'never' }));
    await account.pass(5 * 3600);
    expect(visit).toMatchObject({ status: 'failed', error: 'Command.TimedOut' });
    expect(account.ssm.commands.all.size).toBe(1);
  });

  it('gives slots in the order of arrival, one command at a time on one slot', async () => {
    const running = new Set<string>();
    const order: string[] = [];
    const account = new Account({ instanceCount: 1 });
    await account.pass(30);
    account.ssm.commands.answer((request) => {
      expect(running.size).toBe(0);
      const key = Buffer.from(request.parameters['Environment']![0]!, 'base64').toString();
      order.push(/OBJECT_KEY=([^\0]*)/.exec(key)![1]!);
      running.add(request.commandId);
      account.clock.schedule(119_000, () => running.delete(request.commandId));
      return { durationMs: 120_000 };
    });
    const visits = [];
    for (let index = 0; index < 5; index++) {
      const executionArn = `${execution}-${index}`;
      const object = await account.claim(executionArn, `${index}`);
      visits.push(account.enter(processObject, processSettings, { object }, { executionArn }));
      await account.pass(1);
    }
    await account.pass(3 * 3600);
    expect(visits.map((visit) => visit.status)).toEqual(Array(5).fill('succeeded'));
    expect(order).toEqual(['0', '1', '2', '3', '4']);
  });

  it('lets nobody overtake who came first, when a slot is free before the first has noticed', async () => {
    const account = new Account();
    await account.pass(30);
    account.ssm.commands.answer(() => ({ durationMs: 60_000 }));
    account.ssm.agents.set(account.instanceIds[0]!, { online: false });
    await account.pass(120);
    const visits = [];
    for (const name of ['first', 'second']) {
      const executionArn = `${execution}-${name}`;
      const object = await account.claim(executionArn, name);
      visits.push(account.enter(processObject, processSettings, { object }, { executionArn }));
      await account.pass(5);
      account.ssm.agents.set(account.instanceIds[0]!, { online: true });
    }
    await account.pass(40);
    const [command] = account.ssm.commands.all.values();
    const environment = Buffer.from(command!.values['Environment']![0]!, 'base64').toString();
    expect(environment).toContain('OBJECT_KEY=first\0');
    await account.pass(3600);
    expect(visits.map((visit) => visit.status)).toEqual(['succeeded', 'succeeded']);
  });

  it('uses every slot of every instance', async () => {
    const { account, visits } = await start(() => ({ durationMs: 600_000 }), {
      instanceCount: 2,
      count: 4,
      settings: { fleet: { ...processSettings.fleet, slotsPerInstance: 2 } },
    });
    await account.pass(700);
    expect(visits.map((visit) => visit.status)).toEqual(Array(4).fill('succeeded'));
    const byInstance = visits.map((visit) => visit.output!['instanceId']);
    for (const instanceId of account.instanceIds) expect(byInstance.filter((id) => id === instanceId)).toHaveLength(2);
  });

  it('gives its work to another instance when an instance dies', async () => {
    const { account, visit } = await start(() => ({ durationMs: 600_000 }), { instanceCount: 2 });
    await account.pass(60);
    const [command] = account.ssm.commands.all.values();
    const lost = command!.invocations[0]!.instanceId;
    account.ec2.instances.terminate(account.ec2.instances.get(lost));
    await account.pass(3600);
    expect(visit.status).toBe('succeeded');
    expect(visit.output!['instanceId']).not.toBe(lost);
    expect(account.ssm.commands.all.size).toBe(2);
  });

  describe('that dies right after it has cancelled a command', () => {
    const diesOnce = (account: Account): void => {
      let dead: string | undefined;
      account.cloud.intercept(async (call, next) => {
        const { session } = call.principal;
        const isDead = dead !== undefined && session === dead;
        const output = isDead ? {} : await next(call);
        if (call.operation === 'CancelCommand') dead ??= session;
        if (dead === undefined || session !== dead) return output;
        throw new Error('the function crashed');
      });
    };

    it('goes on to another instance when it gave up the first', async () => {
      const { account, visit } = await start(() => ({ durationMs: 600_000 }), { instanceCount: 2 });
      diesOnce(account);
      const [command] = account.ssm.commands.all.values();
      account.ec2.instances.terminate(account.ec2.instances.get(command!.invocations[0]!.instanceId));
      await account.pass(3600);
      expect(visit).toMatchObject({ status: 'succeeded' });
      expect(account.ssm.commands.all.size).toBe(2);
    });

    it('still says that the deadline was missed', async () => {
      const { account, visit } = await start(() => ({}), { settings: { deadlineSeconds: 60 } });
      diesOnce(account);
      account.ssm.agents.set(account.instanceIds[0]!, { online: false });
      await account.pass(3600);
      expect(visit).toMatchObject({ status: 'failed', error: 'Command.DeadlineExceeded' });
    });
  });

  it('waits for an instance, and names its absence when the deadline comes', async () => {
    const { account, visit } = await start(() => ({}), { instanceCount: 0, settings: { deadlineSeconds: 7200 } });
    await account.pass(3 * 3600);
    expect(visit).toMatchObject({ status: 'failed', error: 'Fleet.NoInstance' });
  });

  it('does not send commands to an instance whose agent is offline', async () => {
    const account = new Account();
    await account.pass(30);
    account.ssm.agents.set(account.instanceIds[0]!, { online: false });
    await account.pass(120);
    const object = await account.claim(execution);
    const visit = account.enter(processObject, processSettings, { object }, { executionArn: execution });
    account.ssm.commands.answer(() => ({}));
    await account.pass(600);
    expect(account.ssm.commands.all.size).toBe(0);
    account.ssm.agents.set(account.instanceIds[0]!, { online: true });
    await account.pass(3600);
    expect(visit.status).toBe('succeeded');
  });

  it('cancels a command that is past the operation’s deadline', async () => {
    const { account, visit } = await start(() => ({ exitCode: 'never' }), { settings: { deadlineSeconds: 600 } });
    await account.pass(3600);
    expect(visit).toMatchObject({ status: 'failed', error: 'Command.DeadlineExceeded' });
    const [command] = account.ssm.commands.all.values();
    expect(command!.invocations[0]!.status).toBe('Cancelled');
    expect(account.items('fleet#')).toEqual([]);
  });

  it('waits past the deadline for commands that are not listed yet, and cancels all of them', async () => {
    const { account, visit } = await startUnanswered({ deadlineSeconds: 10 });
    let isListed = false;
    account.cloud.intercept(async (call, next) =>
      call.operation === 'ListCommands' && !isListed ? { Commands: [] } : next(call),
    );
    await account.pass(20);
    await account.relay(instanceEvent(account));
    isListed = true;
    await account.pass(3600);
    expect(visit).toMatchObject({ status: 'failed', error: 'Command.DeadlineExceeded' });
    const statuses = [...account.ssm.commands.all.values()].map(({ status }) => status);
    expect(statuses).toEqual(['Cancelled', 'Cancelled', 'Cancelled']);
  });

  it('does nothing for an execution that does not own the object any more', async () => {
    const account = new Account();
    await account.pass(30);
    const object = await account.claim('somebody-else');
    const visit = account.enter(processObject, processSettings, { object }, { executionArn: execution });
    await account.pass(600);
    expect(visit).toMatchObject({ status: 'failed', error: 'Object.LeaseLost' });
    expect(account.ssm.commands.all.size).toBe(0);
  });

  it('says what a state without a task token has to pass', async () => {
    const account = new Account();
    const object = await account.claim(execution);
    const event = { input: { object }, execution: { arn: execution, state: 'Process on EC2' } };
    await expect(account.invoke(processObject, processSettings, event)).rejects.toMatchObject({
      name: 'Task.InvalidInput',
      message: expect.stringContaining('waitForTaskToken') as string,
    });
    expect(account.items('operation#')).toEqual([]);
  });
});

describe('the cleaner', () => {
  it('frees what an execution holds, cancels its command, and records why it ended', async () => {
    const { account, visits } = await start(() => ({ durationMs: 3_000_000 }), { count: 2 });
    await account.pass(60);
    account.end(visits[0]!);
    await account.cleanUp(execution, { status: 'ABORTED', cause: 'a person pressed stop' });
    await account.pass(1200);
    expect(account.item('object#incoming/0.csv', 'version#v-incoming/0.csv')).toMatchObject({
      status: 'FAILED',
      failure: { error: 'Execution.Aborted', cause: 'a person pressed stop' },
    });
    const commands = [...account.ssm.commands.all.values()];
    expect(commands[0]!.invocations[0]!.status).toBe('Cancelled');
    expect(commands).toHaveLength(2);
    await account.pass(7200);
    expect(visits[1]!.status).toBe('succeeded');
  });

  it('frees a slot that was taken a moment before the end, when the index does not show the operation yet', async () => {
    const { account, visits } = await start(() => ({ durationMs: 3_000_000 }));
    account.cloud.intercept(async (call, next) =>
      call.input['IndexName'] === 'owner-index' ? { Items: [] } : next(call),
    );
    expect(account.items('fleet#').map(({ sk }) => sk)).toEqual([`slot#${account.instanceIds[0]!}#1`]);
    account.end(visits[0]!);
    const settings = { ledgerTable, operationStates: [visits[0]!.state] };
    const detail = { executionArn: execution, status: 'ABORTED' };
    await account.invoke(cleanUpExecution, settings, { detail });
    expect(account.items('fleet#')).toEqual([]);
  });

  it('comes back for commands that were sent without an answer and are not listed yet, and cancels all of them', async () => {
    const account = await stopUnlisted();
    expect(account.items('fleet#')).not.toEqual([]);
    await account.pass(60);
    await account.cleanUp(execution, { status: 'ABORTED' });
    await account.pass(10);
    const statuses = [...account.ssm.commands.all.values()].map(({ status }) => status);
    expect(statuses).toEqual(['Cancelled', 'Cancelled', 'Cancelled']);
    expect(account.items('fleet#')).toEqual([]);
  });

  it('leaves a command that could not be seen each time it came to the hourly sweep', async () => {
    const account = await stopUnlisted();
    // Its next tries are lost.
    await account.pass(3600);
    account.executions.set(execution, { status: 'ABORTED', startDate: new Date(0) });
    const sweep = () => account.invoke(cleanUpExecution, { ledgerTable }, { sweep: { stateMachineName: 'workflow' } });
    expect(await sweep()).toMatchObject({ recordsFailed: 0, operationIds: [expect.any(String)] });
    expect(account.items('fleet#')).toEqual([]);
    expect(account.items('operation#')).toMatchObject([{ completion: { error: 'Operation.Abandoned' } }]);
    expect(await sweep()).toEqual({ operationIds: [], recordsFailed: 0 });
  });

  it('does not hold up a redrive because of a command that may not be listed yet', async () => {
    const account = new Account();
    await account.pass(30);
    account.ssm.commands.answer(() => ({ durationMs: 600_000 }));
    let isLost = true;
    let isListed = false;
    account.cloud.intercept(async (call, next) => {
      if (call.operation === 'ListCommands' && !isListed) return { Commands: [] };
      const answer = await next(call);
      if (call.operation === 'SendCommand' && isLost) throw new Error('the function crashed');
      return answer;
    });
    const object = await account.claim(execution);
    const visit = account.enter(processObject, processSettings, { object }, { executionArn: execution });
    await account.pass(0);
    account.end(visit);
    isLost = false;
    const redriven = account.enter(
      processObject,
      processSettings,
      { object },
      { executionArn: execution, redriveCount: 1 },
    );
    await account.pass(45);
    isListed = true;
    await account.pass(3 * 3600);
    expect(redriven.status).toBe('succeeded');
    // As many re-checks as the queue and the command take, and no retry.
    expect(redriven.entries).toBeLessThan(8);
    expect([...account.ssm.commands.all.values()].map(({ status }) => status)).toEqual(['Cancelled', 'Success']);
    expect(account.items('fleet#')).toEqual([]);
  });

  it('never overwrites an earlier success: the record stays STORED, with the failure noted', async () => {
    const account = new Account();
    const record = { storedAttempt: 1, storedResults: { prefix: 'first/' }, attempt: 2 };
    // The forced attempt has published its results, and then its backup failed.
    await account.claim(execution, 'a', { ...record, results: { prefix: 'second/' } });
    await account.cleanUp(execution, { error: 'Backup.Failed', cause: 'no space' });
    expect(account.item('object#a', 'version#v-a')).toMatchObject({
      status: 'STORED',
      results: { prefix: 'first/' },
      failure: { error: 'Backup.Failed', cause: 'no space' },
    });
  });

  it('says which item of the ledger is not to be read, and what to do', async () => {
    const account = new Account();
    await account.write({ pk: 'command#c-1', sk: 'pointer', operationId: 'o-1' });
    await account.write({ pk: 'operation#o-1', sk: 'operation', kind: 'command', version: 'one' });
    const event = { source: 'aws.ssm', detailType: 'any', resources: [], detail: { 'command-id': 'c-1' } };
    await expect(account.relay(event)).rejects.toThrow(
      /^An item of the ledger .*, at operation#o-1 [^]*version.*[^]*fix: /,
    );
  });

  it('ends the record of an execution although it cannot read its operation, and says so', async () => {
    const account = new Account();
    await account.claim(execution, 'a');
    await account.write({ pk: 'operation#o-1', sk: 'operation', owner: execution, kind: 'command', version: 'one' });
    await account.cleanUp(execution, { error: 'Command.Failed', cause: 'no space' });
    expect(account.item('object#a', 'version#v-a')).toMatchObject({ status: 'FAILED' });
    expect(account.log).toContainEqual(expect.objectContaining({ level: 'ERROR', item: 'operation#o-1' }));
  });

  it('ends the record of a first version as well, which has no copy of what was stored', async () => {
    const account = new Account();
    await account.claim(execution, 'a', { storedAttempt: 1, attempt: 2, results: { prefix: 'first/' } });
    await account.cleanUp(execution, { error: 'Backup.Failed', cause: 'no space' });
    expect(account.item('object#a', 'version#v-a')).toMatchObject({ status: 'STORED', results: { prefix: 'first/' } });
  });

  it('leaves the record of an execution alone that another one has taken over', async () => {
    const account = new Account();
    await account.claim('somebody-else', 'a');
    await account.cleanUp(execution);
    expect(account.item('object#a', 'version#v-a')).toMatchObject({ status: 'RUNNING' });
  });

  it('leaves a redriven execution able to run its command anew', async () => {
    let runs = 0;
    const { account, visit } = await start(() => ({ exitCode: ++runs === 1 ? 1 : 0 }));
    await account.pass(600);
    expect(visit.status).toBe('failed');
    await account.cleanUp(execution, { error: visit.error, cause: visit.cause, redriveCount: 0 });
    const record = account.item('object#incoming/0.csv', 'version#v-incoming/0.csv')!;
    expect(record['status']).toBe('FAILED');
    const object = { ...(await account.claim(execution, 'incoming/0.csv', { ...(record as object) })) };
    const redriven = account.enter(
      processObject,
      processSettings,
      { object },
      { executionArn: execution, redriveCount: 1 },
    );
    await account.pass(600);
    expect(redriven.status).toBe('succeeded');
    expect(account.item('object#incoming/0.csv', 'version#v-incoming/0.csv')!['status']).toBe('RUNNING');
  });
});

/** The cleaner's sweep: what becomes of records and operations whose lease has ended, whatever Step Functions says of their execution. */
import { cleanUpExecution, processObject } from '../../tasks';
import { ServiceError } from '../../local/services/service';
import { Account, ledgerTable, processSettings, type Visit } from './account';

const executionOf = (name: string): string => `arn:aws:states:eu-west-1:111122223333:execution:workflow:${name}`;
const startDate = new Date(0);

/** Leaves a record RUNNING whose lease has ended. */
async function leaveRecord(account: Account, name: string, more = {}): Promise<void> {
  await account.claim(executionOf(name), name);
  const record = account.item(`object#${name}`, `version#v-${name}`)!;
  await account.write({ ...record, runningIn: 'workflow', leaseExpiresAt: 1000, ...more });
}

const statusOf = (account: Account, name: string) => account.item(`object#${name}`, `version#v-${name}`)!['status'];
const failureOf = (account: Account, name: string) => account.item(`object#${name}`, `version#v-${name}`)!['failure'];
const sweep = (account: Account): Promise<unknown> =>
  account.invoke(cleanUpExecution, { ledgerTable }, { sweep: { stateMachineName: 'workflow' } });

it.each([
  ['FAILED', { error: 'Command.Failed', cause: 'exit code 1' }, { error: 'Command.Failed', cause: 'exit code 1' }],
  ['TIMED_OUT', {}, { error: 'States.Timeout', cause: '' }],
  ['ABORTED', {}, { error: 'Execution.Aborted', cause: 'somebody stopped the execution' }],
  ['SUCCEEDED', {}, { error: 'Execution.EndedEarly' }],
])('records how an execution ended that is %s', async (status, described, failure) => {
  const account = new Account();
  await leaveRecord(account, 'a');
  account.executions.set(executionOf('a'), { status, startDate, redriveCount: 2, ...described });
  expect(await sweep(account)).toMatchObject({ recordsFailed: 1 });
  expect(statusOf(account, 'a')).toBe('FAILED');
  expect(failureOf(account, 'a')).toMatchObject({ ...failure, redriveCount: 2 });
});

it('records that an execution is not known any more', async () => {
  const account = new Account();
  await leaveRecord(account, 'a');
  await sweep(account);
  expect(failureOf(account, 'a')).toMatchObject({ error: 'Execution.Forgotten' });
});

it('looks only at leases that have ended, of executions of its own state machine', async () => {
  const account = new Account();
  await leaveRecord(account, 'fresh', { leaseExpiresAt: Math.floor(account.clock.nowMs() / 1000) + 60 });
  await leaveRecord(account, 'other', { runningIn: 'another-workflow' });
  expect(await sweep(account)).toEqual({ operationIds: [], recordsFailed: 0 });
  expect(account.log).toEqual([]);
});

it('cleans up after the others when one cannot be looked at, and fails in the end, so that it is tried again', async () => {
  const account = new Account();
  for (const name of ['a', 'b', 'c']) await leaveRecord(account, name);
  account.executions.set(executionOf('a'), { status: 'FAILED', startDate });
  account.executions.set(executionOf('b'), new ServiceError('ValidationException', 'no'));
  account.executions.set(executionOf('c'), { status: 'FAILED', startDate });
  await expect(sweep(account)).rejects.toMatchObject({ name: 'ValidationException' });
  expect(['a', 'b', 'c'].map((name) => statusOf(account, name))).toEqual(['FAILED', 'RUNNING', 'FAILED']);
});

describe('an operation', () => {
  const executionArn = executionOf('a');

  /** Begins a command that does not end by itself. */
  async function begin(): Promise<{ account: Account; visit: Visit }> {
    const account = new Account();
    await account.pass(30);
    account.ssm.commands.answer(() => ({ exitCode: 'never' }));
    const object = await account.claim(executionArn, 'a');
    const visit = account.enter(processObject, processSettings, { object }, { executionArn });
    await account.pass(1);
    return { account, visit };
  }

  it('of an execution that has ended is ended, although another execution has taken its object over', async () => {
    const { account, visit } = await begin();
    account.end(visit);
    account.executions.set(executionArn, { status: 'FAILED', startDate });
    await account.claim(executionOf('b'), 'a');
    await account.pass(2 * 3600);
    expect(await sweep(account)).toMatchObject({ operationIds: [expect.any(String)], recordsFailed: 0 });
    await account.pass(60);
    const [command] = account.ssm.commands.all.values();
    expect(command!.status).toBe('Cancelled');
    expect(account.items('fleet#')).toEqual([]);
    expect(statusOf(account, 'a')).toBe('RUNNING');
  });

  it('that is waited for is left alone, however long it takes', async () => {
    const { account, visit } = await begin();
    await account.pass(2.5 * 3600);
    expect(await sweep(account)).toEqual({ operationIds: [], recordsFailed: 0 });
    expect(visit.status).toBe('waiting');
  });
});

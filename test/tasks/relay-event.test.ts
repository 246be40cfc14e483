import { processObject, snapshotInstance } from '../../tasks';
import type { AwsEvent } from '../../local/services/aws-event';
import { Account, ledgerTable, processSettings } from './account';

jest.setTimeout(30_000);

const execution = 'arn:aws:states:eu-west-1:111122223333:execution:workflow:one';
const event = (source: string, detailType: string, detail: AwsEvent['detail']): AwsEvent => ({
  ...{ source, detailType, detail, resources: [] },
});

/** An account in which one command runs for ten minutes, and no event arrives by itself. */
async function runningCommand() {
  const account = new Account({ eventsArrive: false });
  await account.pass(30);
  account.ssm.commands.answer(() => ({ durationMs: 600_000 }));
  const object = await account.claim(execution);
  const visit = account.enter(processObject, processSettings, { object }, { executionArn: execution });
  await account.pass(10);
  const [command] = account.ssm.commands.all.values();
  const changed = (status: string): AwsEvent =>
    event('aws.ssm', 'EC2 Command Invocation Status-change Notification', {
      ...{ 'command-id': command!.commandId, 'instance-id': account.instanceIds[0]!, status },
    });
  return { account, visit, changed };
}

describe('relay-event', () => {
  it('moves the operation of a command on at once, without waiting for its re-check', async () => {
    const { account, visit, changed } = await runningCommand();
    await account.pass(600);
    expect(visit.status).toBe('waiting');
    await account.relay(changed('Success'));
    expect(visit.status).toBe('succeeded');
  });

  it('believes no event: what counts is what the service says', async () => {
    const { account, visit, changed } = await runningCommand();
    await account.relay(changed('Success'));
    await account.relay(changed('Failed'));
    expect(visit.status).toBe('waiting');
    await account.pass(3600);
    expect(visit.status).toBe('succeeded');
  });

  it('may get an event any number of times, and after the end as well', async () => {
    const { account, visit, changed } = await runningCommand();
    await account.pass(600);
    for (let copy = 0; copy < 3; copy++) await account.relay(changed('Success'));
    expect(visit.status).toBe('succeeded');
    expect(account.log.filter((line) => line.level === 'ERROR')).toEqual([]);
  });

  it('has nothing to do for commands, images, jobs and instances of others', async () => {
    const { account } = await runningCommand();
    const foreign = [
      event('aws.ssm', 'EC2 Command Invocation Status-change Notification', { 'command-id': 'x', status: 'Success' }),
      event('aws.ec2', 'EC2 AMI State Change', { ImageId: 'ami-0123', State: 'available', ErrorMessage: '' }),
      event('aws.backup', 'Backup Job State Change', { backupJobId: 'x', state: 'COMPLETED' }),
      event('aws.ec2', 'EC2 Instance State-change Notification', { 'instance-id': 'i-0123', state: 'stopped' }),
      event('aws.other', 'Something', {}),
    ];
    for (const one of foreign) expect(await account.relay(one)).toEqual({ operationIds: [] });
  });

  it('lets an image that is available serve everybody who waits for it', async () => {
    const account = new Account({ eventsArrive: false });
    await account.pass(30);
    const visits = [];
    for (let index = 0; index < 3; index++) {
      const executionArn = `${execution}-${index}`;
      const object = await account.claim(executionArn, String(index));
      const files = { manifestKey: 'p/m' };
      const outcome = {
        ...{ operationId: 'x', instanceId: account.instanceIds[0]!, commandId: 'c', exitCode: 0, resultsBucket: 'r' },
        ...{ resultsPrefix: 'p/', startedAt: '', finishedAt: '', ...files },
      };
      const storedAt = new Date(account.clock.nowMs()).toISOString();
      const results = { bucket: 'r', prefix: 'p/', fileCount: 1, totalBytes: 1, storedAt, ...files };
      const settings = { ledgerTable, policy: { kind: 'everyRun' }, imageNamePrefix: 'test', deadlineSeconds: 36_000 };
      visits.push(account.enter(snapshotInstance, settings, { object, outcome, results }, { executionArn }));
    }
    await account.pass(305);
    expect(visits.map((visit) => visit.status)).toEqual(['waiting', 'waiting', 'waiting']);
    const [image] = account.ec2.images.all.values();
    await account.relay(event('aws.ec2', 'EC2 AMI State Change', { ImageId: image!.imageId, State: 'available' }));
    expect(visits.map((visit) => visit.status)).toEqual(['succeeded', 'succeeded', 'succeeded']);
  });
});

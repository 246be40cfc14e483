/** Recovery points of buckets, the jobs that bring their objects back, and the plans that make them, on a simulated cloud. */
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { BackupPlan, BackupPlanRule, BackupResource, BackupVault } from 'aws-cdk-lib/aws-backup';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { BackupClient, DescribeRestoreJobCommand, StartRestoreJobCommand } from '@aws-sdk/client-backup';
import { simulate, type Simulation } from '../../local';
import { ObjectStore } from '../../workflow';
import { clientConfiguration } from '../../local/wire/request-handler';
import { operator } from '../../local/services/service';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
let simulation: Simulation;
let bucket: string;
let other: string;

function makeStack(): Stack {
  const stack = new Stack(new App(), 'Files');
  const files = new ObjectStore(stack, 'Store');
  new ObjectStore(stack, 'Other');
  const role = new Role(stack, 'BackupRole', {
    assumedBy: new ServicePrincipal('backup.amazonaws.com'),
    managedPolicies: ['AWSBackupServiceRolePolicyForS3Backup', 'AWSBackupServiceRolePolicyForS3Restore'].map((name) =>
      ManagedPolicy.fromAwsManagedPolicyName(name),
    ),
  });
  const narrow = new Role(stack, 'NarrowRole', { assumedBy: new ServicePrincipal('backup.amazonaws.com') });
  narrow.addToPolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: ['*'] }));
  const vault = new BackupVault(stack, 'Vault', { removalPolicy: RemovalPolicy.DESTROY });
  const plan = new BackupPlan(stack, 'Plan', {
    backupPlanRules: [
      new BackupPlanRule({
        backupVault: vault,
        scheduleExpression: Schedule.cron({ hour: '4', minute: '0' }),
        deleteAfter: Duration.days(35),
      }),
    ],
  });
  new Role(stack, 'TableRole', {
    assumedBy: new ServicePrincipal('backup.amazonaws.com'),
    managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSBackupServiceRolePolicyForBackup')],
  });
  plan.addSelection('Files', { resources: [BackupResource.fromArn(files.bucket.bucketArn)], role });
  return stack;
}

beforeAll(async () => {
  simulation = await simulate(makeStack());
  bucket = simulation.physicalId('Store', 'AWS::S3::Bucket');
  other = simulation.physicalId('Other', 'AWS::S3::Bucket');
});
afterAll(() => simulation.close());

const put = (key: string, body: string) => simulation.upload({ bucket: 'Store', key, body, contentType: 'text/plain' });
const bodies = (name: string): Record<string, string> =>
  Object.fromEntries(
    simulation.services.s3
      .versions(name)
      .filter(({ key }) => simulation.services.s3.object(name, key) !== undefined)
      .map(({ key }) => [key, Buffer.from(simulation.services.s3.object(name, key)!.body).toString()]),
  );
const points = () => [...simulation.services.backup.jobs.recoveryPoints.values()];
const roleArn = (name = 'BackupRole') =>
  [...simulation.services.iam.roles.values()].find(({ name: full }) => full.includes(name))!.arn;

async function restore(recoveryPointArn: string, metadata: Record<string, string>, role = roleArn()) {
  const { RestoreJobId } = await simulation.call('backup', 'StartRestoreJob', {
    RecoveryPointArn: recoveryPointArn,
    IamRoleArn: role,
    Metadata: metadata,
  });
  await simulation.settle();
  return simulation.call('backup', 'DescribeRestoreJob', { RestoreJobId });
}
let bucketCount = 0;
const newBucket = () => `restored-${++bucketCount}`;

test('a plan backs its buckets up at its time, and each recovery point holds what was there then', async () => {
  await put('folder/a.txt', 'first');
  await put('b.txt', 'only');
  await simulation.advance(dayMs);
  await put('folder/a.txt', 'second');
  await simulation.call('s3', 'DeleteObject', { Bucket: bucket, Key: 'b.txt' });
  await simulation.advance(dayMs);
  expect(points().map(({ createdAtMs }) => new Date(createdAtMs).toISOString())).toEqual([
    '2026-01-02T04:00:10.000Z',
    '2026-01-03T04:00:10.000Z',
  ]);
  const [before, after] = points();

  const first = newBucket();
  expect(await restore(before!.recoveryPointArn, { DestinationBucketName: first, NewBucket: 'true' })).toMatchObject({
    Status: 'COMPLETED',
    CreatedResourceArn: `arn:aws:s3:::${first}`,
    PercentDone: '100.00',
  });
  expect(bodies(first)).toEqual({ 'folder/a.txt': 'first', 'b.txt': 'only' });

  const second = newBucket();
  await restore(after!.recoveryPointArn, { DestinationBucketName: second, NewBucket: 'true' });
  expect(bodies(second)).toEqual({ 'folder/a.txt': 'second' });
});

test('all versions come back when they are asked for, in their order and with their headers', async () => {
  const name = newBucket();
  await restore(points()[1]!.recoveryPointArn, {
    DestinationBucketName: name,
    NewBucket: 'true',
    RestoreLatestVersionsUpTo: 'all',
  });
  const versions = simulation.services.s3.versions(name);
  expect(versions.map(({ key, body }) => [key, Buffer.from(body).toString()])).toEqual([
    ['b.txt', 'only'],
    ['folder/a.txt', 'second'],
    ['folder/a.txt', 'first'],
  ]);
  expect(versions[0]).toMatchObject({ headers: { ContentType: 'text/plain' }, storageClass: 'STANDARD' });
});

test('single objects and folders come back by their URIs, and nothing that is there is replaced', async () => {
  await simulation.upload({ bucket: 'Other', key: 'b.txt', body: 'newer' });
  const items = [`s3://${bucket}/folder/`, `s3://${bucket}/b.txt`];
  await restore(points()[0]!.recoveryPointArn, {
    DestinationBucketName: other,
    ItemsToRestore: JSON.stringify(items),
    EncryptionType: 'SSE-S3',
  });
  expect(bodies(other)).toEqual({ 'b.txt': 'newer', 'folder/a.txt': 'first' });
  const name = newBucket();
  const missing = { ItemsToRestore: JSON.stringify([`s3://${bucket}/c.txt`]) };
  expect(
    await restore(points()[0]!.recoveryPointArn, { DestinationBucketName: name, NewBucket: 'true', ...missing }),
  ).toMatchObject({ Status: 'COMPLETED', StatusMessage: expect.stringContaining('no objects that match') });
});

test('a backup leaves out what has been archived', async () => {
  await put('large.bin', 'x'.repeat(200_000));
  await simulation.advance(92 * dayMs);
  expect(simulation.services.s3.object(bucket, 'large.bin')!.storageClass).toBe('GLACIER');
  const isHeld = (index: number) =>
    points()
      .at(index)!
      .contents.some(({ key }) => key === 'large.bin');
  expect([isHeld(2), isHeld(-1)]).toEqual([true, false]);
});

test('a restore fails where the role may not write, the bucket is not there, or keeps no versions', async () => {
  const { recoveryPointArn } = points()[0]!;
  expect(await restore(recoveryPointArn, { DestinationBucketName: other }, roleArn('NarrowRole'))).toMatchObject({
    Status: 'FAILED',
    StatusMessage: expect.stringMatching(/^No objects were restored from arn:aws:backup:.*:recovery-point:/),
  });
  expect(await restore(recoveryPointArn, { DestinationBucketName: 'nowhere' })).toMatchObject({ Status: 'FAILED' });
  simulation.services.s3.createBucket({ name: 'plain' });
  expect(await restore(recoveryPointArn, { DestinationBucketName: 'plain' })).toMatchObject({
    Status: 'FAILED',
    StatusMessage: expect.stringContaining('versioning'),
  });
});

test.each([
  [{}, /DestinationBucketName is required/],
  [{ DestinationBucketName: 'x', Folder: 'y' }, /Invalid restore metadata: Folder/],
  [{ DestinationBucketName: 'x', RestoreTime: '2026-01-01T00:00:00Z' }, /continuous/],
  [{ DestinationBucketName: 'x', RestoreACLs: 'true' }, /ACLs/],
  [{ DestinationBucketName: 'x', EncryptionType: 'none' }, /EncryptionType/],
  [{ DestinationBucketName: 'x', RestoreLatestVersionsUpTo: '0' }, /RestoreLatestVersionsUpTo/],
  [{ DestinationBucketName: 'x', ItemsToRestore: '["folder/"]' }, /Invalid path/],
  [{ DestinationBucketName: 'x', ItemsToRestore: 'folder/' }, /list of 1 to 5/],
  [{ DestinationBucketName: 'x', ItemsToRestore: '["1","2","3","4","5","6"]' }, /list of 1 to 5/],
])('rejects the metadata %j', async (metadata, message) => {
  await expect(restore(points()[0]!.recoveryPointArn, metadata as Record<string, string>)).rejects.toThrow(message);
});

test('the SDK client starts a restore once for a token, and reads its job', async () => {
  const client = new BackupClient(clientConfiguration(simulation.cloud, operator, 'us-east-1'));
  const command = new StartRestoreJobCommand({
    RecoveryPointArn: points()[0]!.recoveryPointArn,
    IamRoleArn: roleArn(),
    IdempotencyToken: 'once',
    Metadata: { DestinationBucketName: newBucket(), NewBucket: 'true' },
  });
  const { RestoreJobId } = await client.send(command);
  expect((await client.send(command)).RestoreJobId).toBe(RestoreJobId);
  const job = await client.send(new DescribeRestoreJobCommand({ RestoreJobId }));
  expect(job).toMatchObject({ Status: 'PENDING', ResourceType: 'S3', SourceResourceArn: `arn:aws:s3:::${bucket}` });
});

test.each([
  ['TableRole', { State: 'COMPLETED' }],
  ['NarrowRole', { State: 'FAILED', StatusMessage: 'Access Denied trying to call AWS Backup service' }],
])('a table is backed up only by a role that may: %s', async (name, end) => {
  const { BackupJobId } = await simulation.call('backup', 'StartBackupJob', {
    BackupVaultName: simulation.physicalId('Vault', 'AWS::Backup::BackupVault'),
    ResourceArn: 'arn:aws:dynamodb:us-east-1:111122223333:table/customers',
    IamRoleArn: roleArn(name),
  });
  await simulation.settle();
  expect(await simulation.call('backup', 'DescribeBackupJob', { BackupJobId })).toMatchObject(end);
});

test('a policy of AWS that a role has in vain is among what is not needed, and one that it uses is not', () => {
  const attached = simulation
    .unneededPermissions()
    .filter(({ policy, statement }) => policy.includes('/BackupRole/') && statement.startsWith('AWSBackup'));
  expect(attached).toEqual([
    {
      ...{ policy: 'Files/BackupRole/Resource', statement: 'AWSBackupServiceRolePolicyForBackup' },
      ...{ action: '*', resources: ['*'] },
    },
  ]);
});

/** The simulated AWS Backup: one job at a time, windows, tokens, and events with the traps of the real ones. */
import type { AwsEvent } from '../../local/services/aws-event';
import { type BackupOptions, BackupService } from '../../local/services/backup';
import { createRandom } from '../../local/random';
import { VirtualClock } from '../../local/virtual-clock';

const bucketArn = 'arn:aws:s3:::results';
const roleArn = 'arn:aws:iam::111122223333:role/backup';

/** Whatever an operation answers. */
type Answer = ReturnType<typeof JSON.parse>;

let clock: VirtualClock;
let backup: BackupService;
let events: AwsEvent[];

function open(options: Partial<BackupOptions> = {}): void {
  clock = new VirtualClock();
  events = [];
  backup = new BackupService({
    clock,
    random: createRandom('backup'),
    emit: (event) => void events.push(event),
    region: 'eu-west-1',
    accountId: '111122223333',
    ...options,
  });
  backup.createVault('vault');
}
beforeEach(() => open());

const call = (operation: string, input: object): Answer => backup.operations[operation]!(input as never);
const start = (more: object = {}): string =>
  call('StartBackupJob', {
    BackupVaultName: 'vault',
    ResourceArn: bucketArn,
    IamRoleArn: roleArn,
    StartWindowMinutes: 60,
    ...more,
  })['BackupJobId'];
const read = (jobId: string) => call('DescribeBackupJob', { BackupJobId: jobId });
const pass = (minutes: number) => clock.runUntilIdle(clock.nowMs() + minutes * 60_000);

it('runs a job to a recovery point, and tells of it in bundles of five minutes', async () => {
  const jobId = start();
  expect(read(jobId)).toMatchObject({ State: 'CREATED' });
  await pass(1);
  expect(read(jobId)).toMatchObject({ State: 'RUNNING' });
  expect(events).toEqual([]);
  await pass(20);
  const job = read(jobId);
  expect(job).toMatchObject({ State: 'COMPLETED', PercentDone: '100.0', ResourceType: 'S3' });
  expect(events.map(({ detail }) => detail['state'])).toEqual(['CREATED', 'RUNNING', 'COMPLETED']);
  expect(events[0]!.detail).toEqual({ backupJobId: jobId, state: 'CREATED', creationDate: expect.any(String) });
  expect(events[2]).toMatchObject({
    resources: [job['RecoveryPointArn']],
    detail: { backupSizeInBytes: expect.any(String), percentDone: 100 },
  });
  expect(events[2]!.detail).not.toHaveProperty('recoveryPointArn');
  expect(
    call('DescribeRecoveryPoint', { BackupVaultName: 'vault', RecoveryPointArn: job['RecoveryPointArn'] }),
  ).toMatchObject({ Status: 'COMPLETED', ResourceArn: bucketArn });
});

it('takes no action for a token that it has seen', () => {
  expect(start({ IdempotencyToken: 'a' })).toBe(start({ IdempotencyToken: 'a' }));
  expect(start({ IdempotencyToken: 'b' })).not.toBe(start({ IdempotencyToken: 'a' }));
});

it('runs one job of a resource at a time: the second waits, or expires with its window', async () => {
  open({ durationMs: 30 * 60_000 });
  const [first, second] = [start(), start()];
  await pass(5);
  expect([read(first)['State'], read(second)['State']]).toEqual(['RUNNING', 'CREATED']);
  await pass(70);
  expect(read(second)['State']).toBe('COMPLETED');
  open({ durationMs: 90 * 60_000 });
  const [, late] = [start(), start()];
  await pass(120);
  expect(read(late!)).toMatchObject({
    State: 'EXPIRED',
    StatusMessage: expect.stringContaining('running job for the same resource'),
  });
});

it.each(['FAILED', 'ABORTED', 'PARTIAL', 'EXPIRED'] as const)('ends as %s when a test says so', async (state) => {
  backup.jobs.answer(() => ({ state, statusMessage: 'because' }));
  const jobId = start();
  await pass(90);
  expect(read(jobId)).toMatchObject({ State: state, StatusMessage: 'because' });
  expect(events.at(-1)!.detail).toMatchObject({ state, statusMessage: '"because"' });
});

it('completes with issues: a message on a completed job', async () => {
  backup.jobs.answer(() => ({ statusMessage: 'some objects were skipped' }));
  const jobId = start();
  await pass(30);
  expect(read(jobId)).toMatchObject({ State: 'COMPLETED', StatusMessage: 'some objects were skipped' });
});

it('fails a job whose resource cannot be backed up, and aborts one that overruns its window', async () => {
  open({ inspect: (arn) => (arn === bucketArn ? 'versioning is off' : undefined), durationMs: 3 * 3_600_000 });
  const failing = start();
  const overrunning = start({ ResourceArn: 'arn:aws:s3:::other', CompleteWindowMinutes: 120 });
  await pass(240);
  expect(read(failing)).toMatchObject({ State: 'FAILED', StatusMessage: 'versioning is off' });
  expect(read(overrunning)).toMatchObject({ State: 'ABORTED' });
});

it('stops a job that runs after a while, and none that has ended', async () => {
  const jobId = start();
  await pass(1);
  call('StopBackupJob', { BackupJobId: jobId });
  expect(read(jobId)['State']).toBe('ABORTING');
  await pass(1);
  expect(read(jobId)['State']).toBe('ABORTED');
  expect(() => call('StopBackupJob', { BackupJobId: jobId })).toThrow(
    expect.objectContaining({ code: 'InvalidRequestException' }),
  );
});

it.each([
  [{ BackupVaultName: 'other' }, 'ResourceNotFoundException'],
  [{ BackupVaultName: '!' }, 'InvalidParameterValueException'],
  [{ ResourceArn: 'results' }, 'InvalidParameterValueException'],
  [{ StartWindowMinutes: 59 }, 'InvalidParameterValueException'],
  [{ CompleteWindowMinutes: 60 }, 'InvalidParameterValueException'],
  [{ Lifecycle: { MoveToColdStorageAfterDays: 30, DeleteAfterDays: 60 } }, 'InvalidParameterValueException'],
  [
    { RecoveryPointTags: Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`k${index}`, 'v'])) },
    'LimitExceededException',
  ],
  [{ IamRoleArn: undefined }, 'MissingParameterValueException'],
])('rejects %j', (input, code) => {
  expect(() => start(input)).toThrow(expect.objectContaining({ code }));
});

it('lists jobs by resource and time, and copies a recovery point', async () => {
  const first = start();
  await pass(30);
  const second = start({ ResourceArn: 'arn:aws:dynamodb:eu-west-1:111122223333:table/t' });
  await pass(30);
  const list = (input: object): string[] =>
    call('ListBackupJobs', input)['BackupJobs'].map((job: { BackupJobId: string }) => job.BackupJobId);
  expect(list({})).toEqual([second, first]);
  expect(list({ ByResourceArn: bucketArn, ByState: 'COMPLETED' })).toEqual([first]);
  expect(list({ ByCreatedAfter: new Date(clock.nowMs() - 45 * 60_000) })).toEqual([second]);
  const source = { RecoveryPointArn: read(first)['RecoveryPointArn'], SourceBackupVaultName: 'vault' };
  const { CopyJobId: copyId } = call('StartCopyJob', {
    ...source,
    DestinationBackupVaultArn: 'arn:aws:backup:us-east-1:111122223333:backup-vault:far',
    IamRoleArn: roleArn,
  });
  await pass(30);
  expect(call('DescribeCopyJob', { CopyJobId: copyId })['CopyJob']).toMatchObject({
    State: 'COMPLETED',
    DestinationRecoveryPointArn: expect.any(String),
  });
  const copies = events.filter(({ detailType }) => detailType === 'Copy Job State Change');
  expect(copies.map(({ detail }) => detail['state'])).toEqual(['CREATED', 'RUNNING', 'COMPLETED']);
  expect(copies[0]!.detail).toMatchObject({ destinationRecoveryPointArn: {}, backupSizeInBytes: expect.any(Number) });
});

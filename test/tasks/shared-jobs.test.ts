import { backUpResults, snapshotInstance, type CommandOutcome, type StoredResults } from '../../tasks';
import { beyondRetention } from '../../tasks/operations/image-upkeep';
import { ServiceError, type Service } from '../../local/services/service';
import { Account, ledgerTable, type AccountOptions, type Visit } from './account';

jest.setTimeout(30_000);

const executionOf = (index: number): string => `arn:aws:states:eu-west-1:111122223333:execution:workflow:${index}`;
const results = (account: Account): StoredResults => ({
  ...{ bucket: 'results', prefix: 'out/', manifestKey: 'out/manifest.tsv', fileCount: 1, totalBytes: 3 },
  storedAt: new Date(account.clock.nowMs()).toISOString(),
});

const imageSettings = {
  ledgerTable,
  policy: { kind: 'everyRun' },
  imageNamePrefix: 'sales-report',
  deadlineSeconds: 24 * 3600,
};

const backupSettings = {
  ledgerTable,
  policy: { kind: 'everyRun' },
  vaultName: 'vault',
  roleArn: 'arn:aws:iam::111122223333:role/backup',
  resourceArn: 'arn:aws:s3:::results',
  deadlineSeconds: 24 * 3600,
};

async function newAccount(options: AccountOptions = {}): Promise<Account> {
  const account = new Account(options);
  await account.pass(30);
  return account;
}

async function snapshot(
  account: Account,
  index: number,
  settings: object = {},
  instance = 0,
  redriveCount = 0,
): Promise<Visit> {
  const executionArn = executionOf(index);
  const object = await account.claim(executionArn, String(index));
  const outcome: CommandOutcome = {
    ...{
      operationId: 'x',
      instanceId: account.instanceIds[instance]!,
      commandId: 'c',
      exitCode: 0,
      resultsBucket: 'results',
    },
    ...{ resultsPrefix: 'out/', manifestKey: 'out/manifest.tsv', startedAt: '', finishedAt: '' },
  };
  const input = { object, outcome, results: results(account) };
  return account.enter(snapshotInstance, { ...imageSettings, ...settings }, input, { executionArn, redriveCount });
}

async function backUp(account: Account, index: number, settings: object = {}): Promise<Visit> {
  const input = { object: await account.claim(executionOf(index), String(index)), results: results(account) };
  return enterBackUp(account, index, input, settings);
}

function enterBackUp(account: Account, index: number, input: object, settings: object = {}, redriveCount = 0): Visit {
  const visit = { executionArn: executionOf(index), redriveCount };
  return account.enter(backUpResults, { ...backupSettings, ...settings }, input, visit);
}

describe('snapshot-instance', () => {
  it('takes an image that began after the results were stored', async () => {
    const account = await newAccount();
    const storedAtMs = account.clock.nowMs();
    const visit = await snapshot(account, 1);
    await account.pass(3600);
    expect(visit).toMatchObject({ status: 'succeeded', output: { instanceId: account.instanceIds[0] } });
    expect(Date.parse(String(visit.output!['startedAt']))).toBeGreaterThan(storedAtMs);
    const [image] = account.ec2.images.all.values();
    expect(image).toMatchObject({ name: visit.output!['imageName'], state: 'available' });
    expect(image!.tags.get('object-workflow:image-set')).toBe('sales-report');
  });

  it('waits for an image to be shown, however long EC2 had refused to make it', async () => {
    const account = await newAccount();
    const refusedUntilMs = account.clock.nowMs() + 20 * 60_000;
    account.cloud.intercept((call, next) => {
      if (call.operation !== 'CreateImage' || account.clock.nowMs() >= refusedUntilMs) return next(call);
      throw new ServiceError('RequestLimitExceeded', 'Request limit exceeded.', 503);
    });
    const visit = await snapshot(account, 1);
    await account.pass(3 * 3600);
    expect(visit.status).toBe('succeeded');
    expect(account.ec2.images.all.size).toBe(1);
  });

  it('does not reboot the instance unless it is asked to', async () => {
    const account = await newAccount();
    const changes: string[] = [];
    account.ec2.instances.onChange((_, change) => changes.push(change));
    await snapshot(account, 1);
    await account.pass(3600);
    expect(changes).toEqual([]);
  });

  it('shares one image among all who asked before it began, and one more among those who asked while it was made', async () => {
    const account = await newAccount({ imageDurationMs: 600_000 });
    const first = await snapshot(account, 0);
    await account.pass(10);
    const later = [];
    for (let index = 1; index <= 10; index++) {
      later.push(await snapshot(account, index));
      await account.pass(10);
    }
    await account.pass(7200);
    expect([first, ...later].map((visit) => visit.status)).toEqual(Array(11).fill('succeeded'));
    expect(account.ec2.images.all.size).toBe(2);
    expect(new Set(later.map((visit) => visit.output!['imageId'])).size).toBe(1);
    expect(account.items('images#').map((item) => item['sk'])).toEqual(['group']);
  });

  it('begins no image for an execution that has ended, though its cleaner came before the index showed the operation', async () => {
    const account = await newAccount({ imageDurationMs: 600_000 });
    account.cloud.intercept(async (call, next) => {
      const output = await next(call);
      if (call.input['IndexName'] !== 'owner-index') return output;
      const items = output['Items'] as readonly { readonly pk: { readonly S: string } }[];
      return { ...output, Items: items.filter(({ pk }) => pk.S.startsWith('object#')) };
    });
    const first = await snapshot(account, 0);
    await account.pass(60);
    const ended = await snapshot(account, 1);
    account.end(ended);
    await account.cleanUp(executionOf(1));
    await account.pass(7200);
    expect([first.status, account.ec2.images.all.size]).toEqual(['succeeded', 1]);
    expect(account.items('images#').map((item) => item['sk'])).toEqual(['group']);
  });

  it('begins images no more often than its policy allows', async () => {
    const account = await newAccount();
    const policy = { kind: 'atMostEvery', seconds: 6 * 3600 };
    const first = await snapshot(account, 0, { policy });
    await account.pass(1800);
    const second = await snapshot(account, 1, { policy });
    await account.pass(4 * 3600);
    expect([first.status, second.status]).toEqual(['succeeded', 'waiting']);
    await account.pass(3 * 3600);
    expect(second.status).toBe('succeeded');
    expect(account.ec2.images.all.size).toBe(2);
  });

  it('counts the time until the next image from when EC2 had begun the last one, which it may have refused for long', async () => {
    const account = await newAccount();
    const policy = { kind: 'atMostEvery', seconds: 3600 };
    const freeAtMs = account.clock.nowMs() + 50 * 60_000;
    account.cloud.intercept((call, next) => {
      if (call.operation !== 'CreateImage' || account.clock.nowMs() >= freeAtMs) return next(call);
      throw new ServiceError('SnapshotCreationPerVolumeRateExceeded', 'The maximum per volume rate is exceeded.', 400);
    });
    await snapshot(account, 1, { policy });
    await account.pass(70 * 60);
    await snapshot(account, 2, { policy });
    await account.pass(2 * 3600);
    const [first, second] = [...account.ec2.images.all.values()].map(({ createdAtMs }) => createdAtMs);
    expect(second! - first!).toBeGreaterThanOrEqual(3600_000);
  });

  it('forgets an instance that is imaged no more, but not as long as an execution may ask for its last image', async () => {
    const account = await newAccount();
    const days = 24 * 3600;
    const policy = { kind: 'atMostEvery', seconds: 364 * days };
    await snapshot(account, 0, { policy });
    await account.pass(363 * days);
    const second = await snapshot(account, 1, { policy, deadlineSeconds: 30 * days });
    await account.pass(0.9 * days);
    expect([account.ec2.images.all.size, second.status]).toEqual([1, 'waiting']);
    await account.pass(days);
    expect([account.ec2.images.all.size, second.status]).toEqual([2, 'succeeded']);
    await account.pass(390 * days);
    account.dynamodb.sweepExpired();
    expect(account.items('images#')).toHaveLength(1);
    await account.pass(20 * days);
    account.dynamodb.sweepExpired();
    expect(account.items('images#')).toEqual([]);
    const third = await snapshot(account, 2, { policy });
    await account.pass(3600);
    expect([account.ec2.images.all.size, third.status]).toEqual([3, 'succeeded']);
  });

  it('waits as long for an image as EC2 may take for one: nearly a day', async () => {
    const account = await newAccount({ imageDurationMs: 23 * 3_600_000 });
    const visit = await snapshot(account, 1);
    await account.pass(24 * 3600);
    expect(visit.status).toBe('succeeded');
    expect(account.ec2.images.all.size).toBe(1);
  });

  it('asks for another image when one fails, and gives up after the last try', async () => {
    const account = await newAccount();
    let images = 0;
    account.ec2.images.answer(() => (++images === 1 ? { failure: 'internal error' } : undefined));
    const visit = await snapshot(account, 1);
    await account.pass(3600);
    expect(visit.status).toBe('succeeded');
    account.ec2.images.answer(() => ({ failure: 'the disk is broken' }));
    const failing = await snapshot(account, 2);
    await account.pass(7200);
    expect(failing).toMatchObject({ status: 'failed', error: 'Image.Failed' });
    expect(failing.cause).toContain('the disk is broken');
    expect(account.ec2.images.all.size).toBe(2 + 3);
  });

  it('adopts the image that its own first call made, when the answer to that call was lost', async () => {
    const account = await newAccount();
    let isLost = false;
    account.cloud.intercept(async (call, next) => {
      const output = await next(call);
      if (call.operation !== 'CreateImage' || isLost) return output;
      isLost = true;
      throw new Error('the function crashed');
    });
    const visit = await snapshot(account, 1);
    await account.pass(3600);
    expect(visit.status).toBe('succeeded');
    expect(account.ec2.images.all.size).toBe(1);
  });

  it('adopts its own image as well when the instance is gone before the image is found', async () => {
    const account = await newAccount();
    let isLost = false;
    account.cloud.intercept(async (call, next) => {
      const output = await next(call);
      if (call.operation !== 'CreateImage' || isLost) return output;
      isLost = true;
      account.ec2.instances.terminate(account.ec2.instances.get(account.instanceIds[0]!));
      throw new Error('the function crashed');
    });
    const visit = await snapshot(account, 1);
    await account.pass(3600);
    expect(visit.status).toBe('succeeded');
    expect(account.ec2.images.all.size).toBe(1);
  });

  it('does not lose its own image when it is shown only long after the instance is gone', async () => {
    const account = await newAccount();
    let hiddenUntilMs: number | undefined;
    account.cloud.intercept(async (call, next) => {
      if (call.operation === 'DescribeImages' && account.clock.nowMs() < (hiddenUntilMs ?? 0)) return { Images: [] };
      const output = await next(call);
      if (call.operation !== 'CreateImage' || hiddenUntilMs !== undefined) return output;
      hiddenUntilMs = account.clock.nowMs() + 10 * 60_000;
      account.ec2.instances.terminate(account.ec2.instances.get(account.instanceIds[0]!));
      throw new Error('the function crashed');
    });
    const visit = await snapshot(account, 1);
    await account.pass(3600);
    expect(visit.status).toBe('succeeded');
    expect(account.ec2.images.all.size).toBe(1);
  });

  it('says that the instance is gone, without further tries', async () => {
    const account = await newAccount();
    account.ec2.instances.terminate(account.ec2.instances.get(account.instanceIds[0]!));
    await account.pass(600);
    const visit = await snapshot(account, 1);
    await account.pass(3600);
    expect(visit).toMatchObject({ status: 'failed', error: 'Instance.Lost' });
  });

  it('names the newest image in a parameter that launch templates can follow', async () => {
    const account = await newAccount();
    const visit = await snapshot(account, 1, { parameterName: '/sales-report/image' });
    await account.pass(3600);
    const parameter = await account.cloud.call({
      ...{ service: 'ssm', operation: 'GetParameter', principal: { id: 'user' } },
      input: { Name: '/sales-report/image' },
    });
    expect(parameter['Parameter']).toMatchObject({ Value: visit.output!['imageId'], DataType: 'aws:ec2:image' });
  });

  it('removes images beyond the retention with their snapshots, but none that an instance was launched from', async () => {
    const account = await newAccount();
    const retention = { count: 2 };
    const ids: string[] = [];
    for (let index = 0; index < 4; index++) {
      const visit = await snapshot(account, index, { retention });
      await account.pass(3600);
      ids.push(String(visit.output!['imageId']));
      if (index === 0) account.ec2.instances.launch({ imageId: ids[0]!, alreadyRunning: true });
    }
    const remaining = [...account.ec2.images.all.values()].filter((image) => image.state === 'available');
    expect(remaining.map((image) => image.imageId)).toEqual([ids[0], ids[2], ids[3]]);
    expect(account.ec2.images.snapshots.size).toBe(3);
  });
});

describe('images that are in use', () => {
  const retention = { count: 1 };
  const available = (account: Account) =>
    [...account.ec2.images.all.values()].filter(({ state }) => state === 'available').map(({ imageId }) => imageId);
  const imageOf = (visit: Visit) => String(visit.output!['imageId']);

  it('stay as long as a launch template names them', async () => {
    const account = await newAccount();
    const first = await snapshot(account, 1, { retention });
    await account.pass(3600);
    const template = { launchTemplateId: 'lt-1', name: 'workers', request: { imageId: imageOf(first) } };
    account.ec2.instances.launchTemplates.set('lt-1', template);
    const second = await snapshot(account, 2, { retention });
    await account.pass(3600);
    expect(available(account)).toEqual([imageOf(first), imageOf(second)]);

    account.ec2.instances.launchTemplates.delete('lt-1');
    const third = await snapshot(account, 3, { retention });
    await account.pass(3600);
    expect(available(account)).toEqual([imageOf(third)]);
  });

  it('stay as long as an older version of a launch template names them, which a group may be bound to', async () => {
    const account = await newAccount();
    const first = await snapshot(account, 1, { retention });
    await account.pass(3600);
    const earlier = [{ imageId: imageOf(first) }, ...Array.from({ length: 30 }, () => ({ imageId: 'ami-00000000' }))];
    const template = { launchTemplateId: 'lt-1', name: 'workers', request: { imageId: 'ami-00000000' }, earlier };
    account.ec2.instances.launchTemplates.set('lt-1', template);
    const second = await snapshot(account, 2, { retention });
    await account.pass(3600);
    expect(available(account)).toEqual([imageOf(first), imageOf(second)]);
  });

  it('stay as long as the parameter names them, even when a newer one became available before them', async () => {
    const account = await newAccount({ instanceCount: 2 });
    let images = 0;
    account.ec2.images.answer(() => (++images === 1 ? { durationMs: 7_200_000 } : { durationMs: 600_000 }));
    const settings = { retention, parameterName: '/sales-report/image' };
    const slow = await snapshot(account, 1, settings);
    await account.pass(60);
    const quick = await snapshot(account, 2, settings, 1);
    await account.pass(3 * 3600);
    expect(available(account)).toEqual([imageOf(slow), imageOf(quick)]);
    const { Parameter } = await account.cloud.call({
      ...{ service: 'ssm', operation: 'GetParameter', principal: { id: 'user' } },
      input: { Name: '/sales-report/image' },
    });
    expect(Parameter).toMatchObject({ Value: imageOf(slow) });
  });
});

describe('the retention of images', () => {
  it('spares an image that executions still wait for, whatever others have made since', async () => {
    const account = await newAccount({ instanceCount: 2, eventsArrive: false });
    const settings = { retention: { count: 1 } };
    const first = await snapshot(account, 1, settings, 0);
    await account.pass(60);
    const second = await snapshot(account, 2, settings, 1);
    await account.pass(5 * 60 + 10);
    const [, newest] = account.ec2.images.all.keys();
    await account.relay(account.events.find(({ detail }) => detail['ImageId'] === newest)!);
    await account.pass(3600);
    expect([first.status, second.status]).toEqual(['succeeded', 'succeeded']);
    expect(account.ec2.images.all.size).toBe(2);
  });

  it('goes on when another execution removes the same images at that moment', async () => {
    const account = await newAccount();
    const ids: string[] = [];
    for (let index = 0; index < 3; index++) {
      const visit = await snapshot(account, index);
      await account.pass(3600);
      ids.push(String(visit.output!['imageId']));
    }
    let removals = 0;
    account.cloud.intercept(async (call, next) => {
      if (call.operation === 'DeregisterImage' && ++removals === 1) await next(call);
      return next(call);
    });
    const last = await snapshot(account, 3, { retention: { count: 1 } });
    await account.pass(3600);
    const left = [...account.ec2.images.all.values()].filter(({ state }) => state === 'available');
    expect(left.map(({ imageId }) => imageId)).toEqual([last.output!['imageId']]);
    expect(removals).toBe(3);
  });

  it('lets whoever comes back for an image whose copy was removed have another one', async () => {
    const account = await newAccount({ instanceCount: 2, imageDurationMs: 600_000 });
    account.cloud.addElsewhere('ec2', (other) => account.ec2.in(other) as Service);
    const settings = { retention: { count: 1 }, copies: [{ region: 'sa-east-1' }] };
    const first = await snapshot(account, 1, settings, 0);
    await account.pass(620);
    account.end(first);
    await account.cleanUp(executionOf(1));
    // The image itself stays.
    const [imageId] = account.ec2.images.all.keys();
    account.ec2.instances.launch({ imageId, alreadyRunning: true });
    await account.pass(1200);
    const second = await snapshot(account, 2, settings, 1);
    await account.pass(3 * 3600);
    const again = await snapshot(account, 1, settings, 0, 1);
    await account.pass(6 * 3600);
    expect([first.status, second.status, again.status]).toEqual(['ended', 'succeeded', 'succeeded']);
    expect(again.output).toMatchObject({ copies: [{ region: 'sa-east-1', state: 'available' }] });
  });

  const day = 24 * 3_600_000;
  const image = (ageDays: number) => ({
    ImageId: `ami-${ageDays}`,
    CreationDate: new Date(100 * day - ageDays * day).toISOString(),
  });

  it('keeps the newest image, however old it is', () => {
    expect(beyondRetention([image(90)], { days: 1 }, 100 * day)).toEqual([]);
  });

  it('removes what is beyond either limit', () => {
    const images = [image(1), image(2), image(3), image(30)];
    const ids = (retention: object) => beyondRetention(images, retention, 100 * day).map((one) => one.ImageId);
    expect(ids({ count: 2 })).toEqual(['ami-3', 'ami-30']);
    expect(ids({ days: 7 })).toEqual(['ami-30']);
    expect(ids({})).toEqual([]);
  });
});

describe('back-up-results', () => {
  it('names a recovery point that began after the results were stored', async () => {
    const account = await newAccount();
    const storedAtMs = account.clock.nowMs();
    const visit = await backUp(account, 1);
    await account.pass(7200);
    expect(visit).toMatchObject({ status: 'succeeded', output: { resourceArn: 'arn:aws:s3:::results' } });
    expect(visit.output).not.toHaveProperty('warning');
    expect(Date.parse(String(visit.output!['startedAt']))).toBeGreaterThan(storedAtMs);
  });

  it('makes a few jobs for many executions', async () => {
    const account = await newAccount({ backupDurationMs: 1_200_000 });
    const visits = [];
    for (let index = 0; index < 20; index++) {
      visits.push(await backUp(account, index));
      await account.pass(60);
    }
    await account.pass(3 * 3600);
    expect(visits.map((visit) => visit.status)).toEqual(Array(20).fill('succeeded'));
    expect(account.backup.jobs.all.size).toBeLessThanOrEqual(4);
  });

  it('takes a message on a completed job for a warning', async () => {
    const account = await newAccount();
    account.backup.jobs.answer(() => ({ statusMessage: 'Some objects could not be backed up' }));
    const visit = await backUp(account, 1);
    await account.pass(7200);
    expect(visit).toMatchObject({ status: 'succeeded', output: { warning: 'Some objects could not be backed up' } });
  });

  it.each([
    ['FAILED', 'Backup.Failed', 3],
    ['EXPIRED', 'Backup.Expired', 3],
    ['ABORTED', 'Backup.Aborted', 1],
    ['PARTIAL', 'Backup.Partial', 1],
  ] as const)('reports a job that ended as %s as %s, after %i tries', async (state, error, tries) => {
    const account = await newAccount();
    account.backup.jobs.answer(() => ({ state, statusMessage: 'the reason' }));
    const visit = await backUp(account, 1);
    await account.pass(8 * 3600);
    expect(visit).toMatchObject({ status: 'failed', error });
    expect(visit.cause).toContain('the reason');
    expect(account.backup.jobs.all.size).toBe(tries);
  });

  describe('whose first call was heard, and whose answer was lost', () => {
    /** AWS says of a repeated token that nothing was done, perhaps without the job's id. */
    function loseAnswer(account: Account, isHeard: boolean): void {
      let lostToken: unknown;
      account.cloud.intercept(async (call, next) => {
        const token = call.input['IdempotencyToken'];
        if (call.operation !== 'StartBackupJob' || token === undefined) return next(call);
        if (token === lostToken) return { IsParent: false };
        if (lostToken !== undefined) return next(call);
        lostToken = token;
        if (isHeard) await next(call);
        throw new Error('the function crashed');
      });
    }
    const startByHand = (account: Account) => {
      const { vaultName: BackupVaultName, resourceArn: ResourceArn, roleArn: IamRoleArn } = backupSettings;
      const input = { BackupVaultName, ResourceArn, IamRoleArn };
      return account.cloud.call({
        ...{ service: 'backup', operation: 'StartBackupJob', input, principal: { id: 'user' } },
      });
    };
    /** Somebody starts a job half a second before the results are stored, and then the answer is lost.
     * @returns how many jobs there were in the end */
    async function backUpRightAfter(isHeard: boolean): Promise<number> {
      const account = await newAccount();
      await startByHand(account);
      await account.clock.runUntilIdle(account.clock.nowMs() + 500);
      const storedAtMs = account.clock.nowMs();
      loseAnswer(account, isHeard);
      const visit = await backUp(account, 1);
      await account.pass(24 * 3600);
      expect(visit.status).toBe('succeeded');
      const job = account.backup.jobs.all.get(String(visit.output!['backupJobId']))!;
      expect(job.createdAtMs).toBeGreaterThanOrEqual(storedAtMs);
      return account.backup.jobs.all.size;
    }

    it('adopts its job, and no other that began shortly before the results were stored', async () => {
      await backUpRightAfter(true);
    });

    it('takes a job that began before for what it is, and waits for the next', async () => {
      expect(await backUpRightAfter(false)).toBe(2);
    });
  });

  it('begins another job for a redriven execution, whose first job was partial', async () => {
    const account = await newAccount();
    let jobs = 0;
    account.backup.jobs.answer(() => (++jobs === 1 ? { state: 'PARTIAL' } : undefined));
    const input = { object: await account.claim(executionOf(1), '1'), results: results(account) };
    const visit = enterBackUp(account, 1, input);
    await account.pass(3 * 3600);
    expect(visit).toMatchObject({ status: 'failed', error: 'Backup.Partial' });
    const redriven = enterBackUp(account, 1, input, {}, 1);
    await account.pass(3 * 3600);
    expect(redriven.status).toBe('succeeded');
  });

  it('waits for the next job when one expired because another job was running', async () => {
    const account = await newAccount();
    let jobs = 0;
    account.backup.jobs.answer(() =>
      ++jobs <= 5
        ? {
            state: 'EXPIRED',
            statusMessage: 'Backup job failed because there was a running job for the same resource.',
          }
        : undefined,
    );
    const visit = await backUp(account, 1);
    await account.pass(8 * 3600);
    expect(visit.status).toBe('succeeded');
    expect(jobs).toBe(6);
  });

  it('misses its deadline with a reason when a job takes too long', async () => {
    const account = await newAccount({ backupDurationMs: 10 * 3_600_000 });
    const visit = await backUp(account, 1, { deadlineSeconds: 3600 });
    await account.pass(4 * 3600);
    expect(visit).toMatchObject({ status: 'failed', error: 'Backup.DeadlineExceeded' });
    expect(account.items('backups#').map((item) => item['sk'])).toEqual(['group']);
  });
});

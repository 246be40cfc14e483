/** A restore drill: brings an object, its results and a worker back from what was kept of them, processes the object once more, and
 * compares. It talks to AWS through its own SDK clients, and to nothing else; the demo and the tests give it a simulated AWS. */
import {
  BackupClient,
  DescribeRestoreJobCommand,
  paginateListRecoveryPointsByBackupVault,
  StartRestoreJobCommand,
} from '@aws-sdk/client-backup';
import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { EC2Client, RunInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  RestoreObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  GetParameterCommand,
  InvocationDoesNotExist,
  SendCommandCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { createHash } from 'node:crypto';

/** Marks the worker of a drill; its value is `drill`. */
export const drillTag = 'data-lifecycle';

/** What a drill must know of the stack: its output `DrillSettings`. */
export interface DrillSettings {
  readonly originalsBucket: string;
  readonly resultsBucket: string;
  readonly drillsBucket: string;
  readonly ledgerTable: string;
  readonly vaultName: string;
  readonly restoreRoleArn: string;
  readonly imageParameterName: string;
  readonly launchTemplateId: string;
  readonly subnetId: string;
  readonly documentName: string;
}

/** Where a drill runs. */
export interface DrillSurroundings {
  /** Makes a client, with the rights of the drill's role. */
  readonly client: <Client>(type: new (configuration: object) => Client) => Client;
  /** Waits until it is worth looking again. */
  readonly pause: (seconds: number) => Promise<void>;
  /** Tells whoever watches one line. */
  readonly say: (line: string) => void;
}

/** What came back. All of it was compared. */
export interface DrillReport {
  readonly objectSha256: string;
  readonly storageClass: string;
  readonly results: readonly string[];
  readonly imageId: string;
  readonly workerId: string;
}

/** What the ledger says of an object. */
interface StoredRecord {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
  readonly claimedAt: Date;
  readonly resultsPrefix: string;
  readonly recoveryPointArn: string;
}

/** Runs a drill for one object that the workflow has stored.
 * @throws Error for the first thing that does not come back as it was: what, where, and what came instead */
export async function runRestoreDrill(
  settings: DrillSettings,
  key: string,
  surroundings: DrillSurroundings,
): Promise<DrillReport> {
  return new RestoreDrill(settings, surroundings).run(key);
}

class RestoreDrill {
  private readonly s3: S3Client;
  private readonly backup: BackupClient;
  private readonly ec2: EC2Client;
  private readonly ssm: SSMClient;
  private readonly dynamodb: DynamoDBClient;

  constructor(
    private readonly settings: DrillSettings,
    private readonly surroundings: DrillSurroundings,
  ) {
    const { client } = surroundings;
    this.s3 = client(S3Client);
    this.backup = client(BackupClient);
    this.ec2 = client(EC2Client);
    this.ssm = client(SSMClient);
    this.dynamodb = client(DynamoDBClient);
  }

  async run(key: string): Promise<DrillReport> {
    const { say } = this.surroundings;
    const record = await this.findRecord(key);
    await this.makeRoom(record);

    const point = await this.findOriginalPoint(record);
    const id = `drill-${await this.restore(point, record.key, this.settings.originalsBucket)}`;
    const restored = await this.read(this.settings.drillsBucket, record.key);
    say(`object    back from its recovery point, ${restored.length} bytes`);
    const storageClass = await this.thaw(record);
    const objectSha256 = sha256(restored);
    const original = await this.read(record.bucket, record.key, record.versionId);
    expectEqual('The original and what its recovery point holds', sha256(original), objectSha256);
    say(`original  back from ${storageClass}, the same bytes`);

    await this.restore(record.recoveryPointArn, record.resultsPrefix, this.settings.resultsBucket);
    const results = await this.readResults(record.resultsPrefix);
    say(`results   back from their recovery point: ${[...results.keys()].join(', ')}`);

    const { imageId, workerId, repeated } = await this.repeat(record, id);
    expectEqual('The results of the restored worker', describe(repeated), describe(results));
    say(`worker    ${workerId}, launched from ${imageId}, comes to the same results, byte for byte`);
    return { objectSha256, storageClass, results: [...results.keys()], imageId, workerId };
  }

  private async findRecord(key: string): Promise<StoredRecord> {
    const { ledgerTable, originalsBucket } = this.settings;
    const hash = createHash('sha256').update(`${originalsBucket}/${key}`).digest('hex');
    const { Items = [] } = await this.dynamodb.send(
      new QueryCommand({
        TableName: ledgerTable,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: `object#${hash}` } },
      }),
    );
    const stored = Items.filter(({ status }) => status?.S === 'STORED').sort((one, other) =>
      other['claimedAt']!.S!.localeCompare(one['claimedAt']!.S!),
    )[0];
    if (stored === undefined) throw new Error(`The ledger knows no stored object ${key}`);
    return {
      bucket: originalsBucket,
      key,
      versionId: stored['versionId']!.S!,
      claimedAt: new Date(stored['claimedAt']!.S!),
      resultsPrefix: stored['results']!.M!['prefix']!.S!,
      recoveryPointArn: stored['recoveryPoint']!.M!['recoveryPointArn']!.S!,
    };
  }

  /** The first recovery point after the upload: later ones leave the object out once it is archived. */
  private async findOriginalPoint({ bucket, key, claimedAt }: StoredRecord): Promise<string> {
    const found = [];
    for await (const { RecoveryPoints = [] } of paginateListRecoveryPointsByBackupVault(
      { client: this.backup },
      { BackupVaultName: this.settings.vaultName, ByResourceArn: `arn:aws:s3:::${bucket}` },
    )) {
      found.push(...RecoveryPoints.filter(({ CreationDate }) => CreationDate! > claimedAt));
    }
    const [first] = found.sort((one, other) => one.CreationDate!.getTime() - other.CreationDate!.getTime());
    if (first === undefined)
      throw new Error(`No recovery point of ${bucket} is younger than ${key}: wait for tonight's`);
    return first.RecoveryPointArn!;
  }

  /** AWS Backup replaces nothing: what an earlier drill has left would be compared in place of what comes back. */
  private async makeRoom({ key, resultsPrefix }: StoredRecord): Promise<void> {
    const { drillsBucket: Bucket } = this.settings;
    for (const Prefix of [key, resultsPrefix]) {
      for await (const { Contents = [] } of paginateListObjectsV2({ client: this.s3 }, { Bucket, Prefix })) {
        for (const { Key } of Contents) await this.s3.send(new DeleteObjectCommand({ Bucket, Key }));
      }
    }
  }

  /** @param item Key of an object, or a folder that ends with `/`.
   * @returns the id of the job, which no other has */
  private async restore(recoveryPointArn: string, item: string, bucket: string): Promise<string> {
    const { drillsBucket, restoreRoleArn } = this.settings;
    const { RestoreJobId } = await this.backup.send(
      new StartRestoreJobCommand({
        RecoveryPointArn: recoveryPointArn,
        IamRoleArn: restoreRoleArn,
        ResourceType: 'S3',
        Metadata: {
          DestinationBucketName: drillsBucket,
          ItemsToRestore: JSON.stringify([`s3://${bucket}/${item}`]),
          EncryptionType: 'SSE-S3',
        },
      }),
    );
    const job = await this.until(`restore job ${RestoreJobId}`, 60, async () => {
      const read = await this.backup.send(new DescribeRestoreJobCommand({ RestoreJobId }));
      return read.Status === 'PENDING' || read.Status === 'RUNNING' ? undefined : read;
    });
    // A message on a completed job says that something was left out.
    if (job.Status !== 'COMPLETED' || job.StatusMessage) {
      throw new Error(`The restore from ${recoveryPointArn} ended as ${job.Status}: ${job.StatusMessage}`);
    }
    return RestoreJobId!;
  }

  /** Gets a readable copy of an archived original, for a day.
   * @returns the class that it is stored in */
  private async thaw({ bucket: Bucket, key: Key, versionId: VersionId }: StoredRecord): Promise<string> {
    const head = () => this.s3.send(new HeadObjectCommand({ Bucket, Key, VersionId }));
    const { StorageClass: storageClass = 'STANDARD', Restore } = await head();
    if (storageClass !== 'GLACIER' && storageClass !== 'DEEP_ARCHIVE') return storageClass;
    if (Restore === undefined) {
      const RestoreRequest = { Days: 1, GlacierJobParameters: { Tier: 'Standard' as const } };
      await this.s3.send(new RestoreObjectCommand({ Bucket, Key, VersionId, RestoreRequest }));
    }
    await this.until(`copy of ${Key} from ${storageClass}`, 900, async () =>
      (await head()).Restore?.includes('ongoing-request="false"') ? true : undefined,
    );
    return storageClass;
  }

  /** Launches a worker from the published image, processes the restored object on it, and ends it whatever happens. */
  private async repeat({ key }: StoredRecord, id: string) {
    const { imageParameterName, launchTemplateId, subnetId } = this.settings;
    const { Parameter } = await this.ssm.send(new GetParameterCommand({ Name: imageParameterName }));
    const imageId = Parameter!.Value!;
    const { Instances } = await this.ec2.send(
      new RunInstancesCommand({
        MinCount: 1,
        MaxCount: 1,
        ImageId: imageId,
        LaunchTemplate: { LaunchTemplateId: launchTemplateId },
        SubnetId: subnetId,
        ClientToken: id,
        TagSpecifications: [
          {
            ResourceType: 'instance',
            Tags: [
              { Key: drillTag, Value: 'drill' },
              { Key: 'Name', Value: id },
            ],
          },
        ],
      }),
    );
    const workerId = Instances![0]!.InstanceId!;
    try {
      await this.process(workerId, key, id);
    } finally {
      await this.ec2.send(new TerminateInstancesCommand({ InstanceIds: [workerId] }));
    }
    return { imageId, workerId, repeated: await this.readResults(`operations/${id}/`) };
  }

  /** Sends the workflow's own document, with what the workflow would have sent. */
  private async process(workerId: string, Key: string, id: string): Promise<void> {
    const { drillsBucket: Bucket, documentName } = this.settings;
    const instance = [{ Key: 'InstanceIds', Values: [workerId] }];
    await this.until(`agent of ${workerId}`, 15, async () => {
      const { InstanceInformationList = [] } = await this.ssm.send(
        new DescribeInstanceInformationCommand({ Filters: instance }),
      );
      return InstanceInformationList.some(({ PingStatus }) => PingStatus === 'Online') ? true : undefined;
    });
    const head = await this.s3.send(new HeadObjectCommand({ Bucket, Key }));
    const environment = {
      OBJECT_BUCKET: Bucket,
      OBJECT_KEY: Key,
      OBJECT_VERSION: head.VersionId,
      OBJECT_ETAG: head.ETag!.replaceAll('"', ''),
      OBJECT_SIZE: head.ContentLength,
      OBJECT_CONTENT_TYPE: head.ContentType,
      OBJECT_LAST_MODIFIED: head.LastModified!.toISOString(),
      OBJECT_ATTEMPT: 1,
    };
    const { Command } = await this.ssm.send(
      new SendCommandCommand({
        DocumentName: documentName,
        InstanceIds: [workerId],
        Parameters: {
          OperationId: [id],
          Environment: [
            base64(
              Object.entries(environment)
                .map(([name, value]) => `${name}=${value}\0`)
                .join(''),
            ),
          ],
          ResultsLocation: [base64(`s3://${Bucket}/operations/${id}/`)],
        },
      }),
    );
    const invocation = { CommandId: Command!.CommandId, InstanceId: workerId };
    const ended = await this.until(`command on ${workerId}`, 5, async () => {
      const read = await this.ssm.send(new GetCommandInvocationCommand(invocation)).catch(ignoreMissing);
      return read === undefined || ['Pending', 'InProgress', 'Delayed'].includes(read.Status!) ? undefined : read;
    });
    if (ended.Status !== 'Success') {
      throw new Error(`The restored worker ends with ${ended.Status}: ${ended.StandardErrorContent}`);
    }
  }

  /** The files that the manifest below a prefix names, each with the checksum that it must have, and has. */
  private async readResults(prefix: string): Promise<ReadonlyMap<string, string>> {
    const { drillsBucket } = this.settings;
    const manifest = (await this.read(drillsBucket, `${prefix}manifest.tsv`)).toString('utf8');
    const files = new Map<string, string>();
    for (const line of manifest.trimEnd().split('\n')) {
      const [checksum, , path] = line.split('\t') as [string, string, string];
      const name = Buffer.from(path, 'base64').toString('utf8');
      const content = await this.read(drillsBucket, `${prefix}files/${name}`);
      expectEqual(`The result ${name}`, sha256(content), checksum);
      files.set(name, checksum);
    }
    return files;
  }

  private async read(Bucket: string, Key: string, VersionId?: string): Promise<Buffer> {
    const { Body } = await this.s3.send(new GetObjectCommand({ Bucket, Key, VersionId }));
    return Buffer.from(await Body!.transformToByteArray());
  }

  /** Looks again and again, at most a day. */
  private async until<Found>(what: string, seconds: number, look: () => Promise<Found | undefined>): Promise<Found> {
    for (let waited = 0; waited <= 86_400; waited += seconds) {
      const found = await look();
      if (found !== undefined) return found;
      await this.surroundings.pause(seconds);
    }
    throw new Error(`The drill has waited a day for the ${what}`);
  }
}

/** An invocation can be read only some time after it was sent. */
function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof InvocationDoesNotExist)) throw error;
}

function expectEqual(what: string, got: string, expected: string): void {
  if (got !== expected) throw new Error(`${what} is not the same\n  got: ${got}\n  expected: ${expected}`);
}

function describe(files: ReadonlyMap<string, string>): string {
  return JSON.stringify([...files].sort());
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('base64');
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

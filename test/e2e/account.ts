/** What a person with the AWS SDK does in the emulator's account and sees there. */
import { DynamoDBClient, ListTablesCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { DescribeLaunchTemplatesCommand, DescribeLaunchTemplateVersionsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  SFNClient,
  StartExecutionCommand,
  type DescribeExecutionOutput,
} from '@aws-sdk/client-sfn';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectRecord } from '../../local';
import { fromItem } from '../../tasks/attribute-values';
import { filesFolder, parseManifest } from '../../tasks/manifest';
import type { StoredResults } from '../../tasks/object-reference';
import { clientOptions, type Emulator } from './emulator';

/** Longest time that an execution may take. */
const limitMs = 240_000;

/** An account of the emulator, seen through the SDK. */
export class Account {
  private readonly s3: S3Client;
  private readonly states: SFNClient;
  private readonly dynamodb: DynamoDBClient;
  private readonly ec2: EC2Client;

  constructor(emulator: Emulator) {
    this.s3 = new S3Client(clientOptions(emulator));
    this.states = new SFNClient(clientOptions(emulator));
    this.dynamodb = new DynamoDBClient(clientOptions(emulator));
    this.ec2 = new EC2Client(clientOptions(emulator));
  }

  async upload(bucket: string, key: string, body: Uint8Array, contentType: string): Promise<void> {
    await this.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: contentType }));
  }

  /** @returns an object's content as text */
  async read(bucket: string, key: string): Promise<string> {
    const { Body: body } = await this.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return body!.transformToString();
  }

  /** Starts the workflow by hand and waits for its end. */
  async start(machine: string, input: object): Promise<DescribeExecutionOutput> {
    const { executionArn } = await this.states.send(
      new StartExecutionCommand({ stateMachineArn: await this.machineArn(machine), input: JSON.stringify(input) }),
    );
    return this.ended(executionArn!);
  }

  /** Waits for the end of the execution that an object has started. */
  async executionFor(machine: string, key: string): Promise<DescribeExecutionOutput> {
    const stateMachineArn = await this.machineArn(machine);
    for (const startMs = performance.now(); performance.now() - startMs < limitMs; await sleep(200)) {
      const { executions = [] } = await this.states.send(new ListExecutionsCommand({ stateMachineArn }));
      for (const { executionArn } of executions) {
        const execution = await this.states.send(new DescribeExecutionCommand({ executionArn }));
        if (execution.input?.includes(JSON.stringify(key))) return this.ended(executionArn!);
      }
    }
    throw new Error(`No execution of ${machine} was started for ${key} in ${limitMs / 1000} s`);
  }

  /** The states that an execution has entered. */
  async statesOf({ executionArn }: DescribeExecutionOutput): Promise<string[]> {
    const { events = [] } = await this.states.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1_000 }));
    return events.flatMap(({ stateEnteredEventDetails: entered }) => (entered === undefined ? [] : [entered.name!]));
  }

  /** The ledger's record of an object. */
  async record(key: string): Promise<ObjectRecord> {
    const { TableNames: tables = [] } = await this.dynamodb.send(new ListTablesCommand({}));
    for (const TableName of tables.filter((name) => name.includes('Ledger'))) {
      const { Items: items = [] } = await this.dynamodb.send(new ScanCommand({ TableName, ConsistentRead: true }));
      const records = items.map((item) => fromItem(item) as ObjectRecord);
      const found = records.find(({ pk, key: own, status }) => pk.startsWith('object#') && own === key && status);
      if (found !== undefined) return found;
    }
    throw new Error(`No ledger has a record of ${key}`);
  }

  /** The results that a record names, as text by path. */
  async results(record: ObjectRecord): Promise<Readonly<Record<string, string>>> {
    const { bucket, prefix, manifestKey } = record['results'] as StoredResults;
    const files: Record<string, string> = {};
    for (const { path } of parseManifest(await this.read(bucket, manifestKey))) {
      files[path] = await this.read(bucket, `${prefix}${filesFolder}${path}`);
    }
    return files;
  }

  /** What instances of the only launch template run when they start. */
  async userData(): Promise<string> {
    const { LaunchTemplates: templates = [] } = await this.ec2.send(new DescribeLaunchTemplatesCommand({}));
    if (templates.length !== 1) throw new Error(`There are ${templates.length} launch templates, not one`);
    const { LaunchTemplateVersions: versions = [] } = await this.ec2.send(
      new DescribeLaunchTemplateVersionsCommand({
        LaunchTemplateId: templates[0]!.LaunchTemplateId,
        Versions: ['$Latest'],
      }),
    );
    return Buffer.from(versions[0]!.LaunchTemplateData!.UserData!, 'base64').toString('utf8');
  }

  private async machineArn(name: string): Promise<string> {
    const { stateMachines = [] } = await this.states.send(new ListStateMachinesCommand({}));
    const found = stateMachines.find((machine) => machine.name!.includes(name));
    if (found === undefined) throw new Error(`There is no state machine ${name}`);
    return found.stateMachineArn!;
  }

  private async ended(executionArn: string): Promise<DescribeExecutionOutput> {
    for (const startMs = performance.now(); performance.now() - startMs < limitMs; await sleep(200)) {
      const execution = await this.states.send(new DescribeExecutionCommand({ executionArn }));
      if (execution.status !== 'RUNNING') return execution;
    }
    const states = await this.statesOf({ executionArn } as DescribeExecutionOutput);
    throw new Error(`${executionArn} still runs after ${limitMs / 1000} s: ${states.join(' → ')}`);
  }
}

/** What the SDK clients of this package send and get, through the transport that stays in this process. */
import {
  BackupClient,
  DescribeBackupJobCommand,
  InvalidParameterValueException,
  ListBackupJobsCommand,
  StartBackupJobCommand,
} from '@aws-sdk/client-backup';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateImageCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  EC2Client,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { S3Client, PutObjectCommand } from '@aws-sdk/client-s3';
import {
  GetExecutionHistoryCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartSyncExecutionCommand,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import {
  GetCommandInvocationCommand,
  InvocationDoesNotExist,
  SendCommandCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import {
  Cloud,
  operator,
  ServiceError,
  UnsupportedError,
  type Principal,
  type ServiceCall,
  type ServiceName,
  type ServiceOutput,
} from '../../local/services/service';
import { clientConfiguration } from '../../local/wire/request-handler';
import { createTestCloud, failureOf } from '../services/test-cloud';

/** A cloud with one service that answers everything the same way, and remembers what it was asked. */
function cloudAnswering(
  name: ServiceName,
  operations: readonly string[],
  reply: () => ServiceOutput,
  principal = operator,
) {
  const cloud = new Cloud('eu-west-1', '111122223333');
  const calls: ServiceCall[] = [];
  cloud.intercept((call, next) => {
    calls.push(call);
    return next(call);
  });
  cloud.add({ name, operations: Object.fromEntries(operations.map((operation) => [operation, reply])) });
  return { calls, configuration: clientConfiguration(cloud, principal, 'eu-west-1') };
}

const at = new Date('2026-03-01T12:00:00Z');

describe('EC2', () => {
  test('RunInstances: lists, tags and flags reach the service as the SDK was given them', async () => {
    const { calls, configuration } = cloudAnswering('ec2', ['RunInstances'], () => ({
      ReservationId: 'r-1',
      Instances: [
        {
          InstanceId: 'i-1',
          State: { Code: 0, Name: 'pending' },
          LaunchTime: at,
          EbsOptimized: false,
          SecurityGroups: [],
        },
      ],
    }));
    const input = {
      ImageId: 'ami-1',
      MinCount: 1,
      MaxCount: 2,
      SecurityGroupIds: ['sg-1', 'sg-2'],
      UserData: Buffer.from('#!/bin/bash').toString('base64'),
      IamInstanceProfile: { Arn: 'arn:aws:iam::1:instance-profile/p' },
      BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { VolumeSize: 20, Encrypted: true } }],
      TagSpecifications: [{ ResourceType: 'instance' as const, Tags: [{ Key: 'a b', Value: 'c&d=e' }] }],
      ClientToken: 'token',
    };
    const output = await new EC2Client(configuration).send(new RunInstancesCommand(input));
    expect(calls[0]).toEqual({ service: 'ec2', operation: 'RunInstances', input, principal: operator });
    expect(output).toMatchObject({
      ReservationId: 'r-1',
      Instances: [
        {
          InstanceId: 'i-1',
          State: { Code: 0, Name: 'pending' },
          LaunchTime: at,
          EbsOptimized: false,
          SecurityGroups: [],
        },
      ],
    });
  });

  test('DescribeInstances and DescribeImages: filters in, nested lists out', async () => {
    const { calls, configuration } = cloudAnswering('ec2', ['DescribeInstances', 'DescribeImages'], () => ({
      Reservations: [
        { Instances: [{ InstanceId: 'i-1', Tags: [{ Key: 'k', Value: '<v>' }] }] },
        { Instances: [{ InstanceId: 'i-2' }] },
      ],
      Images: [
        {
          ImageId: 'ami-1',
          State: 'available',
          Public: false,
          BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId: 'snap-1', VolumeSize: 8 } }],
        },
      ],
      NextToken: 'next',
    }));
    const client = new EC2Client(configuration);
    const Filters = [{ Name: 'tag:k', Values: ['a', 'b'] }];
    const instances = await client.send(new DescribeInstancesCommand({ Filters, MaxResults: 5 }));
    expect(calls[0]!.input).toEqual({ Filters, MaxResults: 5 });
    expect(instances.Reservations!.map(({ Instances }) => Instances![0]!.InstanceId)).toEqual(['i-1', 'i-2']);
    expect(instances.Reservations![0]!.Instances![0]!.Tags).toEqual([{ Key: 'k', Value: '<v>' }]);
    const images = await client.send(new DescribeImagesCommand({ Owners: ['self'], ImageIds: ['ami-1'] }));
    expect(calls[1]!.input).toEqual({ Owners: ['self'], ImageIds: ['ami-1'] });
    expect(images.Images).toEqual([
      {
        ImageId: 'ami-1',
        State: 'available',
        Public: false,
        BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId: 'snap-1', VolumeSize: 8 } }],
      },
    ]);
    expect(images.NextToken).toBe('next');
  });

  test('errors keep their code and words, and lists that are empty stay lists', async () => {
    const failing = cloudAnswering('ec2', ['CreateImage'], () => {
      throw new ServiceError('InvalidAMIName.Duplicate', 'AMI name results-1 is already in use by AMI ami-1');
    });
    const failure = await failureOf(
      new EC2Client(failing.configuration).send(
        new CreateImageCommand({ InstanceId: 'i-1', Name: 'results-1', NoReboot: true }),
      ),
    );
    expect([failure.name, failure.message, failure.$metadata.httpStatusCode]).toEqual([
      'InvalidAMIName.Duplicate',
      'AMI name results-1 is already in use by AMI ami-1',
      400,
    ]);
    expect(failing.calls[0]!.input).toEqual({ InstanceId: 'i-1', Name: 'results-1', NoReboot: true });
    const empty = cloudAnswering('ec2', ['TerminateInstances'], () => ({ TerminatingInstances: [] }));
    const output = await new EC2Client(empty.configuration).send(
      new TerminateInstancesCommand({ InstanceIds: ['i-1'] }),
    );
    expect(output.TerminatingInstances).toEqual([]);
  });
});

describe('SSM', () => {
  test('SendCommand and its answer', async () => {
    const { calls, configuration } = cloudAnswering('ssm', ['SendCommand'], () => ({
      Command: { CommandId: 'c-1', RequestedDateTime: at, Parameters: { P: ['v'] }, Status: 'Pending' },
    }));
    const input = { DocumentName: 'd', InstanceIds: ['i-1'], Parameters: { P: ['a', 'b'] }, TimeoutSeconds: 60 };
    const { Command } = await new SSMClient(configuration).send(new SendCommandCommand(input));
    expect(calls[0]!.input).toEqual(input);
    expect(Command).toMatchObject({ CommandId: 'c-1', RequestedDateTime: at, Parameters: { P: ['v'] } });
  });

  test('modelled errors are of their class', async () => {
    const { configuration } = cloudAnswering('ssm', ['GetCommandInvocation'], () => {
      throw new ServiceError('InvocationDoesNotExist', '');
    });
    const client = new SSMClient(configuration);
    const failure = await failureOf(
      client.send(new GetCommandInvocationCommand({ CommandId: 'c'.repeat(36), InstanceId: 'i-1' })),
    );
    expect(failure).toBeInstanceOf(InvocationDoesNotExist);
  });
});

describe('Backup', () => {
  test('paths, queries and bodies reach the operation they are for', async () => {
    const { calls, configuration } = cloudAnswering(
      'backup',
      ['StartBackupJob', 'DescribeBackupJob', 'ListBackupJobs'],
      () => ({
        BackupJobId: 'job/1',
        CreationDate: at,
        BackupSizeInBytes: 5,
        BackupJobs: [{ BackupJobId: 'job/1', CreationDate: at }],
      }),
    );
    const client = new BackupClient(configuration);
    const start = {
      BackupVaultName: 'v',
      ResourceArn: 'arn:aws:s3:::b',
      IamRoleArn: 'arn:aws:iam::1:role/r',
      IdempotencyToken: 't',
      RecoveryPointTags: { k: 'v' },
    };
    expect((await client.send(new StartBackupJobCommand(start))).CreationDate).toEqual(at);
    await client.send(new DescribeBackupJobCommand({ BackupJobId: 'job/1' }));
    const list = await client.send(
      new ListBackupJobsCommand({ ByState: 'RUNNING', ByCreatedAfter: at, MaxResults: 3 }),
    );
    expect(list.BackupJobs).toEqual([{ BackupJobId: 'job/1', CreationDate: at }]);
    expect(calls.map(({ operation, input }) => [operation, input])).toEqual([
      ['StartBackupJob', start],
      ['DescribeBackupJob', { BackupJobId: 'job/1' }],
      ['ListBackupJobs', { ByState: 'RUNNING', ByCreatedAfter: at, MaxResults: 3 }],
    ]);
  });

  test('modelled errors are of their class', async () => {
    const { configuration } = cloudAnswering('backup', ['DescribeBackupJob'], () => {
      throw new ServiceError('InvalidParameterValueException', 'no such job', 400, { Context: 'c' });
    });
    const failure = await failureOf(
      new BackupClient(configuration).send(new DescribeBackupJobCommand({ BackupJobId: 'x' })),
    );
    expect(failure).toBeInstanceOf(InvalidParameterValueException);
    expect(failure['Context']).toBe('c');
  });
});

describe('Step Functions', () => {
  test('task tokens, histories and errors', async () => {
    const { calls, configuration } = cloudAnswering(
      'states',
      ['SendTaskSuccess', 'GetExecutionHistory', 'StartSyncExecution'],
      () => ({
        events: [{ id: 1, type: 'ExecutionStarted', timestamp: at, executionStartedEventDetails: { input: '{}' } }],
      }),
    );
    const client = new SFNClient(configuration);
    await client.send(new SendTaskSuccessCommand({ taskToken: 't', output: '{"a":"ü"}' }));
    expect(calls[0]!.input).toEqual({ taskToken: 't', output: '{"a":"ü"}' });
    const history = await client.send(new GetExecutionHistoryCommand({ executionArn: 'arn', reverseOrder: false }));
    expect(history.events).toEqual([
      { id: 1, type: 'ExecutionStarted', timestamp: at, executionStartedEventDetails: { input: '{}' } },
    ]);
    await client.send(new StartSyncExecutionCommand({ stateMachineArn: 'arn' }));
    expect(calls[2]!.operation).toBe('StartSyncExecution');
    const stale = cloudAnswering('states', ['SendTaskSuccess'], () => {
      throw new ServiceError('TaskTimedOut', 'Task Timed Out');
    });
    const failure = await failureOf(
      new SFNClient(stale.configuration).send(new SendTaskSuccessCommand({ taskToken: 't', output: '{}' })),
    );
    expect(failure).toBeInstanceOf(TaskTimedOut);
  });
});

describe('the transport', () => {
  test('calls as the principal it was made for', async () => {
    const principal: Principal = { id: 'arn:aws:iam::111122223333:role/worker', session: 'function' };
    const { calls, configuration } = cloudAnswering('dynamodb', ['GetItem'], () => ({}), principal);
    await new DynamoDBClient(configuration).send(new GetItemCommand({ TableName: 't', Key: { pk: { S: 'a' } } }));
    expect(calls[0]!.principal).toBe(principal);
  });

  test('repeats what may be repeated three times in all, without waiting', async () => {
    const startedAtMs = performance.now();
    for (const [code, statusCode, attempts] of [
      ['ThrottlingException', 400, 3],
      ['InternalServerError', 500, 3],
      ['ValidationException', 400, 1],
    ] as const) {
      const { calls, configuration } = cloudAnswering('dynamodb', ['GetItem'], () => {
        throw new ServiceError(code, 'no', statusCode);
      });
      const failure = await failureOf(
        new DynamoDBClient(configuration).send(new GetItemCommand({ TableName: 't', Key: {} })),
      );
      expect([failure.name, calls.length]).toEqual([code, attempts]);
    }
    expect(performance.now() - startedAtMs).toBeLessThan(2000);
  });

  test('hands on what is not simulated as an error of the simulator, once', async () => {
    const { calls, configuration } = cloudAnswering('dynamodb', [], () => ({}));
    const failure = await failureOf(
      new DynamoDBClient(configuration).send(new GetItemCommand({ TableName: 't', Key: {} })),
    );
    expect(failure).toBeInstanceOf(UnsupportedError);
    expect(failure.message).toContain('dynamodb:GetItem is not simulated');
    expect(calls).toHaveLength(1);
  });

  test('reads nothing from the environment', async () => {
    const { s3, configuration } = createTestCloud();
    s3.createBucket({ name: 'inbox' });
    const before = { ...process.env };
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
      AWS_REGION: 'ap-east-1',
      AWS_MAX_ATTEMPTS: '9',
      AWS_PROFILE: 'nobody',
    });
    try {
      await new S3Client(configuration).send(new PutObjectCommand({ Bucket: 'inbox', Key: 'a', Body: 'x' }));
    } finally {
      process.env = before;
    }
    expect(s3.versions('inbox')).toHaveLength(1);
  });
});

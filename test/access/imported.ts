/** A workflow on what belongs to others: buckets and keys that it only knows by name, and an instance that is there already. */
import { App, Stack } from 'aws-cdk-lib';
import { Instance, InstanceType, MachineImage, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key, type IKey } from 'aws-cdk-lib/aws-kms';
import { Bucket, type CfnBucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { InstanceFleet, ObjectStore, ObjectWorkflow, Processor } from '../../workflow';
import { createFolder } from './assemblies';

const keyArn = 'arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555';

/** @returns the directory of the assembly: the stack of the workflow, and one that stands for what exists already */
export function synthesizeImported(): string {
  const context = { 'aws:cdk:disable-asset-staging': true };
  const app = new App({ outdir: createFolder(), context });
  const env = { region: 'us-east-1', account: '111122223333' };
  const owner = new Stack(app, 'Owner', { env });
  const stack = new Stack(app, 'Access', { env });
  // One key of another stack, and one of which only the ARN is known.
  const inboxKey = new Key(owner, 'InboxKey');
  createBucket(owner, 'shared-inbox', inboxKey);
  createBucket(owner, 'shared-results', Key.fromKeyArn(owner, 'ResultsKey', keyArn));
  createBucket(owner, 'shared-quarantine');
  const vpc = new Vpc(stack, 'Network', { natGateways: 0, maxAzs: 1 });
  const worker = new Instance(stack, 'Worker', {
    ...{ vpc, instanceType: new InstanceType('t4g.small'), machineImage: MachineImage.latestAmazonLinux2023() },
  });
  new ObjectWorkflow(stack, 'Workflow', {
    source: { bucket: importBucket(stack, 'shared-inbox', inboxKey), prefix: 'incoming/', suffix: '.csv' },
    results: importBucket(stack, 'shared-results', Key.fromKeyArn(stack, 'ResultsKey', keyArn)),
    quarantine: Bucket.fromBucketArn(stack, 'shared-quarantine', 'arn:aws:s3:::shared-quarantine'),
    processor: Processor.fleet(InstanceFleet.fromInstances(worker), { command: 'true' }),
  });
  return app.synth().directory;
}

function createBucket(owner: Construct, bucketName: string, encryptionKey?: IKey): void {
  const { bucket } = new ObjectStore(owner, bucketName, { ...(encryptionKey && { encryptionKey }) });
  (bucket.node.defaultChild as CfnBucket).bucketName = bucketName;
}

function importBucket(stack: Construct, bucketName: string, encryptionKey: IKey): IBucket {
  return Bucket.fromBucketAttributes(stack, bucketName, { bucketName, encryptionKey });
}

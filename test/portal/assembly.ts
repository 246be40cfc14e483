/** Synthesizes the portal of a small workflow, which the tests of the API and of the page share. */
import { App, Size, Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BackupPolicy,
  LedgerTable,
  InstanceFleet,
  ObjectStore,
  ObjectWorkflow,
  Processor,
  SnapshotPolicy,
  UploadPortal,
} from '../../workflow';
import { launchTemplateContext, oneSubnetFleet } from '../one-subnet-fleet';

/** Counts lines; what the file says decides how it ends. */
const command = `
if grep -q '^reject' "$OBJECT_FILE"; then echo 'The column "amount" is missing' >&2; exit 65; fi
if grep -q '^fail' "$OBJECT_FILE"; then echo 'disk on fire' >&2; exit 1; fi
wc -l < "$OBJECT_FILE" | tr -d ' ' > "$RESULTS_DIR/lines.txt"`;

/** @param options.instanceCount How many instances process files.
 * @param options.encryptionKey Whether everything is encrypted with keys of the stack's own.
 * @param options.isShared Whether files go to a bucket that another stack owns, encrypted with its key. */
export function makePortal({ instanceCount = 1, encryptionKey = false, isShared = false } = {}): Stack {
  const app = new App({
    outdir: mkdtempSync(join(tmpdir(), 'portal-')),
    context: launchTemplateContext,
  });
  const stack = new Stack(app, 'Portal');
  const fleet = oneSubnetFleet(stack, { minCapacity: instanceCount, maxCapacity: instanceCount });
  // One key each: what is for one of them would else be for another one, too.
  const key = (id: string) => (encryptionKey ? { encryptionKey: new Key(stack, `${id}Key`) } : {});
  const store = (id: string): ObjectStore => new ObjectStore(stack, id, key(id));
  const inbox = isShared ? importInbox(stack) : store('Inbox').bucket;
  const workflow = new ObjectWorkflow(stack, 'Reports', {
    source: {
      bucket: inbox,
      prefix: 'incoming/',
      suffix: '.csv',
      maximumSize: Size.mebibytes(32),
      contentTypes: ['text/csv', 'text/plain'],
    },
    processor: Processor.fleet(InstanceFleet.fromAutoScalingGroup(fleet), { command }),
    snapshot: SnapshotPolicy.never(),
    backup: BackupPolicy.never(),
    ...(encryptionKey && {
      results: store('Results').bucket,
      quarantine: store('Quarantine').bucket,
      ledger: new LedgerTable(stack, 'Ledger', key('Ledger')),
    }),
  });
  new UploadPortal(stack, 'Uploads', { workflow });
  return stack;
}

/** Makes a bucket in another stack and refers to it by its name, as those do who do not own it. */
function importInbox(stack: Stack): IBucket {
  const owner = new Stack(stack.node.root as App, 'Owner');
  const encryptionKey = new Key(owner, 'Key');
  const bucketName = 'shared-inbox';
  new Bucket(owner, 'Inbox', { bucketName, encryptionKey, versioned: true, eventBridgeEnabled: true });
  return Bucket.fromBucketAttributes(stack, 'Inbox', { bucketName, encryptionKey });
}

/** @returns the folder of the synthesized assembly */
export function synthesizePortal(options: Parameters<typeof makePortal>[0] = {}): string {
  const stack = makePortal(options);
  return (stack.node.root as App).synth().directory;
}

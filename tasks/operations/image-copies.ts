/** Copies of an image in other Regions: each is found by the image's name, which is also the token that makes it once. */
import { CopyImageCommand, DescribeImagesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { isTransient } from '../handler';
import { metricFields, workflowMetrics } from '../metric';
import type { ImageCopyOutcome } from '../object-reference';
import type { Job } from './group';
import { imageStates, imageTagKeys, imageTags, tagOf } from './image-identity';
import type { ImageOperation } from './operation';
import type { StepContext } from './operation-context';
import type { ImageSettings } from './settings';

type CopyTarget = ImageSettings['copies'][number];

/** The image or its copy exists, but that Region does not show it yet; or the Region is at its limit of copies. */
const laterErrors: ReadonlySet<string> = new Set([
  'InvalidAMIName.Duplicate',
  'InvalidAMIID.NotFound',
  'InvalidAMIID.Unavailable',
  'ResourceLimitExceeded',
]);

/** Begins the copies of an available image where there are none, and looks how the others stand.
 * Whatever another Region answers, the image itself is good: a problem there is an outcome, not an error. */
export function followCopies(
  operation: ImageOperation,
  job: Job & { jobId: string },
  context: StepContext,
): Promise<ImageCopyOutcome[]> {
  return Promise.all(operation.settings.copies.map((target) => followCopy(target, operation, job, context)));
}

/** Counts the copies that cannot be used, for an alarm. */
export function reportCopies(
  { owner }: ImageOperation,
  copies: readonly ImageCopyOutcome[],
  context: StepContext,
): void {
  const failed = copies.filter(({ state }) => state !== 'available');
  if (failed.length === 0) return;
  const nowMs = context.nowMs();
  context.log.error('Copies of an image in other Regions cannot be used', {
    copies: failed,
    ...metricFields(workflowMetrics.failedImageCopies, failed.length, {
      stateMachineName: partsOf(owner).stateMachineName,
      nowMs,
    }),
  });
}

/** `arn:aws:states:<region>:<account>:execution:<state machine>:<execution>` */
function partsOf(executionArn: string): { readonly region: string; readonly stateMachineName: string } {
  const [, , , region = '', , , stateMachineName = ''] = executionArn.split(':');
  return { region, stateMachineName };
}

async function followCopy(
  target: CopyTarget,
  operation: ImageOperation,
  job: Job & { jobId: string },
  context: StepContext,
): Promise<ImageCopyOutcome> {
  const { region } = target;
  try {
    const { Images = [] } = await context
      .client(EC2Client, region)
      .send(new DescribeImagesCommand({ Owners: ['self'], Filters: [{ Name: 'name', Values: [job.name] }] }));
    const copy = Images[0];
    if (copy?.ImageId === undefined) return await beginCopy(target, operation, job, context);
    const { ImageId: imageId, State: state } = copy;
    if (tagOf(copy, imageTagKeys.job) !== job.name) {
      return { region, state: 'failed', problem: `The name ${job.name} is taken by ${imageId}, which is no copy` };
    }
    switch (state === undefined ? 'running' : (imageStates[state] ?? 'running')) {
      case 'running':
        return { region, state: 'pending', imageId };
      case 'succeeded':
        return { region, state: 'available', imageId };
      case 'failed':
        return { region, state: 'failed', imageId, problem: `${state}: ${copy.StateReason?.Message ?? 'no reason'}` };
    }
  } catch (error) {
    return obstacleOf(error, region, context);
  }
}

async function beginCopy(
  { region, keyArn }: CopyTarget,
  operation: ImageOperation,
  job: Job & { jobId: string },
  context: StepContext,
): Promise<ImageCopyOutcome> {
  const ec2 = context.client(EC2Client, region);
  const tags = imageTags(operation, job);
  const { ImageId: imageId } = await ec2.send(
    new CopyImageCommand({
      Name: job.name,
      ClientToken: job.name,
      SourceImageId: job.jobId,
      SourceRegion: partsOf(operation.owner).region,
      Description: `Copy of ${job.jobId}`,
      ...(keyArn !== undefined && { Encrypted: true, KmsKeyId: keyArn }),
      TagSpecifications: [
        { ResourceType: 'image', Tags: tags },
        { ResourceType: 'snapshot', Tags: tags },
      ],
    }),
  );
  return { region, state: 'pending', imageId };
}

/** @throws what is no answer of EC2: a mistake of ours */
function obstacleOf(error: unknown, region: string, context: StepContext): ImageCopyOutcome {
  const { name, message, $metadata } = error as Error & { readonly $metadata?: object };
  const problem = `${name}: ${message}`;
  if (isTransient(error) || laterErrors.has(name)) {
    context.log.info('A copy of an image cannot be begun or seen now', { region, obstacle: problem });
    return { region, state: 'pending', problem };
  }
  if ($metadata === undefined) throw error;
  return { region, state: 'failed', problem };
}

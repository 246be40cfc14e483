/** Machine images as shared jobs: their name is their idempotency key, because CreateImage has no other. */
import { CreateImageCommand, DescribeImagesCommand, EC2Client, type Image } from '@aws-sdk/client-ec2';
import type { ImageOutcome } from '../object-reference';
import type { Job, JobFailure } from './group';
import { stepSharedJob, type JobStatus, type SharedJobs } from './group-commit';
import { followCopies, reportCopies } from './image-copies';
import { imageStates, imageTags, imageTagKeys, tagOf } from './image-identity';
import { keepNewImages, publishImage } from './image-upkeep';
import type { ImageOperation } from './operation';
import type { StepContext, StepResult } from './operation-context';

/** A new image is shown within this time. */
const visibilityGraceMs = 15 * 60_000;

/** EC2 takes no further snapshot of a volume now; it will later. */
const laterErrors: ReadonlySet<string> = new Set([
  'ConcurrentSnapshotLimitExceeded',
  'SnapshotCreationPerVolumeRateExceeded',
  'PendingSnapshotLimitExceeded',
  'RequestLimitExceeded',
  'ConcurrentCreateImageNoRebootLimitExceeded',
]);

/** There is nothing left to image. */
const instanceGoneErrors: ReadonlySet<string> = new Set([
  'InvalidInstanceID.NotFound',
  'IncorrectState',
  'IncorrectInstanceState',
]);

/** Moves an operation that waits for an image on by one step. */
export function stepImage(operation: ImageOperation, context: StepContext): Promise<StepResult> {
  return stepSharedJob(operation, images, context);
}

const images: SharedJobs<ImageOperation> = {
  subject: 'image',
  deadlineError: 'Image.DeadlineExceeded',
  nameJob: (operation, _group, beganAfterMs) =>
    `${operation.settings.imageNamePrefix}-${operation.instanceId}-${instantText(beganAfterMs)}`,
  begin: createImage,
  look: lookAtImage,
  afterSuccess: async (operation, outcome, context) => {
    const { settings } = operation;
    const { imageId } = outcome as ImageOutcome;
    if (settings.parameterName !== undefined) await publishImage(settings.parameterName, imageId, context);
    const { copies = [] } = outcome as ImageOutcome;
    reportCopies(operation, copies, context);
    await keepNewImages(settings, imageId, context);
    for (const copy of copies) await keepNewImages(settings, copy.imageId, context, copy.region);
  },
};

async function createImage(operation: ImageOperation, job: Job, context: StepContext): Promise<JobStatus> {
  const { settings, instanceId } = operation;
  const tags = imageTags(operation, job);
  try {
    const { ImageId } = await context.client(EC2Client).send(
      new CreateImageCommand({
        InstanceId: instanceId,
        Name: job.name,
        Description: `Holds what ${instanceId} had on its disks after ${new Date(job.beganAfterMs).toISOString()}`,
        NoReboot: settings.noReboot,
        TagSpecifications: [
          { ResourceType: 'image', Tags: tags },
          { ResourceType: 'snapshot', Tags: tags },
        ],
      }),
    );
    return ImageId === undefined
      ? { kind: 'unknown', obstacle: 'CreateImage answered without an image id' }
      : { kind: 'running', jobId: ImageId };
  } catch (error) {
    const { name, message } = error as Error;
    if (name === 'InvalidAMIName.Duplicate') return adoptImage(job, context, hiddenImage);
    if (laterErrors.has(name)) return { kind: 'unknown', obstacle: `${name}: ${message}` };
    if (!instanceGoneErrors.has(name)) throw error;
    const cause = `The instance ${instanceId} cannot be imaged any more: ${message}\n  fix: start the workflow for the object again: another instance processes it, where a redrive would not; keep instances that you end yourself until they are imaged`;
    // An answer that was lost may have been to a call that reached EC2 when the instance was still there.
    const failure: JobFailure = { error: 'Instance.Lost', cause, retry: 'never' };
    return adoptImage(job, context, isStillHidden(job, context) ? hiddenImage : { kind: 'failed', failure });
  }
}

const hiddenImage: JobStatus = { kind: 'unknown', obstacle: 'the image, if it exists, is not shown yet' };

/** Right after its creation an image may not be shown: that it is not there is known only later. */
function isStillHidden({ beganAfterMs, begunAtMs = beganAfterMs }: Job, context: StepContext): boolean {
  return context.nowMs() - begunAtMs < visibilityGraceMs;
}

/** The name is taken: by this very job, if its first attempt did reach EC2. */
async function adoptImage(job: Job, context: StepContext, otherwise: JobStatus): Promise<JobStatus> {
  const { Images = [] } = await context
    .client(EC2Client)
    .send(new DescribeImagesCommand({ Owners: ['self'], Filters: [{ Name: 'name', Values: [job.name] }] }));
  const image = Images[0];
  if (image?.ImageId === undefined) return otherwise;
  if (tagOf(image, imageTagKeys.job) === job.name) return { kind: 'running', jobId: image.ImageId };
  return failed(`The image name ${job.name} is taken by ${image.ImageId}, which this workflow did not make`);
}

async function lookAtImage(
  operation: ImageOperation,
  job: Job & { jobId: string },
  context: StepContext,
): Promise<JobStatus> {
  const image = await describeImage(job.jobId, context);
  if (image === undefined) {
    if (isStillHidden(job, context)) return hiddenImage;
    return failed(`The image ${job.jobId} is gone`);
  }
  const state = image.State;
  // A state that is not known yet to the SDK does not mean that the image is usable.
  switch (state === undefined ? 'running' : (imageStates[state] ?? 'running')) {
    case 'running':
      return { kind: 'running', jobId: job.jobId };
    case 'failed':
      return failed(
        `The image ${job.jobId} of ${operation.instanceId} is ${state}: ${image.StateReason?.Message ?? 'EC2 gives no reason'}`,
      );
    case 'succeeded': {
      const copies = await followCopies(operation, job, context);
      const isLate = context.nowMs() >= operation.deadlineAtMs;
      if (!isLate && copies.some((copy) => copy.state === 'pending')) return { kind: 'running', jobId: job.jobId };
      const outcome: ImageOutcome = {
        imageId: job.jobId,
        imageName: job.name,
        instanceId: operation.instanceId,
        startedAt: new Date(job.beganAfterMs).toISOString(),
        finishedAt: new Date(context.nowMs()).toISOString(),
        ...(copies.length > 0 && { copies }),
      };
      return { kind: 'succeeded', outcome };
    }
  }
}

async function describeImage(imageId: string, context: StepContext): Promise<Image | undefined> {
  try {
    const { Images } = await context.client(EC2Client).send(new DescribeImagesCommand({ ImageIds: [imageId] }));
    return Images?.[0];
  } catch (error) {
    if ((error as Error).name === 'InvalidAMIID.NotFound') return undefined;
    throw error;
  }
}

function failed(what: string): JobStatus {
  const failure: JobFailure = {
    error: 'Image.Failed',
    cause: `${what}\n  fix: remove the reason, then redrive the execution`,
    retry: 'later',
  };
  return { kind: 'failed', failure };
}

/** As in `20260131T093000123Z`: an image's name may not hold a colon. */
function instantText(atMs: number): string {
  return new Date(atMs).toISOString().replaceAll(/[-:.]/g, '');
}

/** How images and their copies are known as ours, and what EC2's states of them mean. */
import type { Image, ImageState, Tag } from '@aws-sdk/client-ec2';
import type { Job } from './group';
import type { ImageOperation } from './operation';

/** Tags of every image and of its snapshots. */
export const imageTagKeys = {
  /** The prefix of the names: which images are kept and removed together. */
  set: 'object-workflow:image-set',
  instance: 'object-workflow:instance',
  /** The job's name: proves that an image found by its name is ours. */
  job: 'object-workflow:image',
} as const;

/** What EC2's states of an image mean for the job. */
export const imageStates: Readonly<Record<ImageState, 'running' | 'succeeded' | 'failed'>> = {
  pending: 'running',
  transient: 'running',
  available: 'succeeded',
  invalid: 'failed',
  deregistered: 'failed',
  failed: 'failed',
  error: 'failed',
  disabled: 'failed',
};

/** Tags for an image and its snapshots. */
export function imageTags({ settings, instanceId }: ImageOperation, job: Job): Tag[] {
  return [
    { Key: 'Name', Value: job.name },
    { Key: imageTagKeys.set, Value: settings.imageNamePrefix },
    { Key: imageTagKeys.instance, Value: instanceId },
    { Key: imageTagKeys.job, Value: job.name },
  ];
}

/** The value of an image's tag. */
export function tagOf(image: Image, key: string): string | undefined {
  return image.Tags?.find((tag) => tag.Key === key)?.Value;
}

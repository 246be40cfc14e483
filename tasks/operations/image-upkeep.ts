/** What follows a new image: it is published, and images that are no longer to be kept are removed with their snapshots. */
import {
  DeregisterImageCommand,
  DescribeImageReferencesCommand,
  DescribeImagesCommand,
  EC2Client,
  type DeregisterImageCommandOutput,
  type Image,
  type ResourceTypeRequest,
} from '@aws-sdk/client-ec2';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { imageTagKeys, tagOf } from './image-identity';
import { imagesPartition } from './operation';
import type { StepContext } from './operation-context';
import type { ImageSettings } from './settings';

const dayMs = 24 * 60 * 60_000;

/** Names the newest image in an SSM parameter that launch templates can follow. */
export async function publishImage(parameterName: string, imageId: string, context: StepContext): Promise<void> {
  await context.client(SSMClient).send(
    new PutParameterCommand({
      Name: parameterName,
      Value: imageId,
      Type: 'String',
      // SSM checks that such a parameter names an image that exists; launch templates accept no other.
      DataType: 'aws:ec2:image',
      Overwrite: true,
    }),
  );
}

/** Removes the images of a set that are beyond its retention and that nothing uses: no instance was launched from them, no
 * version of a launch template names them, the parameter does not either, and no execution waits for them.
 * What cannot be removed is logged and stays for the next time: it must not fail the image that is new.
 * @param copiesIn A Region, to do the same with the copies there.
 *   @default - the images themselves */
export async function keepNewImages(
  settings: ImageSettings,
  newImageId: string | undefined,
  context: StepContext,
  copiesIn?: string,
): Promise<void> {
  const { count, days } = settings.retention;
  if (count === undefined && days === undefined) return;
  const ec2 = context.client(EC2Client, copiesIn);
  try {
    const images = await readImages(settings.imageNamePrefix, ec2);
    const surplus = beyondRetention(images, settings.retention, context.nowMs());
    const inUse = await readImagesInUse(surplus, ec2);
    // Only images of the parameter's own Region can be named by it.
    if (copiesIn === undefined)
      for (const id of await readPublishedImage(settings.parameterName, context)) inUse.add(id);
    for (const image of surplus) {
      // The parameter may not show the new image yet: SSM checks in its own time whether there is such an image.
      if (image.ImageId === newImageId || inUse.has(image.ImageId)) continue;
      if (await closeUnawaitedJob(image, context)) await removeImage(image, ec2, context);
    }
  } catch (error) {
    context.log.warn('Images beyond their retention could not be removed', { problem: String(error), copiesIn });
  }
}

/** Chooses the images that need not be kept. The newest always is. */
export function beyondRetention(
  images: readonly Image[],
  retention: ImageSettings['retention'],
  nowMs: number,
): Image[] {
  const newestFirst = [...images].sort((a, b) => (b.CreationDate ?? '').localeCompare(a.CreationDate ?? ''));
  return newestFirst.filter((image, index) => {
    if (index === 0) return false;
    const ageMs = nowMs - Date.parse(image.CreationDate ?? '');
    const isOld = retention.days !== undefined && ageMs > retention.days * dayMs;
    return isOld || (retention.count !== undefined && index >= retention.count);
  });
}

async function readImages(set: string, ec2: EC2Client): Promise<Image[]> {
  const images: Image[] = [];
  let NextToken: string | undefined;
  do {
    const page = await ec2.send(
      new DescribeImagesCommand({
        Owners: ['self'],
        Filters: [
          { Name: 'tag:object-workflow:image-set', Values: [set] },
          { Name: 'state', Values: ['available'] },
        ],
        NextToken,
      }),
    );
    images.push(...(page.Images ?? []));
    NextToken = page.NextToken;
  } while (NextToken);
  return images;
}

/** EC2's limit.
 * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImageReferences.html (read 2026-11) */
const imagesPerRequest = 10;

/** Finds the images that an instance was launched from which is not terminated, and those that any version of a launch template names:
 * an Auto Scaling group may be bound to a version that is neither the latest nor the default.
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html (read 2026-11) */
async function readImagesInUse(images: readonly Image[], ec2: EC2Client): Promise<Set<string | undefined>> {
  const inUse = new Set<string | undefined>();
  for (let start = 0; start < images.length; start += imagesPerRequest) {
    const ImageIds = images.slice(start, start + imagesPerRequest).flatMap((image) => image.ImageId ?? []);
    let NextToken: string | undefined;
    do {
      const page = await ec2.send(
        new DescribeImageReferencesCommand({ ImageIds, ResourceTypes: usersOfImages, NextToken }),
      );
      for (const { ImageId } of page.ImageReferences ?? []) inUse.add(ImageId);
      NextToken = page.NextToken;
    } while (NextToken);
  }
  return inUse;
}

const usersOfImages: ResourceTypeRequest[] = [
  {
    ResourceType: 'ec2:Instance',
    ResourceTypeOptions: [
      { OptionName: 'state-name', OptionValues: ['pending', 'running', 'shutting-down', 'stopping', 'stopped'] },
    ],
  },
  {
    ResourceType: 'ec2:LaunchTemplate',
    // As many as there can be.
    ResourceTypeOptions: [{ OptionName: 'version-depth', OptionValues: ['10000'] }],
  },
];

/** The image that was published last need not be the newest: images of several instances become available in any order. */
async function readPublishedImage(
  parameterName: string | undefined,
  context: StepContext,
): Promise<(string | undefined)[]> {
  if (parameterName === undefined) return [];
  try {
    const { Parameter } = await context.client(SSMClient).send(new GetParameterCommand({ Name: parameterName }));
    return [Parameter?.Value];
  } catch (error) {
    if ((error as Error).name === 'ParameterNotFound') return [];
    throw error;
  }
}

/** An image, or the one that it is a copy of, may still be the job that executions wait for: more instances than images are kept
 * may be imaged at a time. A job that nobody waits for is closed: whoever comes next begins another one, and does not wait for
 * what is removed now. A copy, once removed, cannot be made again under its name's token.
 * @returns false when somebody waits for the image */
async function closeUnawaitedJob(image: Image, context: StepContext): Promise<boolean> {
  const instanceId = tagOf(image, imageTagKeys.instance);
  if (instanceId === undefined) return true;
  const partition = imagesPartition(instanceId);
  const group = await context.ledger.readGroup(partition);
  const { job } = group;
  if (job === undefined || job.failure !== undefined || job.name !== tagOf(image, imageTagKeys.job)) return true;
  if ((await context.ledger.readWaiting(partition, 1)).length > 0) return false;
  const cause = `Nobody waited for the image ${job.name} any more when there were newer ones, and it was removed`;
  const closed = { ...job, failure: { error: 'Image.Failed', cause, retry: 'later' } } as const;
  // Whoever has come meanwhile, and looks at the job, has the image stay.
  return (await context.ledger.saveGroup({ ...group, job: closed })) !== undefined;
}

async function removeImage(image: Image, ec2: EC2Client, context: StepContext): Promise<void> {
  const { DeleteSnapshotResults = [] } = await deregister(image, ec2);
  // The image is gone even when a snapshot is not: that one would cost money for ever without anybody noticing.
  const left = DeleteSnapshotResults.filter(
    (result) => result.ReturnCode !== 'success' && result.ReturnCode !== 'skipped',
  );
  if (left.length > 0) {
    context.log.error('Snapshots of a removed image remain and must be deleted by hand', {
      image: image.ImageId,
      snapshots: left.map((result) => `${result.SnapshotId}: ${result.ReturnCode}`),
    });
  }
}

/** Executions end at the same moment, and each removes what it finds: who comes second has nothing left to do. */
async function deregister({ ImageId }: Image, ec2: EC2Client): Promise<DeregisterImageCommandOutput> {
  try {
    return await ec2.send(new DeregisterImageCommand({ ImageId, DeleteAssociatedSnapshots: true }));
  } catch (error) {
    if (/^InvalidAMIID\.(Unavailable|NotFound)$/.test((error as Error).name)) return { $metadata: {} };
    throw error;
  }
}

/** What follows a new image: it is published, and images that are no longer to be kept are removed with their snapshots. */
import {
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeLaunchTemplateVersionsCommand,
  EC2Client,
  type Image,
} from '@aws-sdk/client-ec2';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
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
 * launch template names them in its latest or default version, and the parameter does not either.
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
      if (image.ImageId !== newImageId && !inUse.has(image.ImageId)) await removeImage(image, ec2, context);
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

/** DescribeInstances takes at most 200 values in a filter; what is beyond them waits for the next image. */
const maximumFilterValues = 200;

async function readImagesInUse(images: readonly Image[], ec2: EC2Client): Promise<Set<string | undefined>> {
  if (images.length === 0) return new Set();
  const imageIds = images.slice(0, maximumFilterValues).flatMap((image) => image.ImageId ?? []);
  const used = await Promise.all([readLaunchedImages(imageIds, ec2), readTemplateImages(imageIds, ec2)]);
  return new Set([...used.flat(), ...images.slice(maximumFilterValues).map((image) => image.ImageId)]);
}

async function readLaunchedImages(imageIds: string[], ec2: EC2Client): Promise<(string | undefined)[]> {
  const inUse: (string | undefined)[] = [];
  let NextToken: string | undefined;
  do {
    const page = await ec2.send(
      new DescribeInstancesCommand({
        Filters: [
          { Name: 'image-id', Values: imageIds },
          { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
        ],
        NextToken,
      }),
    );
    for (const reservation of page.Reservations ?? []) {
      for (const instance of reservation.Instances ?? []) inUse.push(instance.ImageId);
    }
    NextToken = page.NextToken;
  } while (NextToken);
  return inUse;
}

/** Versions that are neither the latest nor the default can only be read template by template: they do not protect an image.
 * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html (read 2026-11) */
async function readTemplateImages(imageIds: string[], ec2: EC2Client): Promise<(string | undefined)[]> {
  const inUse: (string | undefined)[] = [];
  let NextToken: string | undefined;
  do {
    const page = await ec2.send(
      new DescribeLaunchTemplateVersionsCommand({
        Versions: ['$Latest', '$Default'],
        Filters: [{ Name: 'image-id', Values: imageIds }],
        NextToken,
      }),
    );
    inUse.push(...(page.LaunchTemplateVersions ?? []).map((version) => version.LaunchTemplateData?.ImageId));
    NextToken = page.NextToken;
  } while (NextToken);
  return inUse;
}

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

async function removeImage(image: Image, ec2: EC2Client, context: StepContext): Promise<void> {
  const { DeleteSnapshotResults = [] } = await ec2.send(
    new DeregisterImageCommand({ ImageId: image.ImageId, DeleteAssociatedSnapshots: true }),
  );
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

/** What names images in the simulated EC2: instances by their state, and launch templates by their newest versions.
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html (read 2026-11) */
import type { Ec2Images } from './ec2-images';
import type { Ec2Instances } from './ec2-instances';
import { checkEc2Parameters, ec2Page, type Ec2Options, type Input, readIds } from './ec2-model';
import { ServiceError, UnsupportedError, type ServiceOutput } from './service';

interface RequestedType {
  readonly ResourceType?: string;
  readonly ResourceTypeOptions?: readonly { readonly OptionName?: string; readonly OptionValues?: readonly string[] }[];
}

interface ImageReference {
  readonly ImageId: string;
  readonly ResourceType: string;
  readonly Arn: string;
}

/** AWS: images that can be asked for at once. */
const maximumImages = 10;

/** AWS: how many versions of a launch template are looked at by default. */
const defaultVersionDepth = 10;

/** Answers DescribeImageReferences.
 * @throws UnsupportedError for resource types other than instances and launch templates */
export function describeImageReferences(
  input: Input,
  { images, instances, options }: { images: Ec2Images; instances: Ec2Instances; options: Ec2Options },
): ServiceOutput {
  checkEc2Parameters('DescribeImageReferences', input, {
    required: ['ImageIds', 'ResourceTypes'],
    optional: ['MaxResults', 'NextToken'],
  });
  const ids = readIds(input, 'ImageIds', 'ami', 'InvalidAMIID');
  if (ids.length < 1 || ids.length > maximumImages) {
    throw new ServiceError(
      'InvalidParameterValue',
      `Between 1 and ${maximumImages} image ids are required (got ${ids.length})`,
    );
  }
  for (const id of ids) images.get(id);
  const arnOf = (kind: string, id: string): string =>
    `arn:aws:ec2:${options.region}:${options.accountId}:${kind}/${id}`;
  const references = (input['ResourceTypes'] as readonly RequestedType[]).flatMap((type): ImageReference[] => {
    switch (type.ResourceType) {
      case 'ec2:Instance': {
        const states = optionOf(type, 'state-name');
        return [...instances.all.values()]
          .filter(({ imageId, state }) => ids.includes(imageId) && (states.length === 0 || states.includes(state)))
          .map(({ imageId, instanceId }) => reference(imageId, 'ec2:Instance', arnOf('instance', instanceId)));
      }
      case 'ec2:LaunchTemplate': {
        const depth = readDepth(optionOf(type, 'version-depth')[0]);
        return [...instances.launchTemplates.values()].flatMap(({ launchTemplateId, request, earlier = [] }) => {
          const newest = [request, ...[...earlier].reverse()].slice(0, depth);
          const named = new Set(newest.flatMap(({ imageId }) => (ids.includes(imageId ?? '') ? [imageId!] : [])));
          const arn = arnOf('launch-template', launchTemplateId);
          return [...named].map((imageId) => reference(imageId, 'ec2:LaunchTemplate', arn));
        });
      }
      default:
        throw new UnsupportedError(
          `the resource type ${String(type.ResourceType)}`,
          'ec2:DescribeImageReferences',
          'ask for ec2:Instance and ec2:LaunchTemplate',
        );
    }
  });
  const { items, nextToken } = ec2Page(references, input);
  return { ImageReferences: items, NextToken: nextToken };
}

function reference(ImageId: string, ResourceType: string, Arn: string): ImageReference {
  return { ImageId, ResourceType, Arn };
}

function optionOf({ ResourceTypeOptions = [] }: RequestedType, name: string): readonly string[] {
  return ResourceTypeOptions.find(({ OptionName }) => OptionName === name)?.OptionValues ?? [];
}

function readDepth(text: string | undefined): number {
  const depth = text === undefined ? defaultVersionDepth : Number(text);
  if (Number.isInteger(depth) && depth >= 1 && depth <= 10_000) return depth;
  throw new ServiceError('InvalidParameterValue', `The value ${text} is not valid for version-depth`);
}

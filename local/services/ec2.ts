/** Simulated EC2: instances, launch templates, machine images and snapshots, as far as a workflow sees them. */
import { describeImageReferences } from './ec2-image-references';
import { Ec2Images } from './ec2-images';
import { Ec2Instances } from './ec2-instances';
import { checkEc2Parameters, checkTag, type Ec2Options, type Image, type Input } from './ec2-model';
import { describeSpotInstanceRequests } from './ec2-spot';
import { type Service, ServiceError, type ServiceOutput } from './service';

export type { ImageAnswer } from './ec2-images';
export type { InstanceChange, LaunchRequest, LaunchTemplate } from './ec2-instances';
export type { Ec2Options, Image, Instance, InstanceState, Snapshot } from './ec2-model';

/** What other Regions are simulated for: the copies of images, and what uses them. */
const operationsElsewhere: ReadonlySet<string> = new Set([
  'CopyImage',
  'CreateTags',
  'DeleteSnapshot',
  'DeregisterImage',
  'DescribeImageReferences',
  'DescribeImages',
  'DescribeInstances',
  'DescribeLaunchTemplateVersions',
  'DescribeSnapshots',
]);

/** The EC2 of one account and Region, from which that of other Regions is reached.
 * @example
 * const instance = ec2.instances.launch({ tags: new Map([['role', 'worker']]) });
 * ec2.images.answer((image) => (image.name.startsWith('bad') ? { failure: 'disk error' } : undefined)); */
export class Ec2Service implements Service {
  readonly name = 'ec2';
  readonly instances: Ec2Instances;
  readonly images: Ec2Images;
  readonly operations: Readonly<Record<string, (input: Input) => ServiceOutput>>;

  /** @param regions All Regions of the account, by name; this one is added. */
  constructor(
    private readonly options: Ec2Options,
    private readonly regions: Map<string, Ec2Service> = new Map(),
  ) {
    const isElsewhere = regions.size > 0;
    regions.set(options.region, this);
    const instances = new Ec2Instances(options);
    const images = new Ec2Images(options, instances, {
      imagesOf: (region) => regions.get(region)?.images,
      answers: isElsewhere ? [...regions.values()][0]!.images.answers : [],
    });
    this.instances = instances;
    this.images = images;
    const operations: typeof this.operations = {
      RunInstances: (input) => instances.runInstances(input),
      DescribeInstances: (input) => instances.describeInstances(input),
      DescribeInstanceStatus: (input) => instances.describeInstanceStatus(input),
      DescribeSpotInstanceRequests: (input) => describeSpotInstanceRequests(input, instances.all.values()),
      DescribeLaunchTemplateVersions: (input) => instances.describeLaunchTemplateVersions(input),
      StartInstances: (input) => ({
        StartingInstances: instances.changeInstances('StartInstances', input, (instance) => instances.start(instance)),
      }),
      StopInstances: (input) => ({
        StoppingInstances: instances.changeInstances('StopInstances', input, (instance) => instances.stop(instance)),
      }),
      TerminateInstances: (input) => ({
        TerminatingInstances: instances.changeInstances('TerminateInstances', input, (one) => instances.terminate(one)),
      }),
      RebootInstances: (input) => {
        instances.changeInstances('RebootInstances', input, (instance) => instances.reboot(instance));
        return {};
      },
      CreateImage: (input) => images.createImage(input),
      CopyImage: (input) => images.copyImage(input),
      DescribeImages: (input) => images.describeImages(input),
      DescribeImageReferences: (input) => describeImageReferences(input, { images, instances, options }),
      DeregisterImage: (input) => images.deregisterImage(input),
      DescribeSnapshots: (input) => images.describeSnapshots(input),
      DeleteSnapshot: (input) => images.deleteSnapshot(input),
      CreateTags: (input) => this.createTags(input),
    };
    this.operations = isElsewhere
      ? Object.fromEntries(Object.entries(operations).filter(([name]) => operationsElsewhere.has(name)))
      : operations;
  }

  /** The EC2 of another Region of the same account. Its events reach nobody: rules of another Region see them. */
  in(region: string): Ec2Service {
    return this.regions.get(region) ?? new Ec2Service({ ...this.options, region, emit: () => undefined }, this.regions);
  }

  /** The tags of an instance, an image or a snapshot, in whichever Region it is. */
  findTags(id: string): ReadonlyMap<string, string> | undefined {
    for (const { instances, images } of this.regions.values()) {
      const found = instances.all.get(id) ?? images.all.get(id) ?? images.snapshots.get(id);
      if (found !== undefined) return found.tags;
    }
    return undefined;
  }

  /** The image of that id, in whichever Region it is. */
  findImage(imageId: string): Image | undefined {
    for (const { images } of this.regions.values()) {
      const found = images.all.get(imageId);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The digits of a new id. */
  newId(): string {
    return this.options.random.hex(17);
  }

  private createTags(input: Input): ServiceOutput {
    checkEc2Parameters('CreateTags', input, { required: ['Resources', 'Tags'] });
    const tags = input['Tags'] as readonly { readonly Key: string; readonly Value?: string }[];
    for (const tag of tags) checkTag(tag.Key, tag.Value ?? '');
    const targets = (input['Resources'] as readonly string[]).map((id) => this.tagsOf(id));
    for (const target of targets) for (const tag of tags) target.set(tag.Key, tag.Value ?? '');
    return {};
  }

  private tagsOf(id: string): Map<string, string> {
    if (id.startsWith('i-')) return this.instances.get(id).tags;
    if (id.startsWith('ami-')) return this.images.get(id).tags;
    const snapshot = this.images.snapshots.get(id);
    if (snapshot !== undefined) return snapshot.tags;
    throw new ServiceError('InvalidID', `The ID '${id}' is not valid`);
  }
}

/** Simulated EC2: instances, launch templates, machine images and snapshots, as far as a workflow sees them. */
import { Ec2Images } from './ec2-images';
import { Ec2Instances } from './ec2-instances';
import { checkEc2Parameters, checkTag, type Ec2Options, type Input } from './ec2-model';
import { type Service, ServiceError, type ServiceOutput } from './service';

export type { ImageAnswer } from './ec2-images';
export type { InstanceChange, LaunchRequest, LaunchTemplate } from './ec2-instances';
export type { Ec2Options, Image, Instance, InstanceState, Snapshot } from './ec2-model';

/** The EC2 of one account and Region.
 * @example
 * const instance = ec2.instances.launch({ tags: new Map([['role', 'worker']]) });
 * ec2.images.answer((image) => (image.name.startsWith('bad') ? { failure: 'disk error' } : undefined)); */
export class Ec2Service implements Service {
  readonly name = 'ec2';
  readonly instances: Ec2Instances;
  readonly images: Ec2Images;
  readonly operations: Readonly<Record<string, (input: Input) => ServiceOutput>>;

  constructor(private readonly options: Ec2Options) {
    const instances = new Ec2Instances(options);
    const images = new Ec2Images(options, instances);
    this.instances = instances;
    this.images = images;
    this.operations = {
      RunInstances: (input) => instances.runInstances(input),
      DescribeInstances: (input) => instances.describeInstances(input),
      DescribeInstanceStatus: (input) => instances.describeInstanceStatus(input),
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
      DeregisterImage: (input) => images.deregisterImage(input),
      DescribeSnapshots: (input) => images.describeSnapshots(input),
      DeleteSnapshot: (input) => images.deleteSnapshot(input),
      CreateTags: (input) => this.createTags(input),
    };
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

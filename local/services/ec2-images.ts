/** The machine images and snapshots of the simulated EC2. */
import type { Ec2Instances } from './ec2-instances';
import {
  checkEc2Parameters,
  checkId,
  ec2Page,
  type Ec2Options,
  filterResources,
  type FilterValues,
  type Image,
  type Input,
  readIds,
  type Snapshot,
  specifiedTags,
  tagList,
} from './ec2-model';
import { ServiceError, type ServiceOutput } from './service';

/** How the making of an image ends, when a test decides. */
export interface ImageAnswer {
  /** Virtual. @default - the service's */
  readonly durationMs?: number;
  /** The reason, for an image that fails. @default - it becomes available */
  readonly failure?: string;
}

/** AWS: concurrent snapshots of one gp2, gp3, io1, io2 or standard volume. Not adjustable. */
const snapshotsPerVolume = 5;

const imageFilters = (accountId: string): FilterValues<Image> => ({
  'image-id': (image) => [image.imageId],
  name: (image) => [image.name],
  state: (image) => [image.state],
  'owner-id': () => [accountId],
  'source-instance-id': (image) => (image.sourceInstanceId === undefined ? [] : [image.sourceInstanceId]),
});

const snapshotFilters: FilterValues<Snapshot> = {
  'snapshot-id': (snapshot) => [snapshot.snapshotId],
  'volume-id': (snapshot) => [snapshot.volumeId],
  status: (snapshot) => [snapshot.state],
  description: (snapshot) => [snapshot.description],
};

/** Decides how an image ends; undefined leaves it to others. */
type ImageAnswering = (image: Image) => ImageAnswer | undefined;

/** All images and snapshots of the account in one Region. */
export class Ec2Images {
  readonly all = new Map<string, Image>();
  readonly snapshots = new Map<string, Snapshot>();
  /** Asked how images end; those of all Regions share them. */
  readonly answers: ImageAnswering[];
  private readonly copiesByToken = new Map<string, string>();
  private readonly imageDurationMs: number;
  private readonly visibilityDelayMs: number;
  private readonly nameReleaseMs: number;

  constructor(
    private readonly options: Ec2Options,
    private readonly instances: Ec2Instances,
    private readonly elsewhere: {
      readonly imagesOf: (region: string) => Ec2Images | undefined;
      readonly answers: ImageAnswering[];
    },
  ) {
    this.answers = elsewhere.answers;
    this.imageDurationMs = options.imageDurationMs ?? 300_000;
    this.visibilityDelayMs = options.visibilityDelayMs ?? 1_000;
    this.nameReleaseMs = options.imageNameReleaseMs ?? 60_000;
  }

  /** Lets a function decide how images end. The one added last is asked first. */
  answer(answer: ImageAnswering): void {
    this.answers.unshift(answer);
  }

  createImage(input: Input): ServiceOutput {
    checkEc2Parameters('CreateImage', input, {
      required: ['InstanceId', 'Name'],
      optional: ['Description', 'NoReboot', 'TagSpecifications'],
    });
    const name = input['Name'] as string;
    checkName(name);
    const description = (input['Description'] as string | undefined) ?? '';
    if (description.length > 255) {
      throw new ServiceError(
        'InvalidParameterValue',
        `Character sets beyond 255 characters are not supported for the description`,
      );
    }
    const tagsOf = specifiedTags(input, ['image', 'snapshot']);
    const instance = this.instances.get(input['InstanceId'] as string);
    if (!['running', 'stopping', 'stopped'].includes(instance.state)) {
      throw new ServiceError(
        'IncorrectState',
        `Instance is not in state 'running' or 'stopped'. (${instance.instanceId} is ${instance.state})`,
      );
    }
    this.checkNameIsFree(name);
    for (const volumeId of instance.volumeIds) this.checkSnapshotLimit(volumeId);
    const noReboot = input['NoReboot'] === true;
    const image = this.add({
      name,
      description,
      sourceInstanceId: instance.instanceId,
      noReboot,
      volumeIds: instance.volumeIds,
      isEncrypted: false,
      imageTags: tagsOf('image'),
      snapshotTags: tagsOf('snapshot'),
      snapshotDescription: (imageId) => `Created by CreateImage(${instance.instanceId}) for ${imageId}`,
    });
    if (!noReboot) this.instances.reboot(instance);
    return { ImageId: image.imageId };
  }

  copyImage(input: Input): ServiceOutput {
    checkEc2Parameters('CopyImage', input, {
      required: ['Name', 'SourceImageId', 'SourceRegion'],
      optional: ['Description', 'ClientToken', 'CopyImageTags', 'TagSpecifications', 'Encrypted', 'KmsKeyId'],
    });
    const token = input['ClientToken'] as string | undefined;
    const earlier = token === undefined ? undefined : this.copiesByToken.get(token);
    if (earlier !== undefined) return { ImageId: earlier };
    const name = input['Name'] as string;
    checkName(name);
    const tagsOf = specifiedTags(input, ['image', 'snapshot']);
    const source = this.sourceOf(input);
    if (source.state !== 'available')
      throw new ServiceError('InvalidAMIID.Unavailable', `The image ID '${source.imageId}' is not available`);
    this.checkNameIsFree(name);
    const image = this.add({
      name,
      description: (input['Description'] as string | undefined) ?? '',
      sourceInstanceId: undefined,
      noReboot: true,
      volumeIds: source.snapshotIds.map(() => 'vol-ffffffff'), // What AWS shows for snapshots that were copied.
      // A copy of what is encrypted is encrypted.
      isEncrypted: source.isEncrypted || input['Encrypted'] === true,
      imageTags: new Map([...(input['CopyImageTags'] === true ? source.tags : []), ...tagsOf('image')]),
      snapshotTags: tagsOf('snapshot'),
      snapshotDescription: (imageId) => `Copied for DestinationAmi ${imageId} from SourceAmi ${source.imageId}`,
    });
    if (token !== undefined) this.copiesByToken.set(token, image.imageId);
    return { ImageId: image.imageId };
  }

  describeImages(input: Input): ServiceOutput {
    checkEc2Parameters('DescribeImages', input, {
      optional: ['ImageIds', 'Owners', 'Filters', 'MaxResults', 'NextToken', 'IncludeDeprecated', 'IncludeDisabled'],
    });
    const owners = input['Owners'] as readonly string[] | undefined;
    const ids = readIds(input, 'ImageIds', 'ami', 'InvalidAMIID');
    const missing = ids.filter((id) => !this.isVisible(this.all.get(id)));
    if (missing.length > 0) {
      throw new ServiceError('InvalidAMIID.NotFound', `The image id '[${missing.join(', ')}]' does not exist`);
    }
    const own = owners === undefined || owners.includes('self') || owners.includes(this.options.accountId);
    const candidates = own
      ? [...this.all.values()].filter(
          (image) => this.isVisible(image) && (ids.length === 0 || ids.includes(image.imageId)),
        )
      : [];
    const found = filterResources('DescribeImages', candidates, input, imageFilters(this.options.accountId));
    const { items, nextToken } = ec2Page(found, input);
    return { Images: items.map((image) => this.describe(image)), NextToken: nextToken };
  }

  deregisterImage(input: Input): ServiceOutput {
    checkEc2Parameters('DeregisterImage', input, { required: ['ImageId'], optional: ['DeleteAssociatedSnapshots'] });
    const image = this.get(input['ImageId'] as string);
    if (image.state === 'deregistered') {
      throw new ServiceError('InvalidAMIID.Unavailable', `The image ID '${image.imageId}' is no longer available`);
    }
    image.deregisteredAtMs = this.options.clock.nowMs();
    this.changeState(image, 'deregistered');
    if (input['DeleteAssociatedSnapshots'] !== true) return { Return: true };
    const results = image.snapshotIds.map((snapshotId) => {
      this.snapshots.delete(snapshotId);
      return { SnapshotId: snapshotId, ReturnCode: 'success' };
    });
    return { Return: true, DeleteSnapshotResults: results };
  }

  describeSnapshots(input: Input): ServiceOutput {
    checkEc2Parameters('DescribeSnapshots', input, {
      optional: ['SnapshotIds', 'OwnerIds', 'Filters', 'MaxResults', 'NextToken'],
    });
    const ids = readIds(input, 'SnapshotIds', 'snap', 'InvalidSnapshotID');
    const missing = ids.find((id) => !this.snapshots.has(id));
    if (missing !== undefined)
      throw new ServiceError('InvalidSnapshot.NotFound', `The snapshot '${missing}' does not exist.`);
    const candidates = [...this.snapshots.values()].filter(
      ({ snapshotId }) => ids.length === 0 || ids.includes(snapshotId),
    );
    const { items, nextToken } = ec2Page(
      filterResources('DescribeSnapshots', candidates, input, snapshotFilters),
      input,
    );
    return {
      Snapshots: items.map((snapshot) => ({
        SnapshotId: snapshot.snapshotId,
        VolumeId: snapshot.volumeId,
        State: snapshot.state,
        Progress: snapshot.state === 'completed' ? '100%' : '0%',
        StartTime: new Date(snapshot.startedAtMs),
        Description: snapshot.description,
        OwnerId: this.options.accountId,
        VolumeSize: 8,
        Tags: tagList(snapshot.tags),
      })),
      NextToken: nextToken,
    };
  }

  deleteSnapshot(input: Input): ServiceOutput {
    checkEc2Parameters('DeleteSnapshot', input, { required: ['SnapshotId'] });
    const id = input['SnapshotId'] as string;
    checkId(id, 'snap', 'InvalidSnapshotID');
    if (!this.snapshots.has(id))
      throw new ServiceError('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`);
    const user = [...this.all.values()].find(
      (image) => image.state !== 'deregistered' && image.snapshotIds.includes(id),
    );
    if (user !== undefined) {
      throw new ServiceError('InvalidSnapshot.InUse', `The snapshot ${id} is currently in use by ${user.imageId}`);
    }
    this.snapshots.delete(id);
    return {};
  }

  /** @throws ServiceError `InvalidAMIID.Malformed`, `InvalidAMIID.NotFound` */
  get(imageId: string): Image {
    checkId(imageId, 'ami', 'InvalidAMIID');
    const image = this.all.get(imageId);
    if (image !== undefined) return image;
    throw new ServiceError('InvalidAMIID.NotFound', `The image id '[${imageId}]' does not exist`);
  }

  private sourceOf(input: Input): Image {
    if (input['KmsKeyId'] !== undefined && input['Encrypted'] !== true) {
      throw new ServiceError(
        'InvalidParameterDependency',
        'The parameter KmsKeyId requires the parameter Encrypted to be set.',
      );
    }
    const imageId = input['SourceImageId'] as string;
    checkId(imageId, 'ami', 'InvalidAMIID');
    const images = this.elsewhere.imagesOf(input['SourceRegion'] as string);
    if (images !== undefined) return images.get(imageId);
    throw new ServiceError('InvalidAMIID.NotFound', `The image id '[${imageId}]' does not exist`);
  }

  private isVisible(image: Image | undefined): boolean {
    if (image === undefined) return false;
    const nowMs = this.options.clock.nowMs();
    if (image.deregisteredAtMs !== undefined) return nowMs < image.deregisteredAtMs + this.visibilityDelayMs;
    return nowMs >= image.createdAtMs + this.visibilityDelayMs;
  }

  private checkNameIsFree(name: string): void {
    const holder = [...this.all.values()].find(
      (image) =>
        image.name === name &&
        (image.deregisteredAtMs === undefined ||
          this.options.clock.nowMs() < image.deregisteredAtMs + this.nameReleaseMs),
    );
    if (holder === undefined) return;
    throw new ServiceError('InvalidAMIName.Duplicate', `AMI name ${name} is already in use by AMI ${holder.imageId}`);
  }

  private checkSnapshotLimit(volumeId: string): void {
    const pending = [...this.snapshots.values()].filter((one) => one.volumeId === volumeId && one.state === 'pending');
    if (pending.length < snapshotsPerVolume) return;
    throw new ServiceError(
      'ConcurrentSnapshotLimitExceeded',
      'Maximum allowed in-progress snapshots for a single volume exceeded.',
    );
  }

  private add(request: {
    readonly name: string;
    readonly description: string;
    readonly sourceInstanceId: string | undefined;
    readonly noReboot: boolean;
    readonly volumeIds: readonly string[];
    readonly isEncrypted: boolean;
    readonly imageTags: Map<string, string>;
    readonly snapshotTags: ReadonlyMap<string, string>;
    readonly snapshotDescription: (imageId: string) => string;
  }): Image {
    const { random, clock } = this.options;
    const imageId = `ami-${random.hex(17)}`;
    const snapshots = request.volumeIds.map((volumeId): Snapshot => ({
      snapshotId: `snap-${random.hex(17)}`,
      volumeId,
      description: request.snapshotDescription(imageId),
      startedAtMs: clock.nowMs(),
      tags: new Map(request.snapshotTags),
      state: 'pending',
    }));
    for (const snapshot of snapshots) this.snapshots.set(snapshot.snapshotId, snapshot);
    const image: Image = {
      imageId,
      name: request.name,
      description: request.description,
      sourceInstanceId: request.sourceInstanceId,
      createdAtMs: clock.nowMs(),
      noReboot: request.noReboot,
      isEncrypted: request.isEncrypted,
      snapshotIds: snapshots.map(({ snapshotId }) => snapshotId),
      tags: request.imageTags,
      state: 'pending',
      failure: undefined,
      endedAtMs: undefined,
      deregisteredAtMs: undefined,
    };
    this.all.set(imageId, image);
    this.scheduleEnd(image);
    return image;
  }

  private scheduleEnd(image: Image): void {
    const answer = this.answers.reduce<ImageAnswer | undefined>((found, ask) => found ?? ask(image), undefined) ?? {};
    this.options.clock.schedule(answer.durationMs ?? this.imageDurationMs, () => {
      for (const snapshotId of image.snapshotIds) {
        const snapshot = this.snapshots.get(snapshotId);
        if (snapshot?.state === 'pending') snapshot.state = answer.failure === undefined ? 'completed' : 'error';
      }
      if (image.state !== 'pending') return;
      image.failure = answer.failure;
      image.endedAtMs = this.options.clock.nowMs();
      this.changeState(image, answer.failure === undefined ? 'available' : 'failed');
    });
  }

  private changeState(image: Image, state: ImageState): void {
    image.state = state;
    this.options.emit({
      source: 'aws.ec2',
      detailType: 'EC2 AMI State Change',
      resources: [`arn:aws:ec2:${this.options.region}::image/${image.imageId}`],
      detail: {
        RequestId: this.options.random.uuid(),
        ImageId: image.imageId,
        State: state,
        ErrorMessage: image.failure ?? '',
      },
    });
  }

  private describe(image: Image): Record<string, unknown> {
    return {
      ImageId: image.imageId,
      Name: image.name,
      Description: image.description,
      State: image.state,
      ...(image.failure === undefined ? {} : { StateReason: { Code: 'Client.InternalError', Message: image.failure } }),
      CreationDate: new Date(image.createdAtMs).toISOString(),
      OwnerId: this.options.accountId,
      Public: false,
      ImageType: 'machine',
      RootDeviceName: '/dev/xvda',
      RootDeviceType: 'ebs',
      ...(image.sourceInstanceId === undefined ? {} : { SourceInstanceId: image.sourceInstanceId }),
      BlockDeviceMappings: image.snapshotIds.map((snapshotId, index) => ({
        DeviceName: index === 0 ? '/dev/xvda' : `/dev/sd${String.fromCharCode('e'.charCodeAt(0) + index)}`,
        Ebs: {
          SnapshotId: snapshotId,
          DeleteOnTermination: true,
          VolumeSize: 8,
          VolumeType: 'gp3',
          Encrypted: image.isEncrypted,
        },
      })),
      Tags: tagList(image.tags),
    };
  }
}

type ImageState = Image['state'];

/** The narrower of the two rules that AWS writes down. */
function checkName(name: string): void {
  if (/^[A-Za-z0-9()./_-]{3,128}$/.test(name)) return;
  throw new ServiceError(
    'InvalidAMIName.Malformed',
    "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_'",
  );
}

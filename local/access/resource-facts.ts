/** Looks up in the simulated services what is needed to name resources as IAM does. */
import type { AutoScalingService } from '../services/autoscaling';
import type { Ec2Service } from '../services/ec2';
import type { S3Service } from '../services/s3';
import type { StatesService } from '../services/states';
import type { IamModel } from '../template/resources/iam';
import type { AccessModel } from './access-model';
import type { ResourceFacts } from './calls/permission';

/** The services that know. */
export interface FactSources {
  readonly region: string;
  readonly accountId: string;
  readonly autoscaling: AutoScalingService;
  readonly ec2: Ec2Service;
  readonly s3: S3Service;
  readonly states: StatesService;
  readonly iam: IamModel;
}

const noTags: ReadonlyMap<string, string> = new Map();

/** Answers from what exists now. What does not exist has no tags, no key and no role. */
export function resourceFacts(sources: FactSources, model: AccessModel): ResourceFacts {
  const { region, accountId, autoscaling, ec2, s3, states, iam } = sources;
  return {
    region,
    accountId,
    ec2Tags: (id) => ec2.findTags(id),
    // Those that are gone already, with the image or before it, are nothing that anybody could delete.
    snapshotsOfImage: (imageId) =>
      (ec2.findImage(imageId)?.snapshotIds ?? []).filter((snapshotId) => ec2.findTags(snapshotId) !== undefined),
    roleOfProfile: (profile) => iam.roleOfInstance(profile)?.arn,
    launchTemplate: (idOrName) => {
      const templates = [...ec2.instances.launchTemplates.values()];
      const found = templates.find(({ launchTemplateId, name }) => [launchTemplateId, name].includes(idOrName));
      if (found === undefined) return undefined;
      const { instanceProfile, imageId, subnetId } = found.request;
      return { id: found.launchTemplateId, instanceProfile, imageId, subnetId };
    },
    autoScalingGroupArn: (name) =>
      autoscaling.groups.get(name)?.arn ??
      `arn:aws:autoscaling:${region}:${accountId}:autoScalingGroup:*:autoScalingGroupName/${name}`,
    groupOfInstance: (instanceId) =>
      [...autoscaling.groups.values()].find(({ members }) => members.has(instanceId))?.name,
    encryptionKey: (resourceArn) => model.encryptionKeys.get(resourceArn),
    objectTags: (bucket, key, versionId) => {
      if (!s3.bucketNames.includes(bucket)) return noTags;
      const versions = s3.versions(bucket).filter((version) => version.key === key);
      const found = versionId === undefined ? versions[0] : versions.find((version) => version.versionId === versionId);
      return found?.tags ?? noTags;
    },
    partitionKey: (tableName) => model.partitionKeys.get(tableName),
    machineOfToken: (taskToken) => states.machineOfToken(taskToken),
  };
}

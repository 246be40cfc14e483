/** The fleet as CloudFormation gets it: closed, encrypted, and as large as there is work. */
import { App, Size, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { InstanceType, MachineImage } from 'aws-cdk-lib/aws-ec2';
import { InstanceFleet, type InstanceFleetProps } from '../../workflow';

function templateOf(props?: InstanceFleetProps): Template {
  const stack = new Stack(new App(), 'Test');
  new InstanceFleet(stack, 'Workers', props);
  return Template.fromStack(stack);
}

function userDataOf(template: Template): string {
  const [launchTemplate] = Object.values(template.findResources('AWS::EC2::LaunchTemplate'));
  return launchTemplate!['Properties'].LaunchTemplateData.UserData['Fn::Base64'] as string;
}

const byDefault = templateOf({ dataVolume: {} });

describe('an instance fleet', () => {
  test('has encrypted disks, answers only IMDSv2 from the instance itself, and has no key pair', () => {
    byDefault.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: {
        KeyName: Match.absent(),
        InstanceType: 't4g.small',
        MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
        BlockDeviceMappings: [
          { DeviceName: '/dev/xvda', Ebs: { Encrypted: true, VolumeType: 'gp3', VolumeSize: 20 } },
          {
            DeviceName: '/dev/sdf',
            Ebs: { Encrypted: true, VolumeType: 'gp3', VolumeSize: 8, DeleteOnTermination: true },
          },
        ],
      },
    });
  });

  test('lets nothing in, and only HTTPS out', () => {
    byDefault.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: Match.absent(),
      SecurityGroupEgress: [Match.objectLike({ IpProtocol: 'tcp', FromPort: 443, ToPort: 443 })],
    });
    byDefault.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
    byDefault.resourceCountIs('AWS::EC2::NatGateway', 0);
  });

  test('costs nothing while there is no work: the group may be empty', () => {
    byDefault.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      MinSize: '0',
      MaxSize: '4',
      DesiredCapacity: Match.absent(),
    });
  });

  test('formats its data volume only where nothing is found on it, and mounts it by label', () => {
    const userData = userDataOf(byDefault);
    expect(userData).toContain('if [ "$found" -eq 2 ]; then mkfs.xfs -L fleet-data /dev/sdf; fi');
    expect(userData).toContain("echo 'LABEL=fleet-data /data xfs defaults,nofail,nodev,nosuid 0 2' >>/etc/fstab");
  });

  test('starts from the Amazon Linux of its processor, or from the image that is given', () => {
    const x86 = templateOf({ instanceType: new InstanceType('m7i.large') });
    expect(Object.keys(x86.toJSON()['Parameters'] as object).join()).toContain('x8664');
    const published = templateOf({ machineImage: MachineImage.resolveSsmParameterAtLaunch('/workers/image') });
    published.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: { ImageId: 'resolve:ssm:/workers/image' },
    });
  });

  test.each<[string, InstanceFleetProps, string]>([
    ['fewer than no instances', { minCapacity: -1 }, 'minCapacity -1'],
    ['fewer at most than at least', { minCapacity: 3, maxCapacity: 2 }, 'minCapacity 3, maxCapacity 2'],
    ['no instances ever', { maxCapacity: 0 }, 'maxCapacity 0'],
    ['a mount path that a shell would read otherwise', { dataVolume: { mountPath: '/da ta' } }, '"/da ta"'],
    ['a data volume below a gibibyte', { dataVolume: { size: Size.mebibytes(512) } }, '512 MiB'],
  ])('rejects %s', (_what, props, got) => {
    expect(() => templateOf(props)).toThrow(got);
  });
});

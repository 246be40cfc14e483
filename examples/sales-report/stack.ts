/** The sales report: a CSV that lands in the inbox becomes a report per product and month. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, Size, Stack, type StackProps } from 'aws-cdk-lib';
import { AutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import {
  AmazonLinuxCpuType,
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  InstanceClass,
  InstanceSize,
  InstanceType,
  LaunchTemplate,
  MachineImage,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { InstanceFleet, ObjectStore, ObjectWorkflow, Processor } from 'cdk-object-workflow';
import type { Construct } from 'constructs';

/** An inbox bucket, a fleet of one small instance, and the workflow between them. */
export class SalesReportStack extends Stack {
  readonly workflow: ObjectWorkflow;

  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    const inbox = new ObjectStore(this, 'Inbox');
    this.workflow = new ObjectWorkflow(this, 'SalesReport', {
      source: {
        bucket: inbox.bucket,
        prefix: 'incoming/',
        suffix: '.csv',
        maximumSize: Size.mebibytes(100),
        // Browsers on Windows take a CSV for Excel's.
        contentTypes: ['text/csv', 'text/plain', 'application/vnd.ms-excel'],
      },
      processor: Processor.fleet(InstanceFleet.fromAutoScalingGroup(this.createFleet()), {
        command: readFileSync(join(__dirname, 'report.sh'), 'utf8'),
        timeout: Duration.minutes(15),
      }),
    });
  }

  /** One instance that nothing on the internet can reach: it only calls out, to Systems Manager and S3.
   * Public subnets without a NAT gateway cost nothing but the public address. */
  private createFleet(): AutoScalingGroup {
    const vpc = new Vpc(this, 'Network', {
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'fleet', subnetType: SubnetType.PUBLIC, cidrMask: 24 }],
    });
    const outboundOnly = new SecurityGroup(this, 'OutboundOnly', { vpc, allowAllOutbound: false });
    outboundOnly.addEgressRule(Peer.anyIpv4(), Port.HTTPS, 'Systems Manager, S3 and package mirrors');
    const launchTemplate = new LaunchTemplate(this, 'Instance', {
      machineImage: MachineImage.latestAmazonLinux2023({ cpuType: AmazonLinuxCpuType.ARM_64 }),
      instanceType: InstanceType.of(InstanceClass.T4G, InstanceSize.MICRO),
      securityGroup: outboundOnly,
      role: new Role(this, 'InstanceRole', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') }),
      requireImdsv2: true,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: BlockDeviceVolume.ebs(8, { encrypted: true, volumeType: EbsDeviceVolumeType.GP3 }),
        },
      ],
    });
    return new AutoScalingGroup(this, 'Fleet', { vpc, launchTemplate, minCapacity: 1, maxCapacity: 1 });
  }
}

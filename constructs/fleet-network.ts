/** The network that a fleet gets if it is not given one: its instances call out, and nothing can call in. */
import {
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
  type IVpc,
} from 'aws-cdk-lib/aws-ec2';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { RemovalPolicy } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** Makes a VPC with public subnets in two Availability Zones and without a NAT gateway. What was refused is logged. */
export function createFleetNetwork(scope: Construct, id: string): Vpc {
  const vpc = new Vpc(scope, id, {
    maxAzs: 2,
    natGateways: 0,
    subnetConfiguration: [{ name: 'fleet', subnetType: SubnetType.PUBLIC, cidrMask: 24 }],
    // Objects and results reach S3 without the internet, and the endpoint costs nothing.
    gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
  });
  const logGroup = new LogGroup(vpc, 'Rejected', {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  vpc.addFlowLog('RejectedTraffic', {
    destination: FlowLogDestination.toCloudWatchLogs(logGroup),
    trafficType: FlowLogTrafficType.REJECT,
  });
  return vpc;
}

/** Makes a security group without any way in, and with HTTPS as the only way out: Systems Manager, S3, package mirrors.
 * Names and time need no rule: security groups do not filter a VPC's own DNS and NTP.
 * @see https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html (read 2026-11) */
export function createFleetSecurityGroup(scope: Construct, id: string, vpc: IVpc): SecurityGroup {
  const securityGroup = new SecurityGroup(scope, id, {
    vpc,
    description: 'Instances that process objects: nothing in, HTTPS out',
    allowAllOutbound: false,
  });
  securityGroup.addEgressRule(Peer.anyIpv4(), Port.HTTPS, 'Systems Manager, S3 and package mirrors');
  return securityGroup;
}

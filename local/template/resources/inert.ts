/** Types that change nothing a workflow sees: they exist, have an id and the attributes that other resources ask for, and do nothing. */
import { stableHash } from '../stable-hash';
import type { CreatedResource, ResourceHandlers, ResourceRequest } from '../resource';

/** Handlers for types without behaviour. */
export function inertResources(): ResourceHandlers {
  const handlers: Record<string, (request: ResourceRequest) => CreatedResource> = {
    ...network,
    ...keys,
  };
  for (const type of withoutAttributes)
    handlers[type] = (request) => ({ ref: request.generateName(128), attributes: {} });
  return handlers;
}

/** Nothing refers to these but their own kind. */
const withoutAttributes = [
  'AWS::ApplicationAutoScaling::ScalableTarget',
  'AWS::ApplicationAutoScaling::ScalingPolicy',
  'AWS::AutoScaling::ScheduledAction',
  'AWS::CDK::Metadata',
  'AWS::CloudFormation::WaitConditionHandle',
  'AWS::CloudWatch::AnomalyDetector',
  'AWS::CloudWatch::Dashboard',
  'AWS::EC2::GatewayRouteTableAssociation',
  'AWS::EC2::NetworkAclEntry',
  'AWS::EC2::Route',
  'AWS::EC2::SecurityGroupEgress',
  'AWS::EC2::SecurityGroupIngress',
  'AWS::EC2::SubnetNetworkAclAssociation',
  'AWS::EC2::SubnetRouteTableAssociation',
  'AWS::EC2::VPCDHCPOptionsAssociation',
  'AWS::EC2::VPCGatewayAttachment',
  'AWS::Events::EventBusPolicy',
  'AWS::Lambda::Permission',
  'AWS::Logs::MetricFilter',
  'AWS::Logs::ResourcePolicy',
  'AWS::Logs::SubscriptionFilter',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::ServiceDiscovery::PrivateDnsNamespace',
  'AWS::XRay::Group',
  'AWS::XRay::SamplingRule',
  'Custom::AWSCDKOpenIdConnectProvider',
  'Custom::LogRetention',
  'Custom::S3AutoDeleteObjects',
  'Custom::VpcRestrictDefaultSG',
];

type InertHandler = (request: ResourceRequest) => CreatedResource;

const network: Readonly<Record<string, InertHandler>> = {
  'AWS::EC2::VPC': (request) => {
    const ref = id('vpc', request);
    const attributes = {
      VpcId: ref,
      CidrBlock: request.properties['CidrBlock'] ?? '10.0.0.0/16',
      DefaultSecurityGroup: id('sg', request),
      DefaultNetworkAcl: id('acl', request),
      CidrBlockAssociations: [],
      Ipv6CidrBlocks: [],
    };
    return { ref, attributes };
  },
  'AWS::EC2::Subnet': (request) => {
    const ref = id('subnet', request);
    const availabilityZone = request.properties['AvailabilityZone'] ?? `${request.region}a`;
    return {
      ref,
      attributes: {
        SubnetId: ref,
        AvailabilityZone: availabilityZone,
        VpcId: request.properties['VpcId'],
        CidrBlock: request.properties['CidrBlock'],
        Ipv6CidrBlocks: [],
      },
    };
  },
  'AWS::EC2::SecurityGroup': (request) => {
    const ref = id('sg', request);
    return { ref, attributes: { GroupId: ref, Id: ref, VpcId: request.properties['VpcId'] } };
  },
  'AWS::EC2::EIP': (request) => ({
    ref: '192.0.2.1',
    attributes: { AllocationId: id('eipalloc', request), PublicIp: '192.0.2.1' },
  }),
  'AWS::EC2::NatGateway': identified('nat', 'NatGatewayId'),
  'AWS::EC2::InternetGateway': identified('igw', 'InternetGatewayId'),
  'AWS::EC2::EgressOnlyInternetGateway': identified('eigw', 'Id'),
  'AWS::EC2::RouteTable': identified('rtb', 'RouteTableId'),
  'AWS::EC2::NetworkAcl': identified('acl', 'Id'),
  'AWS::EC2::DHCPOptions': identified('dopt', 'DhcpOptionsId'),
  'AWS::EC2::VPCEndpoint': identified('vpce', 'Id'),
  'AWS::EC2::FlowLog': identified('fl', 'Id'),
  'AWS::EC2::VPCCidrBlock': identified('vpc-cidr-assoc', 'Id'),
  'AWS::EC2::KeyPair': (request) => ({
    ref: String(request.properties['KeyName'] ?? request.generateName(255)),
    attributes: { KeyPairId: id('key', request), KeyFingerprint: stableHash(request.logicalId) },
  }),
};

const keys: Readonly<Record<string, InertHandler>> = {
  'AWS::KMS::Key': (request) => {
    const digits = stableHash(request.generateName(200));
    const ref = [
      digits.slice(0, 8),
      digits.slice(8, 12),
      `4${digits.slice(13, 16)}`,
      `a${digits.slice(17, 20)}`,
      digits.slice(20, 32),
    ].join('-');
    return {
      ref,
      attributes: { KeyId: ref, Arn: `arn:aws:kms:${request.region}:${request.accountId}:key/${ref}` },
    };
  },
  'AWS::KMS::Alias': (request) => ({
    ref: String(request.properties['AliasName']),
    attributes: {
      Arn: `arn:aws:kms:${request.region}:${request.accountId}:${String(request.properties['AliasName'])}`,
    },
  }),
};

function identified(prefix: string, attribute: string): InertHandler {
  return (request) => {
    const ref = id(prefix, request);
    return { ref, attributes: { [attribute]: ref } };
  };
}

/** An EC2 id: the prefix and 17 hexadecimal digits, the same for the same template and seed. */
function id(prefix: string, request: ResourceRequest): string {
  return `${prefix}-${stableHash(`${prefix}/${request.generateName(200)}`).slice(0, 17)}`;
}

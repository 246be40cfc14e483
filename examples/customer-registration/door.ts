/** The way in: a load balancer that speaks HTTPS only and passes requests on to healthy instances. */
import { Aws, Duration } from 'aws-cdk-lib';
import { Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ListenerCertificate,
  SslPolicy,
  type ApplicationListener,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { InstanceFleet } from 'cdk-object-workflow';
import { Construct } from 'constructs';

export interface DoorProps {
  readonly fleet: InstanceFleet;
  /** Port of the application. */
  readonly port: number;
  readonly certificateArn: string;
  /** Receives a line for each request. */
  readonly logs: Bucket;
}

/** The only thing that reaches the instances, and only on the application's port. */
export class Door extends Construct {
  readonly loadBalancer: ApplicationLoadBalancer;
  readonly listener: ApplicationListener;

  constructor(scope: Construct, id: string, { fleet, port, certificateArn, logs }: DoorProps) {
    super(scope, id);
    const { vpc } = fleet;
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', { vpc, allowAllOutbound: false });
    securityGroup.addIngressRule(Peer.anyIpv4(), Port.HTTPS, 'Anybody; the application asks for a token');
    this.loadBalancer = new ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc,
      internetFacing: true,
      securityGroup,
      deletionProtection: true,
      dropInvalidHeaderFields: true,
    });
    this.logRequests(logs);
    this.listener = this.loadBalancer.addListener('Https', {
      port: 443,
      protocol: ApplicationProtocol.HTTPS,
      certificates: [ListenerCertificate.fromArn(certificateArn)],
      sslPolicy: SslPolicy.TLS13_RES,
      open: false,
    });
    this.listener.addTargets('Application', {
      port,
      protocol: ApplicationProtocol.HTTP,
      targets: [fleet.group],
      deregistrationDelay: Duration.seconds(30),
      healthCheck: { path: '/health', interval: Duration.seconds(15), healthyThresholdCount: 2 },
    });
    fleet.connections.allowFrom(securityGroup, Port.tcp(port), 'The load balancer');
  }

  /** By attributes: CDK's own method knows only the accounts of single Regions, this principal writes in all of them.
   * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html (read 2026-11) */
  private logRequests(logs: Bucket): void {
    this.loadBalancer.setAttribute('access_logs.s3.enabled', 'true');
    this.loadBalancer.setAttribute('access_logs.s3.bucket', logs.bucketName);
    this.loadBalancer.setAttribute('access_logs.s3.prefix', 'load-balancer');
    logs.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('logdelivery.elasticloadbalancing.amazonaws.com')],
        actions: ['s3:PutObject'],
        resources: [logs.arnForObjects(`load-balancer/AWSLogs/${Aws.ACCOUNT_ID}/*`)],
      }),
    );
    this.loadBalancer.node.addDependency(logs.policy!);
  }
}

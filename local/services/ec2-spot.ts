/** Spot Instances of the simulated EC2: what their requests say, and how EC2 announces that it takes one back.
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html (read 2026-11) */
import {
  checkEc2Parameters,
  ec2Page,
  filterResources,
  readIds,
  type Ec2Options,
  type FilterValues,
  type Input,
  type Instance,
  type SpotRequest,
} from './ec2-model';
import { ServiceError, type ServiceOutput } from './service';

/** From the warning to the interruption. */
export const spotWarningMs = 120_000;

type SpotInstance = Instance & { readonly spotRequest: SpotRequest };

const filters: FilterValues<SpotInstance> = {
  'instance-id': ({ instanceId }) => [instanceId],
  'spot-instance-request-id': ({ spotRequest }) => [spotRequest.spotInstanceRequestId],
  'status-code': ({ spotRequest }) => [spotRequest.status],
};

/** The request of a new Spot Instance. */
export function newSpotRequest({ random, clock }: Ec2Options): SpotRequest {
  return { spotInstanceRequestId: `sir-${random.hex(8)}`, status: 'fulfilled', statusAtMs: clock.nowMs() };
}

/** Warns that an instance is taken back.
 * @throws Error when it is no Spot Instance */
export function markForInterruption(
  { instanceId, availabilityZone, spotRequest }: Instance,
  options: Ec2Options,
): void {
  if (spotRequest === undefined) {
    throw new Error(
      `Only Spot Instances are interrupted, at interruptSpot\n  got: ${instanceId}, which is on demand\n  allowed: an instance with InstanceMarketOptions of type "spot"\n  fix: terminate it instead`,
    );
  }
  spotRequest.status = 'marked-for-termination';
  spotRequest.statusAtMs = options.clock.nowMs();
  options.emit({
    source: 'aws.ec2',
    detailType: 'EC2 Spot Instance Interruption Warning',
    // The Availability Zone stands where others have the Region, and there is no account.
    resources: [`arn:aws:ec2:${availabilityZone}:instance/${instanceId}`],
    detail: { 'instance-id': instanceId, 'instance-action': 'terminate' },
  });
}

/** Notes in the request of a Spot Instance, if it is one, that it has ended, and by whom. */
export function endSpotRequest({ spotRequest }: Instance, nowMs: number): void {
  if (spotRequest === undefined) return;
  const isInterrupted = spotRequest.status === 'marked-for-termination';
  spotRequest.status = isInterrupted ? 'instance-terminated-no-capacity' : 'instance-terminated-by-user';
  spotRequest.statusAtMs = nowMs;
}

export function describeSpotInstanceRequests(input: Input, instances: Iterable<Instance>): ServiceOutput {
  checkEc2Parameters('DescribeSpotInstanceRequests', input, {
    optional: ['SpotInstanceRequestIds', 'Filters', 'MaxResults', 'NextToken'],
  });
  const ids = readIds(input, 'SpotInstanceRequestIds', 'sir', 'InvalidSpotInstanceRequestID');
  const all = [...instances].filter(isSpot);
  const missing = ids.find((id) => !all.some(({ spotRequest }) => spotRequest.spotInstanceRequestId === id));
  if (missing !== undefined) {
    throw new ServiceError(
      'InvalidSpotInstanceRequestID.NotFound',
      `The spot instance request ID '${missing}' does not exist`,
    );
  }
  const named = all.filter(({ spotRequest }) => ids.length === 0 || ids.includes(spotRequest.spotInstanceRequestId));
  const found = filterResources('DescribeSpotInstanceRequests', named, input, filters);
  const { items, nextToken } = ec2Page(found, input);
  return { SpotInstanceRequests: items.map(describe), NextToken: nextToken };
}

function isSpot(instance: Instance): instance is SpotInstance {
  return instance.spotRequest !== undefined;
}

function describe({ instanceId, launchedAtMs, availabilityZone, spotRequest }: SpotInstance) {
  const { spotInstanceRequestId, status, statusAtMs } = spotRequest;
  return {
    SpotInstanceRequestId: spotInstanceRequestId,
    InstanceId: instanceId,
    Type: 'one-time',
    InstanceInterruptionBehavior: 'terminate',
    CreateTime: new Date(launchedAtMs),
    LaunchedAvailabilityZone: availabilityZone,
    State: status === 'fulfilled' ? 'active' : 'closed',
    Status: { Code: status, UpdateTime: new Date(statusAtMs) },
  };
}

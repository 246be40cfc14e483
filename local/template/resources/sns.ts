/** SNS's resources: topics and subscriptions. */
import { UnsupportedError } from '../../services/service';
import type { SnsService } from '../../services/sns';
import type { CreatedResource, ResourceHandlers, ResourceRequest } from '../resource';

interface SubscriptionProperties {
  readonly TopicArn: string;
  readonly Protocol: string;
  readonly Endpoint: string;
  readonly RawMessageDelivery?: boolean | string;
}

/** Handlers for the types of SNS. */
export function snsResources(sns: SnsService): ResourceHandlers {
  return {
    'AWS::SNS::Topic': (request) => createTopic(request, sns),
    'AWS::SNS::Subscription': (request) => ({ ref: subscribe(request, sns, request.properties), attributes: {} }),
    'AWS::SNS::TopicPolicy': (request) => ({ ref: request.generateName(128), attributes: {} }),
  };
}

function createTopic(request: ResourceRequest, sns: SnsService): CreatedResource {
  const properties = request.properties as {
    readonly TopicName?: string;
    readonly FifoTopic?: boolean | string;
    readonly Subscription?: readonly Readonly<Record<string, unknown>>[];
  };
  if (String(properties.FifoTopic ?? false) === 'true') throw unsupported('a first-in-first-out topic', request);
  const name = properties.TopicName ?? request.generateName(256);
  const arn = sns.createTopic(name);
  for (const subscription of properties.Subscription ?? []) {
    subscribe(request, sns, { ...subscription, TopicArn: arn });
  }
  return { ref: arn, attributes: { TopicArn: arn, TopicName: name } };
}

function subscribe(request: ResourceRequest, sns: SnsService, properties: Readonly<Record<string, unknown>>): string {
  for (const name of ['FilterPolicy', 'RedrivePolicy', 'DeliveryPolicy', 'SubscriptionRoleArn']) {
    if (properties[name] !== undefined) throw unsupported(`${name} of a subscription`, request);
  }
  const { TopicArn, Protocol, Endpoint, RawMessageDelivery } = properties as unknown as SubscriptionProperties;
  return sns.subscribe({
    topicArn: TopicArn,
    protocol: Protocol,
    endpoint: Endpoint,
    isRaw: String(RawMessageDelivery ?? false) === 'true',
  }).arn;
}

function unsupported(what: string, request: ResourceRequest): UnsupportedError {
  return new UnsupportedError(
    what,
    `${request.logicalId} of stack ${request.stackName}`,
    'leave it out of the stack that is simulated',
  );
}

/** SQS's resources: standard queues. */
import { UnsupportedError } from '../../services/service';
import type { SqsService } from '../../services/sqs';
import type { CreatedResource, ResourceHandlers, ResourceRequest } from '../resource';

interface QueueProperties {
  readonly QueueName?: string;
  readonly FifoQueue?: boolean | string;
  readonly VisibilityTimeout?: number;
  readonly DelaySeconds?: number;
  readonly MessageRetentionPeriod?: number;
  readonly RedrivePolicy?: { readonly deadLetterTargetArn: string; readonly maxReceiveCount: number };
}

/** Handlers for the types of SQS. */
export function sqsResources(sqs: SqsService): ResourceHandlers {
  return {
    'AWS::SQS::Queue': (request) => createQueue(request, sqs),
    'AWS::SQS::QueuePolicy': (request) => ({ ref: request.generateName(128), attributes: {} }),
  };
}

function createQueue(request: ResourceRequest, sqs: SqsService): CreatedResource {
  const properties = request.properties as QueueProperties;
  if (String(properties.FifoQueue ?? false) === 'true') {
    throw new UnsupportedError(
      'a first-in-first-out queue',
      `${request.logicalId} of stack ${request.stackName}`,
      'use a standard queue',
    );
  }
  const name = properties.QueueName ?? request.generateName(80);
  const { RedrivePolicy: redrive } = properties;
  sqs.createQueue({
    name,
    ...(properties.VisibilityTimeout !== undefined && {
      visibilityTimeoutSeconds: Number(properties.VisibilityTimeout),
    }),
    ...(properties.DelaySeconds !== undefined && { delaySeconds: Number(properties.DelaySeconds) }),
    ...(properties.MessageRetentionPeriod !== undefined && {
      retentionSeconds: Number(properties.MessageRetentionPeriod),
    }),
    ...(redrive !== undefined && {
      redrive: {
        deadLetterQueueArn: redrive.deadLetterTargetArn,
        maximumReceiveCount: Number(redrive.maxReceiveCount),
      },
    }),
  });
  const url = sqs.queueUrl(name);
  return { ref: url, attributes: { Arn: sqs.queueArn(name), QueueName: name, QueueUrl: url } };
}

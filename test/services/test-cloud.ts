/** A cloud with the services under test, and real SDK clients that reach it. */
import { createRandom } from '../../local/random';
import type { AwsEvent } from '../../local/services/aws-event';
import { DynamoDbService } from '../../local/services/dynamodb';
import { LogsService } from '../../local/services/logs';
import { MonitoringService } from '../../local/services/monitoring';
import { S3Service } from '../../local/services/s3';
import { Cloud, operator } from '../../local/services/service';
import { SnsService } from '../../local/services/sns';
import { SqsService } from '../../local/services/sqs';
import { StsService } from '../../local/services/sts';
import { VirtualClock } from '../../local/virtual-clock';
import { clientConfiguration } from '../../local/wire/request-handler';

export const region = 'eu-west-1';
export const accountId = '111122223333';

export function createTestCloud() {
  const cloud = new Cloud(region, accountId);
  const clock = new VirtualClock();
  const random = createRandom('test');
  const events: AwsEvent[] = [];
  const options = { cloud, clock, random, region, accountId, emit: (event: AwsEvent) => void events.push(event) };
  const services = {
    s3: new S3Service(options),
    dynamodb: new DynamoDbService(options),
    sqs: new SqsService(options),
    sns: new SnsService(options),
    logs: new LogsService(options),
    monitoring: new MonitoringService(options),
    sts: new StsService(options),
  };
  for (const service of Object.values(services)) cloud.add(service);
  return { cloud, clock, random, events, ...services, configuration: clientConfiguration(cloud, operator, region) };
}

/** What a rejected promise was rejected with. */
export async function failureOf(
  work: Promise<unknown>,
): Promise<Error & Record<string, unknown> & { $metadata: { httpStatusCode?: number; attempts?: number } }> {
  try {
    await work;
  } catch (error) {
    return error as Awaited<ReturnType<typeof failureOf>>;
  }
  throw new Error('The call succeeded');
}

/** Names a service's error as Step Functions does: optimized integrations in the style of the Java SDK 1, `aws-sdk` ones in that of version 2. */
import type { TaskFailure } from '../states-language/engine';
import type { ServiceError, ServiceName } from './service';

interface ErrorStyle {
  /** Before the dot. */
  readonly prefix: string;
  /** The class for errors that the service's model does not name. */
  readonly general: string;
  /** What the cause calls the service. */
  readonly service: string;
}

const optimizedStyles: Readonly<Partial<Record<ServiceName, ErrorStyle>>> = {
  dynamodb: { prefix: 'DynamoDB', general: 'AmazonDynamoDBException', service: 'AmazonDynamoDBv2' },
  events: { prefix: 'EventBridge', general: 'AmazonEventBridgeException', service: 'AmazonEventBridge' },
  lambda: { prefix: 'Lambda', general: 'AWSLambdaException', service: 'AWSLambda' },
  sns: { prefix: 'SNS', general: 'AmazonSNSException', service: 'AmazonSNS' },
  sqs: { prefix: 'SQS', general: 'AmazonSQSException', service: 'AmazonSQS' },
  states: { prefix: 'StepFunctions', general: 'AWSStepFunctionsException', service: 'AWSStepFunctions' },
};

/** Prefixes of `aws-sdk` integrations; others are the service's name with a capital. */
const sdkPrefixes: Readonly<Record<string, string>> = {
  autoscaling: 'AutoScaling',
  cloudwatch: 'CloudWatch',
  cloudwatchlogs: 'CloudWatchLogs',
  dynamodb: 'DynamoDb',
  eventbridge: 'EventBridge',
};

/** Codes that services answer without having them in their model. */
const unmodelled =
  /^(AccessDenied|AccessDeniedException|AuthorizationError|ExpiredToken.*|IncompleteSignature|InternalFailure|InvalidClientTokenId|MalformedQueryString|MissingParameter|OptInRequired|RequestExpired|SerializationException|ServiceUnavailable|Throttling|ThrottlingException|UnrecognizedClientException|ValidationError|ValidationException)$/;

/** The few errors that S3's model names. */
const modelledByS3 =
  /^(BucketAlreadyExists|BucketAlreadyOwnedByYou|EncryptionTypeMismatch|IdempotencyParameterMismatch|InvalidObjectState|InvalidRequest|InvalidWriteOffset|NoSuchBucket|NoSuchKey|NoSuchUpload|ObjectAlreadyInActiveTierError|ObjectNotInActiveTierError|TooManyParts)$/;

/** @see conformance cases error-handling/task-service-dynamodb-*, services/sns-* (recorded on AWS) */
export function optimizedFailure(service: ServiceName, error: ServiceError, requestId: string): TaskFailure {
  const style = optimizedStyles[service] ?? { prefix: service, general: `${service}Exception`, service };
  const name = unmodelled.test(error.code) ? style.general : asException(error.code);
  return {
    error: `${style.prefix}.${name}`,
    cause: `${error.message} (Service: ${style.service}; Status Code: ${error.statusCode}; Error Code: ${error.code}; Request ID: ${requestId}; Proxy: null)`,
  };
}

/** @param service As the resource names it: `dynamodb`, `sfn`.
 * @see conformance cases error-handling/aws-sdk-* (recorded on AWS) */
export function sdkFailure(service: string, error: ServiceError, requestId: string): TaskFailure {
  const prefix = sdkPrefixes[service] ?? `${service.slice(0, 1).toUpperCase()}${service.slice(1)}`;
  const name = isModelled(service, error.code) ? asException(error.code) : `${prefix}Exception`;
  const extended = service === 's3' ? `, Extended Request ID: ${requestId}` : '';
  return {
    error: `${prefix}.${name}`,
    cause: `${error.message} (Service: ${prefix}, Status Code: ${error.statusCode}, Request ID: ${requestId}${extended}) (SDK Attempt Count: 1)`,
  };
}

/** EC2's model names no errors at all. */
function isModelled(service: string, code: string): boolean {
  if (service === 'ec2') return false;
  return service === 's3' ? modelledByS3.test(code) : !unmodelled.test(code);
}

function asException(code: string): string {
  return code.endsWith('Exception') ? code : `${code}Exception`;
}

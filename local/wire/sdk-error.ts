/** Errors as SDK clients throw them, and which of them a client does not throw before it has tried again. */
import type { ServiceError } from '../services/service';
import { copyValue, type Encoding } from './copy-value';
import { encodeJson } from './protocols/json';
import type { StructureShape } from './shape';

/** A call as the client counts it. */
export interface Attempted {
  readonly requestId: string;
  /** From 1. */
  readonly attempts: number;
}

/** Codes that the SDK takes for throttling, whatever their status.
 * @see THROTTLING_ERROR_CODES and TRANSIENT_ERROR_CODES in `@smithy/core/retry` 3 (read 2026-11) */
const retriedCodes = new Set([
  ...['BandwidthLimitExceeded', 'EC2ThrottledException', 'LimitExceededException', 'PriorRequestNotComplete'],
  ...[
    'ProvisionedThroughputExceededException',
    'RequestLimitExceeded',
    'RequestThrottled',
    'RequestThrottledException',
  ],
  ...['SlowDown', 'ThrottledException', 'Throttling', 'ThrottlingException', 'TooManyRequestsException'],
  ...['TransactionInProgressException', 'TimeoutError', 'RequestTimeout', 'RequestTimeoutException'],
]);

/** Whether the SDK's standard retry strategy makes another attempt after such an answer. */
export function isWorthAnotherAttempt({ code, statusCode }: ServiceError): boolean {
  return statusCode === 429 || (statusCode >= 500 && statusCode <= 599) || retriedCodes.has(code);
}

/** The exception that a client throws for an answer: the SDK's classes recognize their own by name, `$fault` and `$metadata`.
 * @param shape The modelled error, if it is one. */
export function answeredError(
  error: ServiceError,
  shape: StructureShape | undefined,
  { encoding, isHead, requestId, attempts }: Attempted & { readonly encoding: Encoding; readonly isHead: boolean },
): Error {
  const { code, statusCode, message } = error;
  const metadata = { httpStatusCode: statusCode, requestId, attempts, totalRetryDelay: 0 };
  const $fault = statusCode < 500 ? 'client' : 'server';
  // The answer to a HEAD request has no body, so nobody learns what the error is called.
  if (isHead) {
    const name = statusCode === 404 ? 'NotFound' : 'Unknown';
    return Object.assign(new Error('UnknownError'), { name, $fault, $metadata: metadata });
  }
  return Object.assign(new Error(message === '' ? 'UnknownError' : message), {
    name: code,
    $fault,
    $metadata: metadata,
    ...detailsOf(error, shape, encoding),
  });
}

function detailsOf({ details }: ServiceError, shape: StructureShape | undefined, encoding: Encoding): object {
  if (Object.keys(details).length === 0 || encoding === 'form') return {};
  if (encoding === 'json') {
    return shape === undefined
      ? (encodeJson({ kind: 'document' }, details) as object)
      : (copyValue(shape, details, encoding) as object);
  }
  return Object.fromEntries(
    Object.entries(details)
      .filter(([, value]) => typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      .map(([name, value]) => [name, String(value)]),
  );
}

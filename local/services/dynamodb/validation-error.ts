/** The one error that DynamoDB answers to a request it does not accept. */
import { ServiceError } from '../service';

/** Makes DynamoDB's ValidationException. */
export function validationError(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}

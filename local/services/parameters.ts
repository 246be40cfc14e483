/** Checks of what a caller passed to a simulated service, in the words of AWS's own validation. */
import { ServiceError, UnsupportedError, type ServiceName } from './service';

/** What an operation takes. */
export interface ParameterRules {
  readonly required: readonly string[];
  /** Accepted, with or without effect here. */
  readonly optional?: readonly string[];
  /** Known to AWS, but not simulated: refused by name. */
  readonly unsupported?: readonly string[];
}

/** Refuses calls with unknown, missing or unsupported parameters.
 * @param errorCode The service's code for an invalid request.
 * @throws ServiceError in the words that AWS uses for a constraint on a member */
export function checkParameters(
  service: ServiceName,
  operation: string,
  input: Readonly<Record<string, unknown>>,
  rules: ParameterRules,
  errorCode = 'ValidationException',
): void {
  const missing = rules.required.filter((name) => input[name] === undefined || input[name] === null);
  if (missing.length > 0) {
    const problems = missing.map(
      (name) => `Value null at '${lowerFirst(name)}' failed to satisfy constraint: Member must not be null`,
    );
    const count = `${missing.length} validation error${missing.length > 1 ? 's' : ''} detected`;
    throw new ServiceError(errorCode, `${count}: ${problems.join('; ')}`);
  }
  for (const name of Object.keys(input)) {
    if (input[name] === undefined || rules.required.includes(name) || rules.optional?.includes(name)) continue;
    if (rules.unsupported?.includes(name)) {
      throw new UnsupportedError(
        `the parameter ${name} of ${service}:${operation}`,
        `a call of ${operation}`,
        `leave ${name} out of what runs locally`,
      );
    }
    const known = [...rules.required, ...(rules.optional ?? [])].join(', ');
    throw new ServiceError(errorCode, `Unknown parameter in input: "${name}", must be one of: ${known}`);
  }
}

/** Refuses a value outside of a list of allowed ones. */
export function checkChoice(
  name: string,
  value: unknown,
  allowed: readonly string[],
  errorCode = 'ValidationException',
): void {
  if (value === undefined || allowed.includes(value as string)) return;
  throw new ServiceError(
    errorCode,
    `1 validation error detected: Value '${String(value)}' at '${lowerFirst(name)}' failed to satisfy constraint: Member must satisfy enum value set: [${allowed.join(', ')}]`,
  );
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

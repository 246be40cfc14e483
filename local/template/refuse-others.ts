/** Refuses, by name, what a resource type has and the simulation has not. */
import { UnsupportedError } from '../services/service';
import type { ResourceRequest } from './resource';

/** @param known Properties that are simulated, or change nothing that can be seen here.
 * @param values The only values that some of them may have.
 * @throws UnsupportedError */
export function refuseOthers(
  request: ResourceRequest,
  known: readonly string[],
  values: Readonly<Record<string, readonly unknown[]>> = {},
): void {
  for (const [name, value] of Object.entries(request.properties)) {
    const allowed = values[name];
    const isAllowed =
      allowed === undefined
        ? known.includes(name)
        : allowed.some((one) => JSON.stringify(one) === JSON.stringify(value));
    if (isAllowed) continue;
    throw new UnsupportedError(
      `${request.type}.${name}${allowed === undefined ? '' : ` ${JSON.stringify(value)}`}`,
      `${request.logicalId} of stack ${request.stackName}`,
      allowed === undefined
        ? `leave ${name} out of the stack that is simulated`
        : `use ${allowed.map((one) => JSON.stringify(one)).join(' or ')}`,
    );
  }
}

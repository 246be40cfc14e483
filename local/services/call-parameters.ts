/** Checks the names of a call's parameters: nothing that a simulated operation would ignore, and everything it needs. */
import { type ServiceError, type ServiceName, UnsupportedError } from './service';

/** The parameters that a simulated operation reads. */
export interface ParameterRules {
  readonly required?: readonly string[];
  readonly optional?: readonly string[];
}

/** Refuses parameters that are not simulated, then asks the service's own error for the first that is missing.
 * @throws UnsupportedError for a parameter that would have no effect here
 * @throws ServiceError as made by `missing` */
export function checkParameters(
  where: { readonly service: ServiceName; readonly operation: string },
  input: Readonly<Record<string, unknown>>,
  rules: ParameterRules,
  missing: (parameter: string) => ServiceError,
): void {
  const { required = [], optional = [] } = rules;
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || required.includes(name) || optional.includes(name)) continue;
    throw new UnsupportedError(
      `the parameter ${name}`,
      `${where.service}:${where.operation}`,
      `leave it out; simulated are ${[...required, ...optional].join(', ')}`,
    );
  }
  const absent = required.find((name) => input[name] === undefined);
  if (absent !== undefined) throw missing(absent);
}

/** One page of a list, with a token that is the next index.
 * @param invalidToken Makes the service's own error for a token it did not give. */
export function pageOf<Item>(
  items: readonly Item[],
  page: { readonly token: string | undefined; readonly size: number },
  invalidToken: () => ServiceError,
): { readonly items: Item[]; readonly nextToken: string | undefined } {
  const start = page.token === undefined ? 0 : /^\d{1,9}$/.test(page.token) ? Number(page.token) : Number.NaN;
  if (Number.isNaN(start)) throw invalidToken();
  const end = start + page.size;
  return { items: items.slice(start, end), nextToken: end < items.length ? String(end) : undefined };
}

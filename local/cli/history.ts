/** `object-workflow history`: the events of an execution of a saved run. */
import type { HistoryEvent } from '../states-language/engine';
import { readSavedRun } from './output-folder';
import type { ExecutionResult } from './run-result';
import { printable } from './text';
import { UsageError } from './usage-error';

/** The events of one execution, or of all, as text.
 * @param options.execution Name of the execution, or the beginning of it.
 * @returns one line for each event, or a JSON array as GetExecutionHistory gives it */
export function showHistory(
  directory: string,
  options: { readonly execution?: string | undefined; readonly json?: boolean | undefined },
): string {
  const { executions } = readSavedRun(directory);
  const wanted = options.execution ?? '';
  const found = executions.filter(({ name }) => name.startsWith(wanted));
  if (found.length === 0) {
    throw new UsageError({
      what: 'The run has no such execution',
      where: '--execution',
      got: wanted,
      allowed: executions.map(({ name }) => name).join(', ') || 'none: nothing was started',
      fix: 'name one of them, or the beginning of its name',
    });
  }
  if (options.json === true)
    return `${JSON.stringify(
      found.flatMap(({ history }) => history),
      undefined,
      2,
    )}\n`;
  return `${found.map(describeExecution).join('\n\n')}\n`;
}

function describeExecution({ name, status, history, startedAtMs }: ExecutionResult): string {
  const lines = history.map((event) => {
    const seconds = ((event.timestamp - startedAtMs) / 1000).toFixed(3).padStart(10);
    return `${String(event.id).padStart(5)} ${seconds} s  ${event.type}${detailsOf(event)}`;
  });
  return [`${name}  ${status}`, ...lines].join('\n');
}

/** The few details that tell what happened; the rest is in the JSON. */
function detailsOf(event: HistoryEvent): string {
  const details = Object.entries(event).find(([name]) => name.endsWith('EventDetails'))?.[1];
  const { name, resourceType, resource, error, cause } = (details ?? {}) as Readonly<
    Record<string, string | undefined>
  >;
  const parts = [
    name,
    resourceType === undefined ? undefined : `${resourceType}:${resource ?? ''}`,
    error,
    cause === undefined ? undefined : cause.replace(/\s+/g, ' ').slice(0, 120),
  ].filter((part) => part !== undefined && part !== '');
  return parts.length === 0 ? '' : `  ${printable(parts.join('  '))}`;
}

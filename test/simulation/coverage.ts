/** Which faults hit which states: what a simulation has tried, and what it has not. */
import { faultKinds, type Fault, type FaultHit, type Simulation } from '../../local';
import { callers, cells, stateCalls } from './aim';

/** A kind of fault and a place that it has hit: `slow: Validate object`. */
export function placesOf(hits: readonly FaultHit[], simulation: Simulation): string[] {
  return hits.flatMap(({ fault, subject, atMs }) =>
    [...new Set(hitPlaces(fault, subject, simulation, atMs))].map((place) => `${fault.kind}: ${place}`),
  );
}

function hitPlaces(fault: Fault, subject: string, simulation: Simulation, atMs: number): string[] {
  if ('caller' in fault) return [callers[fault.caller] ?? stateCalls[subject.split(' ')[1] ?? ''] ?? subject];
  if ('source' in fault || fault.kind === 'late-reads') return [subject];
  if ('job' in fault) return [fault.kind.startsWith('image') ? 'Snapshot instance' : 'Back up results'];
  const stopped = fault.kind === 'execution-stopped' ? subject : undefined;
  return openStates(simulation, atMs, stopped);
}

/** States that executions were in at an instant, what ends in that instant included; or those that one of them was stopped in. */
function openStates(simulation: Simulation, atMs: number, executionName: string | undefined): string[] {
  const executions = simulation.executions.filter(({ name }) => executionName === undefined || name === executionName);
  return executions.flatMap(({ history }) => {
    const open = new Set<string>();
    for (const event of history) {
      if (event.timestamp > atMs || (event.type === 'ExecutionAborted' && event.timestamp === atMs)) break;
      const entered = event['stateEnteredEventDetails'] as { name: string } | undefined;
      const exited = event['stateExitedEventDetails'] as { name: string } | undefined;
      if (entered !== undefined) open.add(entered.name);
      if (exited !== undefined && (executionName !== undefined || event.timestamp < atMs)) open.delete(exited.name);
      if (/^Execution(Failed|Aborted|TimedOut|Succeeded)$/.test(event.type) && event.timestamp < atMs) open.clear();
    }
    return [...open];
  });
}

/** Cells that no fault has hit. */
export function emptyCells(counts: ReadonlyMap<string, number>): string[] {
  return cells.map(({ kind, place }) => `${kind}: ${place}`).filter((cell) => !counts.has(cell));
}

/** A table: a line for each kind, a column for each state. `·` is a cell that cannot be hit, `-` one that has not been. */
export function coverageTable(counts: ReadonlyMap<string, number>): string {
  const columns = [...new Set(cells.map(({ place }) => place))];
  const can = new Set(cells.map(({ kind, place }) => `${kind}: ${place}`));
  const widths = columns.map((column) => Math.max(4, column.length));
  const line = (first: string, texts: readonly string[]): string =>
    `${first.padEnd(18)}${texts.map((text, index) => text.padStart(widths[index]! + 2)).join('')}`;
  const rows = faultKinds.map((kind) =>
    line(
      kind,
      columns.map((column) => {
        const cell = `${kind}: ${column}`;
        return can.has(cell) ? `${counts.get(cell) ?? '-'}` : '·';
      }),
    ),
  );
  return [line('', columns), ...rows].join('\n');
}

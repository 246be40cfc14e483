/** Which faults hit which states: what a simulation has tried, and what it has not. */
import { faultKinds, type FaultHit, type Simulation } from '../../local';

/** Callers of calls, as states or as what stands beside them. */
const states: Readonly<Record<string, string>> = {
  ValidateObject: 'Validate object',
  ProcessObject: 'Process on EC2',
  StoreResults: 'Store results',
  SnapshotInstance: 'Snapshot instance',
  BackUpResults: 'Back up results',
  QuarantineObject: 'Quarantine object',
  Relay: '(relay)',
  Cleaner: '(cleaner)',
  events: '(rules)',
};

/** A kind of fault and a state that it has hit: `slow: Validate object`. */
export function placesOf(hits: readonly FaultHit[], simulation: Simulation): string[] {
  return hits.flatMap(({ fault, subject, atMs }) => {
    if (fault.kind === 'late-reads') return [`${fault.kind}: (all)`];
    const state = 'caller' in fault ? states[fault.caller] : undefined;
    const hit = state !== undefined ? [state] : 'caller' in fault ? [callOf(subject)] : openStates(simulation, atMs);
    return [...new Set(hit)].map((place) => `${fault.kind}: ${place}`);
  });
}

/** A state that calls DynamoDB itself has no function to be named after; a state that calls a function has been hit before. */
function callOf(subject: string): string {
  return subject.endsWith('UpdateItem') ? 'Claim object, Complete' : '(calls of functions)';
}

function openStates(simulation: Simulation, atMs: number): string[] {
  return simulation.executions.flatMap(({ history }) => {
    const open = new Set<string>();
    for (const event of history) {
      if (event.timestamp >= atMs) break;
      const entered = event['stateEnteredEventDetails'] as { name: string } | undefined;
      const exited = event['stateExitedEventDetails'] as { name: string } | undefined;
      if (entered !== undefined) open.add(entered.name);
      if (exited !== undefined) open.delete(exited.name);
      if (/^Execution(Failed|Aborted|TimedOut|Succeeded)$/.test(event.type)) open.clear();
    }
    return [...open];
  });
}

/** A table: a line for each kind, a column for each state. */
export function coverageTable(counts: ReadonlyMap<string, number>): string {
  const columns = [...new Set([...counts.keys()].map((place) => place.split(': ')[1]!))].sort();
  const widths = columns.map((column) => Math.max(6, column.length));
  const line = (first: string, cells: readonly string[]): string =>
    `${first.padEnd(18)}${cells.map((cell, index) => cell.padStart(widths[index]! + 2)).join('')}`;
  const rows = faultKinds.map((kind) =>
    line(
      kind,
      columns.map((column) => `${counts.get(`${kind}: ${column}`) ?? '·'}`),
    ),
  );
  return [line('', columns), ...rows].join('\n');
}

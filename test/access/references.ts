/** Runs the scenarios of all references, and remembers which requests they have led to. */
import type { Simulation } from '../../local';
import { neededGrants } from '../../local/access/need';
import { abstractRequest, type CarriedRequest } from './carried-requests';
import { PermissionJudge } from './permission-judge';
import { scenarios, synthesize, type Reference } from './scenarios';
import { WorkflowNames } from './workflow-names';

type Name = keyof typeof scenarios;

/** Which scenarios each needs. What is the same in all workflows happens in the first. */
const runs: Readonly<Record<Reference, readonly Name[]>> = {
  group: (Object.keys(scenarios) as Name[]).filter((name) => name !== 'an instance that ends its work before it goes'),
  fleet: [
    'an instance that ends its work before it goes',
    'executions that are stopped while others wait',
    'lost events, and images and backups that fail',
  ],
  launch: ['executions that are stopped while others wait'],
  full: [
    'an object on a real instance',
    'objects that are started by name',
    'lost events, and images and backups that fail',
    'rejected objects that are huge, or gone',
  ],
};

/** What the scenarios of one reference have come to. */
export interface RecordedReference {
  readonly judge: PermissionJudge;
  readonly denied: readonly string[];
  readonly assembly: string;
}

/** All requests that were allowed, in the names of a workflow. */
export class RecordedRequests {
  readonly texts = new Set<string>();
  /** For each grant of each reference that is needed, the first request in the order of the alphabet that needs it. */
  readonly witnesses = new Map<string, string>();

  add(reference: Reference, simulation: Simulation): void {
    const [names] = WorkflowNames.of(simulation);
    for (const request of simulation.access.requests) {
      const abstract = request.decision.isAllowed ? abstractRequest(request, names!) : undefined;
      if (abstract === undefined) continue;
      const text = JSON.stringify(abstract);
      if (this.texts.has(text)) continue;
      this.texts.add(text);
      for (const grant of neededGrants([request])) {
        const name = `${reference} ${grant}`;
        const known = this.witnesses.get(name);
        if (known === undefined || text < known) this.witnesses.set(name, text);
      }
    }
  }
}

/** Runs one reference's scenarios. */
export async function runReference(reference: Reference, recorded: RecordedRequests): Promise<RecordedReference> {
  const judge = new PermissionJudge();
  const denied: string[] = [];
  const assembly = synthesize(reference);
  for (const name of runs[reference]) {
    const simulation = await scenarios[name](assembly);
    recorded.add(reference, simulation);
    denied.push(...simulation.permissions().denied);
    judge.add(simulation);
    await simulation.close();
  }
  return { judge, denied, assembly };
}

/** What is to be carried, of what was recorded. */
export function toCarry({ witnesses }: RecordedRequests): Omit<CarriedRequest, 'allowedIn'>[] {
  return [...new Set(witnesses.values())].sort().map((text) => JSON.parse(text) as Omit<CarriedRequest, 'allowedIn'>);
}

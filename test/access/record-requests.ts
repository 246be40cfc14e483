/** `npx tsx test/access/record-requests.ts`: runs all scenarios of the references, and writes down the requests that are carried to
 * other templates. To be run when a construct's permissions have changed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { simulate } from '../../local';
import { removeFolders } from './assemblies';
import { ask, type CarriedRequest } from './carried-requests';
import { RecordedRequests, runReference, toCarry } from './references';
import { synthesize } from './scenarios';
import { WorkflowNames, type FleetKind } from './workflow-names';

const kinds: readonly FleetKind[] = ['group', 'fleet', 'launch'];

async function main(): Promise<void> {
  const recorded = new RecordedRequests();
  for (const reference of [...kinds, 'full'] as const) await runReference(reference, recorded);
  const simulations = await Promise.all(
    kinds.map(async (kind) => ({ kind, simulation: await simulate(synthesize(kind)) })),
  );
  const requests = toCarry(recorded).map((request): CarriedRequest => {
    const allowedIn = simulations.filter(({ simulation }) =>
      ask(simulation, WorkflowNames.of(simulation)[0]!, request),
    );
    return { ...request, allowedIn: allowedIn.map(({ kind }) => kind) };
  });
  for (const { simulation } of simulations) await simulation.close();
  const lines = requests.map((request) => `  ${JSON.stringify(request)}`);
  writeFileSync(join(__dirname, 'carried-requests.json'), `[\n${lines.join(',\n')}\n]\n`);
  removeFolders();
}

void main();

/** Requests that only mishaps lead to. They were made in the scenarios of least-privilege.test.ts, which shows that each of them is, and
 * are carried to every other template with a workflow: there nobody has to wait for the same mishaps. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Simulation } from '../../local';
import type { DecidedRequest } from '../../local/access/enforcement';
import type { ContextValue } from '../../local/access/request-context';
import { WorkflowNames, type FleetKind } from './workflow-names';

/** A request in the names of a workflow. */
export interface CarriedRequest {
  /** ARN of a role, or a service. */
  readonly by: string;
  readonly action: string;
  readonly resource: string;
  readonly keys?: Readonly<Record<string, ContextValue>>;
  /** What is for an option of the workflow has a statement with a name of its own: without that nothing needs to be allowed. */
  readonly statement?: string;
  /** In which workflows it is allowed that have no options but their fleet. */
  readonly allowedIn: readonly FleetKind[];
}

const file = join(__dirname, 'carried-requests.json');

/** The requests, as they were written down. */
export function readCarriedRequests(): readonly CarriedRequest[] {
  return JSON.parse(readFileSync(file, 'utf8')) as readonly CarriedRequest[];
}

/** @returns undefined for a request about what belongs to no workflow */
export function abstractRequest(
  { principal, action, resource, keys, decision }: DecidedRequest,
  names: WorkflowNames,
): Omit<CarriedRequest, 'allowedIn'> | undefined {
  const given = Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined));
  const text = names.abstract(JSON.stringify({ by: principal, action, resource, keys: given }));
  if (text === undefined) return undefined;
  const { keys: asked, ...request } = JSON.parse(text) as Omit<CarriedRequest, 'allowedIn'>;
  const statement = decision.isAllowed ? decision.by.find(({ sid }) => sid !== undefined)?.sid : undefined;
  return {
    ...request,
    ...(Object.keys(asked ?? {}).length > 0 && { keys: asked }),
    ...(statement !== undefined && { statement }),
  };
}

/** Anybody who is told to may move an operation on: whatever one of them has needed for it, the others may need as well, and which
 * one it is depends on who comes first. These statements are for that. */
const anybodys: readonly { readonly roles: readonly string[]; readonly statements: readonly string[] }[] = [
  {
    roles: ['ProcessObject', 'Events/Relay', 'Events/Cleaner', 'Keeper/Function'],
    statements: [
      ...['AnswerWaitingStates', 'SendOurDocument', 'SendToTheFleet', 'FollowCommands', 'ProtectBusyInstances'],
      ...['UseTheTemplate', 'LaunchTagged', 'MakeItsParts', 'KeepToTheTemplate', 'LaunchThere', 'TagWhatIsLaunched'],
      ...['EndWhatWasLaunched', 'PassTheInstanceRole'],
    ],
  },
  {
    roles: ['SnapshotInstance', 'Events/Relay'],
    statements: [
      ...['ImageTheFleet', 'MakeImages', 'TagWhatIsMade', 'FollowImages', 'CopyImages', 'TagCopies'],
      ...['FindUsersOfImages', 'RemoveOurImages', 'PublishTheImage'],
    ],
  },
  { roles: ['BackUpResults', 'Events/Relay'], statements: ['StartBackups', 'PassTheBackupRole', 'FollowBackups'] },
];

/** The same request for everybody who may make it. */
function forEverybody(request: CarriedRequest): CarriedRequest[] {
  const others = anybodys.flatMap(({ roles, statements }) => {
    const role = roles.find((one) => request.by.includes(`{${one}/Role/Resource}`));
    if (role === undefined || !statements.includes(request.statement ?? '')) return [];
    return roles.map((other) => ({ ...request, by: request.by.replace(`{${role}/`, `{${other}/`) }));
  });
  return others.length > 0 ? others : [request];
}

/** Asks every request that fits the workflows of a template.
 * @returns those that are refused, although the template has what they are for */
export function askCarriedRequests(simulation: Simulation, requests = readCarriedRequests()): string[] {
  const statements = new Set(simulation.access.statements().map(({ sid }) => sid));
  return WorkflowNames.of(simulation)
    .flatMap((names) =>
      requests
        .flatMap(forEverybody)
        .filter((request) => ask(simulation, names, request) === false && isDue(request, names, statements)),
    )
    .map(({ by, action, resource }) => `refused to ${by}: ${action} on ${resource}`);
}

/** Whether a workflow has to allow a request. */
function isDue(
  { action, allowedIn, statement }: CarriedRequest,
  names: WorkflowNames,
  statements: ReadonlySet<string | undefined>,
): boolean {
  // Whatever a key of somebody's own encrypts, takes it.
  if (action.startsWith('kms:')) return true;
  // What only options are for, is for none that is not chosen.
  if (allowedIn.length === 0) return statement !== undefined && statements.has(statement);
  const owner = anybodys.find((one) => one.statements.includes(statement ?? ''))?.roles[0];
  const isThere = owner === undefined || names.concrete(`{${owner}/Role/Resource}`) !== undefined;
  return isThere && allowedIn.includes(names.fleetKind);
}

/** @returns undefined where the template has not what the request is about */
export function ask(
  simulation: Simulation,
  names: WorkflowNames,
  request: Omit<CarriedRequest, 'allowedIn'>,
): boolean | undefined {
  const { by, action, resource, keys = {} } = request;
  const text = names.concrete(JSON.stringify({ by, action, resource, keys }));
  if (text === undefined) return undefined;
  const own = JSON.parse(text) as Required<Pick<CarriedRequest, 'by' | 'action' | 'resource' | 'keys'>>;
  const isRole = own.by.startsWith('arn:');
  if (isRole && !simulation.services.iam.roles.has(own.by)) return undefined;
  const sourceArn = own.keys['aws:sourcearn'];
  return simulation.access.permits({ id: own.by, ...(typeof sourceArn === 'string' && { sourceArn }) }, [
    { action: own.action, resource: own.resource, keys: own.keys },
  ]);
}

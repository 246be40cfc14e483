/** `object-workflow check`: what is wrong with the state machines of a target, and which of its permissions are too wide. */
import { checkDefinition } from '../states-language';
import type { Grant } from '../access/permission-report';
import { readTarget } from './definitions';
import { formatCount } from './text';

/** Checks all state machines of a target.
 * @returns the problems as text or JSON, and whether there is none that AWS would refuse */
export async function checkTarget(target: string, isJson: boolean): Promise<{ text: string; isGood: boolean }> {
  const { definitions, broadGrants } = await readTarget(target);
  const machines = definitions.map(({ name, text }) => ({ name, problems: checkDefinition(text) }));
  const checked = broadGrants.length === 0 ? machines : [...machines, permissions(broadGrants)];
  const isGood = checked.every(({ problems }) => problems.every(({ severity }) => severity !== 'ERROR'));
  if (isJson) return { text: `${JSON.stringify(checked, undefined, 2)}\n`, isGood };
  const lines = checked.flatMap(({ name, problems }) => [
    `${name}: ${problems.length === 0 ? 'no problems' : formatCount(problems.length, 'problem')}`,
    ...problems.map(
      ({ severity, code, message, location }) =>
        `  ${severity} ${code} at ${location || '/'}\n    ${message.replaceAll('\n', '\n    ')}`,
    ),
  ]);
  return { text: `${lines.join('\n')}\n`, isGood };
}

/** AWS accepts grants that are too wide, so these are warnings. */
function permissions(grants: readonly Grant[]) {
  const problems = grants.map(({ policy, statement, action, resources }) => ({
    severity: 'WARNING' as const,
    code: 'BROAD_GRANT',
    message: `${action} is allowed on ${resources.join(', ')}\nfix: name the resources, or the single actions`,
    location: `/${policy}/${statement}`,
  }));
  return { name: 'Permissions', problems };
}

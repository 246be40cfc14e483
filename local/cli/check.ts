/** `object-workflow check`: what is wrong with the state machines of a target. */
import { checkDefinition } from '../states-language';
import { readDefinitions } from './definitions';
import { formatCount } from './text';

/** Checks all state machines of a target.
 * @returns the problems as text or JSON, and whether there is none that AWS would refuse */
export async function checkTarget(target: string, isJson: boolean): Promise<{ text: string; isGood: boolean }> {
  const checked = (await readDefinitions(target)).map(({ name, text }) => ({ name, problems: checkDefinition(text) }));
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

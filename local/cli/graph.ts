/** `object-workflow graph`: a state machine as a picture. */
import { writeFileSync } from 'node:fs';
import { drawDefinition } from '../graph/svg';
import { readDefinitions } from './definitions';
import { UsageError } from './usage-error';

/** Draws the state machine of a target.
 * @param options.out File to write the picture to.
 * @param options.machine Part of the machine's name, where there are several.
 * @returns the SVG */
export async function drawTarget(
  target: string,
  options: { readonly out?: string | undefined; readonly machine?: string | undefined },
): Promise<string> {
  const definitions = await readDefinitions(target);
  const found = definitions.filter(({ name }) => name.includes(options.machine ?? ''));
  const [definition] = found;
  if (definition === undefined || found.length > 1) {
    throw new UsageError({
      what: definition === undefined ? 'There is no such state machine' : 'There are several state machines',
      where: '--machine',
      ...(options.machine !== undefined && { got: options.machine }),
      allowed: definitions.map(({ name }) => name).join(', '),
      fix: 'name one of them with --machine',
    });
  }
  const picture = drawDefinition(definition.text, definition.name);
  if (options.out !== undefined) write(options.out, picture);
  return picture;
}

function write(path: string, picture: string): void {
  try {
    writeFileSync(path, picture);
  } catch (cause) {
    throw new UsageError({
      what: 'The picture cannot be written',
      where: '--out',
      got: `${path} (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`,
      fix: 'name a file in a folder that exists and may be written',
      cause,
    });
  }
}

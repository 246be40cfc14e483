/** Reads the words after `npm run simulation --`. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { mutants, type Mutant } from './mutants';

export interface SimulationOptions {
  readonly firstSeed: number;
  readonly seedCount: number;
  readonly objectCount: number;
  readonly jobCount: number;
  /** What is to be found; undefined when seeds are run over the code as it is. */
  readonly mutants: readonly Mutant[] | undefined;
}

/** The words ask for nothing that can be run. The message is all that a reader needs. */
export class UsageError extends Error {}

/** @throws UsageError for an unknown option, a number that is none, or a mutant that does not exist */
export function readOptions(words: readonly string[]): SimulationOptions {
  const values = parse(words);
  if (values.only !== undefined && !values.mutants)
    throw new UsageError('--only chooses among the mutants: add --mutants');
  return {
    firstSeed: wholeNumber('seed', values.seed),
    seedCount: wholeNumber('seeds', values.seeds ?? (values.mutants ? '1000' : '100')),
    objectCount: wholeNumber('objects', values.objects),
    jobCount: wholeNumber('jobs', values.jobs),
    mutants: values.mutants ? mutantsNamed(values.only ?? '') : undefined,
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        seeds: { type: 'string' },
        seed: { type: 'string', default: '1' },
        objects: { type: 'string', default: '5' },
        jobs: { type: 'string', default: String(availableParallelism()) },
        mutants: { type: 'boolean', default: false },
        /** Only mutants whose name holds this. */
        only: { type: 'string' },
      },
    }).values;
  } catch (error) {
    // What parseArgs throws is about the words alone.
    throw new UsageError((error as Error).message);
  }
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new UsageError(`--${name} takes a whole number from 1, not ${JSON.stringify(text)}`);
}

function mutantsNamed(part: string): readonly Mutant[] {
  const chosen = mutants.filter(({ name }) => name.includes(part));
  if (chosen.length > 0) return chosen;
  const names = mutants.map(({ name }) => `  ${name}`).join('\n');
  throw new UsageError(`--only ${JSON.stringify(part)} is in the name of no mutant. There are:\n${names}`);
}

/** A process that runs its share of the seeds and tells of each. Started by run.ts, which bundles it first. */
import { parseArgs } from 'node:util';
import { runSeed, type SeedResult } from './run-seed';

/** What a process tells of a seed. */
export type Told = Pick<SeedResult, 'seed' | 'violations' | 'places' | 'callCount' | 'faults'>;

// Services refuse, and states fail, all the time here, and nobody reads where: who explains a violation runs it again.
Error.stackTraceLimit = 0;

async function main(): Promise<void> {
  const text = { type: 'string', default: '' } as const;
  const { values } = parseArgs({ options: { assembly: text, first: text, step: text, count: text, objects: text } });
  const [first, step, count, objectCount] = [values.first, values.step, values.count, values.objects].map(Number);
  for (let index = 0; index < count!; index++) {
    const seed = `${first! + index * step!}`;
    const result = await runSeed({ assembly: values.assembly, seed, objectCount: objectCount! });
    const { violations, places, callCount, faults } = result;
    await new Promise((resolve) =>
      process.send!({ seed, violations, places, callCount, faults } satisfies Told, resolve),
    );
  }
  process.disconnect();
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});

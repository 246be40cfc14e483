/** `npm run fuzz -- --runs 100000 --seed 1`: the campaign of hostile uploads at length, with figures. */
import { parseArgs } from 'node:util';
import '../fast-synthesis';
import { runCampaign } from './campaign';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const [runs, seed] = [Number(values.runs), Number(values.seed)];
if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) {
  process.stderr.write('error: --runs and --seed are whole numbers, as in --runs 100000 --seed 1\n');
  process.exit(2);
}

const startedAtMs = performance.now();
runCampaign({
  runs,
  seed,
  wholeEvery: 200,
  onProgress: (count) => {
    if (count % 10_000 === 0) process.stderr.write(`${count} of ${runs}\n`);
  },
}).then(
  (figures) => {
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0);
    process.stdout.write(
      `${JSON.stringify(figures, undefined, 2)}\nNothing evaluated, nothing lost, in ${seconds} s.\n`,
    );
  },
  (error: unknown) => {
    process.stderr.write(
      `${error instanceof Error ? `${error.message}\n${String((error.cause as Error | undefined)?.message ?? '')}` : String(error)}\n`,
    );
    process.exitCode = 1;
  },
);

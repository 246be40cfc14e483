/** `npm run fuzz -- --runs 100000 --seed 1`: the campaign of hostile uploads at length, with figures; then the command line, with a tenth
 * as many calls, and with files of hostile names. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { App } from 'aws-cdk-lib';
import '../fast-synthesis';
import { SalesReportStack } from '../../examples/sales-report/stack';
import { runCampaign } from './campaign';
import { checkCommandLine, checkFileNames } from './command-line-layer';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const [runs, seed] = [Number(values.runs), Number(values.seed)];
if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) {
  process.stderr.write('error: --runs and --seed are whole numbers, as in --runs 100000 --seed 1\n');
  process.exit(2);
}

async function main(): Promise<void> {
  const startedAtMs = performance.now();
  const uploads = await runCampaign({
    ...{ runs, seed, wholeEvery: 200 },
    onProgress: (count) => {
      if (count % 10_000 === 0) process.stderr.write(`${count} of ${runs}\n`);
    },
  });
  const commandLines = await checkCommandLine({ runs: Math.ceil(runs / 10), seed });
  const outdir = mkdtempSync(join(tmpdir(), 'hostile-names-'));
  try {
    const app = new App({ outdir });
    new SalesReportStack(app, 'SalesReport');
    const fileNames = await checkFileNames(app.synth().directory);
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0);
    const figures = JSON.stringify({ ...uploads, commandLines, fileNames }, undefined, 2);
    process.stdout.write(`${figures}\nNothing evaluated, nothing lost, in ${seconds} s.\n`);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof Error ? `${error.message}\n${String((error.cause as Error | undefined)?.message ?? '')}` : String(error)}\n`,
  );
  process.exitCode = 1;
});

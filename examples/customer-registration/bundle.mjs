// Bundles the application into one file that Node.js runs as it is: `node bundle.mjs FILE`.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

buildSync({
  entryPoints: [join(dirname(fileURLToPath(import.meta.url)), 'application/main.ts')],
  outfile: process.argv[2],
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'cjs',
  mainFields: ['module', 'main'],
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
});

// Builds what the package ships into dist/: every source file as CommonJS, and each Lambda handler as one
// self-contained bundle, so that neither Docker nor esbuild is needed where the construct is synthesized.
// `--types` adds the declaration files.
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const sourceFolders = ['workflow', 'tasks', 'constructs', 'local'];
const node = { platform: 'node', target: 'node20', format: 'cjs', sourcemap: true, logLevel: 'warning' };

/** Files below a folder whose name ends as given, relative to the project. */
const filesBelow = (folder, ending) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name));

if (process.argv.includes('--types')) rmSync('dist', { recursive: true, force: true });

await build({
  ...node,
  entryPoints: sourceFolders.flatMap((folder) => filesBelow(folder, '.ts')).filter((file) => !file.endsWith('.d.ts')),
  outbase: '.',
  outdir: 'dist',
});

// One folder a handler: the folder is the Lambda asset, so it holds nothing but the bundle and its map.
// Paths inside the bundle are relative, which keeps the asset's hash the same on every machine.
await build({
  ...node,
  entryPoints: readdirSync('tasks/handlers').map((file) => ({
    in: `tasks/handlers/${file}`,
    out: `${file.replace(/\.ts$/, '')}/index`,
  })),
  outdir: 'dist/handlers',
  bundle: true,
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: true,
  legalComments: 'none',
  sourcesContent: false,
});

chmodSync('dist/local/cli/main.js', 0o755);

if (process.argv.includes('--types')) {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    stdio: 'inherit',
  });
}

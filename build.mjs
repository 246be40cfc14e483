// Builds what the package ships into dist/: every source file as CommonJS beside the scripts it reads, and each Lambda
// handler as one self-contained bundle, so that neither Docker nor esbuild is needed where the construct is synthesized.
// `--types` starts from an empty dist/ and adds the declaration files.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { transformFileSync } from '@swc/core';
import { build } from 'esbuild';

const sourceFolders = ['workflow', 'tasks', 'constructs', 'local'];
const node = { platform: 'node', target: 'node20', format: 'cjs', sourcemap: true, logLevel: 'warning' };

/** Files of the package below a folder, relative to the project. */
const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

/** The SDK's schemas name members by constants in brackets, which might be code with effects as far as esbuild can tell, so it
 * keeps the shapes of all of a service's commands. With the names written out, those of the commands in use are left. */
const writeOutNames = {
  name: 'write-out-names',
  setup: ({ onLoad }) =>
    onLoad({ filter: /[/\\]@aws-sdk[/\\].*schemas_\d+\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const names = new Map(
        [...text.matchAll(/^const (\w+) = ("[^"\\]*");$/gm)].map(([, name, value]) => [name, value]),
      );
      return { contents: text.replace(/\[(\w+)\]:/g, (key, name) => (names.has(name) ? `${names.get(name)}:` : key)) };
    }),
};

const sources = sourceFolders.flatMap(filesBelow);

if (process.argv.includes('--types')) rmSync('dist', { recursive: true, force: true });

// Packages are loaded when something of theirs is first used: who synthesizes a stack needs no SDK client, and waits half as long.
for (const file of sources.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))) {
  const target = join('dist', file.replace(/\.ts$/, '.js'));
  const { code, map } = transformFileSync(file, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
    module: { type: 'commonjs', lazy: true, exportInteropAnnotation: true },
    sourceMaps: true,
    sourceFileName: relative(dirname(target), file),
    swcrc: false,
  });
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, `${code}//# sourceMappingURL=${basename(target)}.map\n`);
  writeFileSync(`${target}.map`, map);
}

// Shell scripts and other files that the code reads stand beside it there too.
for (const file of sources.filter((file) => !file.endsWith('.ts'))) {
  mkdirSync(dirname(join('dist', file)), { recursive: true });
  copyFileSync(file, join('dist', file));
}

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
  // The SDK's ES modules, of which only the commands in use are kept; its CommonJS files come whole.
  mainFields: ['module', 'main'],
  minifySyntax: true,
  minifyWhitespace: true,
  // The SDK tells its errors apart by the names of their classes: without them `instanceof` misses.
  keepNames: true,
  legalComments: 'none',
  sourcesContent: false,
  plugins: [writeOutNames],
});

// Classes are told apart by their names, and nothing else is; but every command of the SDK makes some twenty functions, each of
// which would be given one. As long as what it replaces, so that the source map stays right.
const giveName = 'var __name=(target,value)=>__defProp(target,"name",{value,configurable:!0});';
const giveClassName = 'var __name=(t,v)=>t.prototype?__defProp(t,"name",{value:v}):t;'.padEnd(giveName.length);
for (const file of filesBelow('dist/handlers').filter((file) => file.endsWith('.js'))) {
  const code = readFileSync(file, 'utf8');
  if (!code.includes(giveName)) throw new Error(`${file} names its functions in another way than build.mjs knows`);
  writeFileSync(file, code.replace(giveName, giveClassName));
}

// The upload portal's page: what a browser gets, with nothing to install where it is deployed.
await build({
  entryPoints: ['portal-page/page.tsx', 'portal-page/page.css'],
  outdir: 'dist/portal-page',
  bundle: true,
  platform: 'browser',
  target: 'es2022',
  format: 'esm',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  minify: true,
  legalComments: 'eof',
  logLevel: 'warning',
});
for (const file of ['index.html', 'favicon.svg'])
  copyFileSync(join('portal-page', file), join('dist/portal-page', file));

chmodSync('dist/local/cli/main.js', 0o755);

if (process.argv.includes('--types')) {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    stdio: 'inherit',
  });
}

/** Builds a mutant: an assembly like the real one, but with the breakage in its functions or in its template. */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { templateFile, variants } from './assembly';
import type { Mutant } from './mutants';

/** Makes the variants of the workflow anew, with functions that are built with the breakage.
 * @param mutated A folder that does not exist yet.
 * @throws Error when what is to be replaced does not stand in the source exactly once, or was built anew */
export async function mutateAssembly(assembly: string, mutated: string, mutant: Mutant): Promise<void> {
  cpSync(assembly, mutated, { recursive: true });
  if (mutant.file === 'template') return mutateTemplates(mutated, mutant);
  const assets = variants
    .flatMap((variant) => readdirSync(join(mutated, variant)).map((name) => join(mutated, variant, name, 'index.js')))
    .filter((file) => file.includes('asset.') && existsSync(file));
  let changedCount = 0;
  for (const [task, text] of await buildHandlers(mutant)) {
    const original = readFileSync(join('dist', 'handlers', task, 'index.js'), 'utf8');
    if (original === text) continue;
    // Not every function of the package is part of this workflow.
    for (const asset of assets.filter((file) => readFileSync(file, 'utf8') === original)) {
      writeFileSync(asset, text);
      changedCount++;
    }
  }
  if (changedCount === 0)
    throw new Error(`The mutant "${mutant.name}" changes no function of the assembly: was it built anew meanwhile?`);
}

function mutateTemplates(assembly: string, { name, from, to }: Mutant): void {
  const files = variants.map((variant) => join(assembly, variant, templateFile));
  const changed = files.filter((file) => {
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text.replaceAll(from, () => to),
    );
    return text.includes(from);
  });
  if (changed.length === 0) throw new Error(`The mutant "${name}" does not find its text in a template`);
}

/** The bundles of all handlers, by task. */
async function buildHandlers({ name, file, from, to }: Mutant): Promise<Map<string, string>> {
  const path = resolve(file);
  const source = readFileSync(path, 'utf8');
  if (source.split(from).length !== 2) throw new Error(`The mutant "${name}" does not find its line in ${file} once`);
  const tasks = readdirSync('tasks/handlers').map((entry) => entry.replace(/\.ts$/, ''));
  const { outputFiles } = await build({
    ...{ platform: 'node', target: 'node20', format: 'cjs', bundle: true, minifySyntax: true, minifyWhitespace: true },
    ...{ keepNames: true, legalComments: 'none', write: false, outdir: 'out', logLevel: 'error' },
    entryPoints: tasks.map((task) => ({ in: `tasks/handlers/${task}.ts`, out: task })),
    plugins: [
      {
        name: 'mutant',
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, (loaded) =>
            loaded.path === path ? { contents: source.replace(from, () => to), loader: 'ts' } : undefined,
          ),
      },
    ],
  });
  return new Map(outputFiles.map(({ path: output, text }) => [output.split('/').at(-1)!.replace(/\.js$/, ''), text]));
}

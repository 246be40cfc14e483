/** The package as npm would publish it: unpacked into a fresh CDK app, it synthesizes, simulates and has a command line.
 * Its dependencies are links to those of this checkout, so that nothing comes from a network; only declared ones are linked. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';
import { createProgram, libraryProgram } from '../typescript-program';
// Its tests need the program that the declarations are written from, which one process makes once.
import './documentation';

const root = resolve(__dirname, '../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
};
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const shortestStack = /^```ts\n([\s\S]*?)^```/m.exec(readme)![1]!;

let app: string;
let packed: readonly { readonly path: string; readonly mode: number }[];

beforeAll(() => {
  app = mkdtempSync(join(tmpdir(), 'packed-'));
  writeDeclarations();
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', app], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename, files }] = JSON.parse(output) as [{ filename: string; files: typeof packed }];
  packed = files;
  const installed = join(app, 'node_modules/cdk-object-workflow');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(app, filename), '-C', installed, '--strip-components=1']);
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) link(name);
}, 120_000);
afterAll(() => rmSync(app, { recursive: true, force: true }));

describe('the packed files', () => {
  test('are the built code, its declarations and its scripts, without tests and sources', () => {
    const paths = packed.map(({ path }) => path);

    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md', 'package.json']));
    expect(paths.filter((path) => /(^|\/)(test|examples)\//.test(path) || /(?<!\.d)\.ts$/.test(path))).toEqual([]);
    for (const { types, default: code } of entryPoints()) {
      expect(paths).toContain(types.replace('./', ''));
      expect(paths).toContain(code.replace('./', ''));
    }
    expect(packed.find(({ path }) => path === 'dist/local/cli/main.js')!.mode & 0o111).not.toBe(0);
  });

  test('hold all files that the sources read at run time', () => {
    const scripts = ['workflow', 'tasks', 'constructs', 'local'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.[a-z]+$/.test(name) && !name.endsWith('.ts'))
        .map((name) => `dist/${folder}/${name}`),
    );

    expect(packed.map(({ path }) => path)).toEqual(expect.arrayContaining(scripts));
  });

  test('name no folder of the machine that built them, so that asset hashes are the same everywhere', () => {
    const handlers = join(app, 'node_modules/cdk-object-workflow/dist/handlers');
    const bundles = readdirSync(handlers, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.(js|map)$/.test(name),
    );

    expect(bundles.length).toBeGreaterThanOrEqual(16);
    for (const name of bundles) {
      const text = readFileSync(join(handlers, name), 'utf8');
      expect({ name, namesTheCheckout: text.includes(root) }).toEqual({ name, namesTheCheckout: false });
      const { sources = [] } = (name.endsWith('.map') ? JSON.parse(text) : {}) as { sources?: string[] };
      expect(sources.filter((source) => !/^\.\.\/\.\.\/\.\.\/(tasks|node_modules)\//.test(source))).toEqual([]);
    }
  });
});

describe('the README’s shortest stack', () => {
  const javascript = shortestStack.replace(/^import type .*\n/gm, '');

  test('is synthesized by an ES module', () => {
    writeFileSync(join(app, 'app.mjs'), javascript);
    // With CDK's own validation on, and its findings as errors.
    const CDK_CONTEXT_JSON = JSON.stringify({ '@aws-cdk/core:validateAgainstDefaultRules': true });
    node('app.mjs', [], { CDK_OUTDIR: join(app, 'esm.out'), CDK_VALIDATION: 'true', CDK_CONTEXT_JSON });

    expect(machines('esm.out')).toHaveLength(1);
  });

  test('creates for the workflow what the README’s table says, and nothing else', () => {
    const counts: Record<string, number> = {};
    for (const [logicalId, { Type }] of Object.entries(template('esm.out').Resources)) {
      if (logicalId.startsWith('Workflow')) counts[Type] = (counts[Type] ?? 0) + 1;
    }
    const rows = [...readme.matchAll(/^\| `(AWS::\S+)` +\| +(\d+) \|/gm)];

    expect(Object.fromEntries(rows.map(([, type, count]) => [type, Number(count)]))).toEqual(counts);
  });

  test('is synthesized by a CommonJS module, to the same template', () => {
    const commonJs = javascript.replace(/^import (\{[^}]*\}) from ('[^']*');/gm, 'const $1 = require($2);');
    expect(commonJs).not.toMatch(/^import/m);
    writeFileSync(join(app, 'app.cjs'), commonJs);
    node('app.cjs', [], { CDK_OUTDIR: join(app, 'cjs.out') });

    expect(template('cjs.out')).toEqual(template('esm.out'));
  });

  test('compiles against the shipped declarations, and a wrong prop does not', () => {
    link('@types/node');
    writeFileSync(join(app, 'app.ts'), shortestStack);
    writeFileSync(join(app, 'wrong.ts'), shortestStack.replace('bucket: inbox.bucket', 'bucket: 42'));
    const [right, wrong] = ['app.ts', 'wrong.ts'].map((name) => join(app, name)) as [string, string];
    const program = createProgram([right, wrong], {
      ...{
        noEmit: true,
        strict: true,
        skipLibCheck: true,
        types: ['node'],
        typeRoots: [join(app, 'node_modules/@types')],
      },
      ...{ target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.Node20 },
    });
    const problemsIn = (path: string) =>
      ts
        .getPreEmitDiagnostics(program, program.getSourceFile(path))
        .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));

    expect(problemsIn(right)).toEqual([]);
    expect(problemsIn(wrong)).toEqual([expect.stringContaining("Type 'number' is not assignable to type 'IBucket'")]);
  }, 60_000);

  test('runs in the packed simulator, through the packed command line', () => {
    writeFileSync(join(app, 'invoices.csv'), 'number,amount\n1,10\n2,20\n');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['node_modules/cdk-object-workflow/dist/local/cli/main.js', 'run', 'invoices.csv', '--app', 'esm.out', '--json'],
      { cwd: app, encoding: 'utf8' },
    );

    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    const { objects } = JSON.parse(stdout) as { objects: { outcome: string; results: { savedAs: string }[] }[] };
    expect(objects[0]).toMatchObject({ outcome: 'STORED', results: [{ path: 'lines.txt' }] });
    expect(readFileSync(objects[0]!.results[0]!.savedAs, 'utf8').trim()).toBe('3');
  }, 60_000);
});

function entryPoints(): { readonly types: string; readonly default: string }[] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, never>;
  };
  return Object.values<{ types: string; default: string } | string>(exports).filter(
    (entry) => typeof entry === 'object',
  );
}

/** `npm test` has built the code; only the declarations are missing. */
function writeDeclarations(): void {
  if (libraryProgram().emit().emitSkipped) throw new Error('The compiler has written no declarations');
}

function link(name: string): void {
  const path = join(app, 'node_modules', name);
  mkdirSync(dirname(path), { recursive: true });
  if (!existsSync(path)) symlinkSync(join(root, 'node_modules', name), path);
}

function node(script: string, words: readonly string[], environment: Readonly<Record<string, string>> = {}): void {
  execFileSync(process.execPath, [script, ...words], {
    cwd: app,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

function template(directory: string): { readonly Resources: Record<string, { readonly Type: string }> } {
  const file = readdirSync(join(app, directory)).find((name) => name.endsWith('.template.json'))!;
  return JSON.parse(readFileSync(join(app, directory, file), 'utf8')) as ReturnType<typeof template>;
}

function machines(directory: string): unknown[] {
  return Object.values(template(directory).Resources).filter(({ Type }) => Type === 'AWS::StepFunctions::StateMachine');
}

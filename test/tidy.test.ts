/** The house rules of design.md §1 and the style guide that neither the compiler nor the linter checks. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';

const root = resolve(__dirname, '..');
const entryPoints = ['workflow/index.ts', 'tasks/index.ts', 'local/index.ts', 'local/cli/main.ts'];

/** Which of our folders a folder may import; `public` stands for the package's entry points. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  tasks: ['tasks'],
  constructs: ['constructs', 'tasks'],
  workflow: ['workflow', 'constructs', 'tasks'],
  local: ['local', 'tasks'],
};

/** Inside the engine: a runtime uses the transition core, the core its states, the states data and error handling. */
const engineOrder = ['data', 'states', 'transition.ts'];

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isOfTypesOnly: boolean;
  /** Loaded by a call, when its code runs. */
  readonly isLazy: boolean;
}

const sources = Object.keys(arrows).flatMap((folder) => filesBelow(folder, '.ts'));
const imports = sources.flatMap(importsOf);

describe('imports', () => {
  test('follow the arrows between the folders', () => {
    const wrong = imports.filter(({ from, to }) => {
      const folder = from.split('/')[0]!;
      return isOurs(to) && !arrows[folder]!.includes(to.split('/')[0]!);
    });

    expect(wrong.map(describeImport)).toEqual([]);
  });

  test('of aws-cdk-lib and constructs stand only in constructs and workflow', () => {
    const wrong = imports.filter(
      ({ from, to }) => /^(aws-cdk-lib|constructs)(\/|$)/.test(to) && !/^(constructs|workflow)\//.test(from),
    );

    expect(wrong.map(describeImport)).toEqual([]);
  });

  test('of the examples name the public entry points only', () => {
    const wrong = filesBelow('examples', '.ts')
      .flatMap(importsOf)
      .filter(({ from, to }) => {
        const example = from.split('/').slice(0, 2).join('/');
        const isOwn = to.startsWith(`${example}/`) || dirname(to) === dirname(from);
        // Whoever writes an example shows that its permissions are needed, as the library does.
        const isJudge = from.endsWith('.test.ts') && /^test\/access\/(permission-judge|excused-grants)\.ts$/.test(to);
        return isOurs(to) && !isOwn && !isJudge && to !== 'examples/demonstration.ts';
      });

    expect(wrong.map(describeImport)).toEqual([]);
  });

  test('point downwards inside the engine', () => {
    const level = (file: string) => {
      const part = /^local\/states-language\/([^/]+)/.exec(file)?.[1];
      return part === undefined ? -1 : engineOrder.indexOf(part);
    };
    const wrong = imports.filter(
      ({ from, to, isOfTypesOnly }) => !isOfTypesOnly && level(from) >= 0 && level(to) > level(from),
    );

    expect(wrong.map(describeImport)).toEqual([]);
  });

  test('have no cycles', () => {
    expect(findCycles(imports.filter(({ isOfTypesOnly }) => !isOfTypesOnly))).toEqual([]);
  });

  test('name packages that are declared', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, object>;
    const declared = Object.keys({ ...manifest['dependencies'], ...manifest['peerDependencies'] });
    // What is loaded only when a function runs is in that function's bundle, with everything it needs.
    const bundled = Object.keys({ ...manifest['dependencies'], ...manifest['devDependencies'] });
    const loadedAtOnce = reachedFrom(entryPoints, ({ isLazy, isOfTypesOnly }) => !isLazy && !isOfTypesOnly);
    const wrong = imports.filter(({ from, to }) => {
      const known = loadedAtOnce.has(from) || !from.startsWith('tasks/') ? declared : bundled;
      return !isOurs(to) && !to.startsWith('node:') && !known.some((name) => `${to}/`.startsWith(`${name}/`));
    });

    expect(wrong.map(describeImport)).toEqual([]);
  });
});

test('every file is reached from an entry point, a handler or the command line', () => {
  const reached = reachedFrom([...entryPoints, ...filesBelow('tasks/handlers', '.ts')]);

  expect(sources.filter((file) => !reached.has(file))).toEqual([]);
});

test('every file says in its first lines what it owns', () => {
  const bare = sources.filter(
    (file) =>
      !file.startsWith('tasks/handlers/') &&
      !/^(#!.*\n)?\/\*\* ?[\s*]*[A-Z“"`]/.test(readFileSync(join(root, file), 'utf8')),
  );

  expect(bare).toEqual([]);
});

test('no file is named utils, helpers or manager', () => {
  expect(sources.filter((file) => /\b(utils?|helpers?|managers?|common|misc)\b/.test(file))).toEqual([]);
});

function reachedFrom(files: readonly string[], follows: (edge: Import) => boolean = () => true): ReadonlySet<string> {
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const edge of imports.filter(({ from }) => from === file))
      if (isOurs(edge.to) && follows(edge)) visit(edge.to);
  };
  files.forEach(visit);
  return reached;
}

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

/** What a file imports or re-exports: our files by path from the root, anything else by its name. */
function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined) {
      const specifier = (node.moduleSpecifier as ts.StringLiteral).text;
      found.push({
        from: file,
        to: resolveImport(file, specifier),
        isOfTypesOnly: importsTypesOnly(node),
        isLazy: false,
      });
    }
    if (ts.isCallExpression(node) && node.arguments[0] !== undefined && ts.isStringLiteral(node.arguments[0])) {
      const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword || node.expression.getText() === 'require';
      if (isImport)
        found.push({ from: file, to: resolveImport(file, node.arguments[0].text), isOfTypesOnly: false, isLazy: true });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function importsTypesOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const bindings = clause.namedBindings;
  return (
    clause.name === undefined &&
    bindings !== undefined &&
    ts.isNamedImports(bindings) &&
    bindings.elements.length > 0 &&
    bindings.elements.every((element) => element.isTypeOnly)
  );
}

function resolveImport(from: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  const path = relative(root, resolve(root, dirname(from), specifier))
    .split(sep)
    .join('/');
  const found = [`${path}.ts`, `${path}/index.ts`].find((candidate) => existsSync(join(root, candidate)));
  return found ?? path;
}

function isOurs(target: string): boolean {
  return /^(workflow|tasks|constructs|local|examples|test)\//.test(target);
}

function describeImport({ from, to }: Import): string {
  return `${from} imports ${to}`;
}

function findCycles(edges: readonly Import[]): string[] {
  const targets = new Map<string, Import[]>();
  for (const edge of edges) targets.set(edge.from, [...(targets.get(edge.from) ?? []), edge]);
  const finished = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
    if (finished.has(file) || path.includes(file)) return;
    for (const { to } of targets.get(file) ?? []) visit(to, [...path, file]);
    finished.add(file);
  };
  [...targets.keys()].forEach((file) => visit(file, []));
  return cycles;
}

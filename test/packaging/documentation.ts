/** What only the compiler can tell: every public name has a docstring, every example of the documentation compiles, and
 * wrong wiring does not. Its tests run with those of the package, which need the same program. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import ts from 'typescript';
import { compilerOptionsOf, createProgram, entryPoints, libraryProgram } from '../typescript-program';

const root = resolve(__dirname, '../..');
const sourceFolders = ['workflow', 'tasks', 'constructs', 'local'];
/** What examples may use without saying where it comes from: names whose meaning a reader can guess. */
const known: Readonly<Record<string, string>> = {
  $: "import('cdk-object-workflow').StateVariables<import('cdk-object-workflow').WorkflowVariables & { readonly lines: number }>",
  app: "import('aws-cdk-lib').App",
  backup: "import('ROOT/local/services/backup').BackupService",
  cloud: "import('ROOT/local/services/service').Cloud",
  clock: "import('ROOT/local/virtual-clock').VirtualClock",
  context: "import('cdk-object-workflow/tasks').TaskContext<unknown, string>",
  countLines: 'any',
  definition: 'string',
  ec2: "import('ROOT/local/services/ec2').Ec2Service",
  endpoint: '{ readonly environmentFor: (role: unknown) => Readonly<Record<string, string>> }',
  event: 'Readonly<Record<string, unknown>>',
  group: "import('aws-cdk-lib/aws-autoscaling').AutoScalingGroup",
  identity: "import('ROOT/local/states-language').ExecutionIdentity",
  inbox: "import('cdk-object-workflow').ObjectStore",
  instance: '{ readonly instanceId: string }',
  launchTemplate: "import('aws-cdk-lib/aws-ec2').LaunchTemplate",
  object: "import('cdk-object-workflow/tasks').ObjectReference",
  processor: "import('cdk-object-workflow').Processor",
  random: "import('ROOT/local/random').RandomSource",
  resources: "readonly import('ROOT/local/template/deployment').DeployedResource[]",
  role: "import('aws-cdk-lib/aws-iam').Role",
  roleArn: 'string',
  runTask: "import('ROOT/local/states-language').EngineHost['runTask']",
  simulation: "import('cdk-object-workflow/local').Simulation",
  ssm: "import('ROOT/local/services/ssm').SsmService",
  text: 'string',
  stack: "import('aws-cdk-lib').Stack",
};

/** Names that everybody knows where to import from. */
const wellKnown: Readonly<Record<string, string>> = {
  Duration: 'aws-cdk-lib',
  S3Client: '@aws-sdk/client-s3',
  Size: 'aws-cdk-lib',
  join: 'node:path',
  writeFileSync: 'node:fs',
};

interface Example {
  /** File and line of the example. */
  readonly where: string;
  /** The file beside which it is compiled. */
  readonly file: string;
  readonly code: string;
  /** Code of a README stands for itself; a docstring's sees what its file sees. */
  readonly isComplete: boolean;
}

const examples = [...readmes().flatMap(codeBlocks), ...sourceFolders.flatMap(sourceFiles).flatMap(docstringExamples)];

const compilerOptions: ts.CompilerOptions = {
  ...compilerOptionsOf('tsconfig.json'),
  noImplicitAny: false,
  noUnusedLocals: false,
  noUnusedParameters: false,
};
const publicSymbols = exportsOfLibrary();

test('every public name, and every member of public props and options, is documented', () => {
  const undocumented = [...publicSymbols].flatMap(([name, { entry, symbol, checker }]) =>
    undocumentedNames(symbol, checker).map((member) => `${entry}: ${name}${member}`),
  );

  expect(undocumented).toEqual([]);
});

test('the README lists every prop of ObjectWorkflow, and no other', () => {
  const members = [...publicSymbols.get('ObjectWorkflowProps')!.symbol.members!.values()].map(({ name }) => name);
  const [, table] = /^### Props of `ObjectWorkflow`\n([\s\S]*?)^#/m.exec(
    readFileSync(join(root, 'README.md'), 'utf8'),
  )!;

  expect([...table!.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name)).toEqual(members);
});

describe('compiled', () => {
  const files = new Map(
    examples.map((example, index) => [
      join(root, dirname(example.file), `${basename(example.file).replace(/\W/g, '-')}-example-${index}.ts`),
      { example, text: moduleFor(example) },
    ]),
  );
  const typeTests = join(__dirname, '../types/wiring.test.ts');
  const virtualFiles = new Map([...files].map(([path, { text }]) => [path, text]));
  const program = createProgram([...files.keys(), typeTests], compilerOptions, virtualFiles);
  const problemsIn = (path: string): string[] => {
    const source = program.getSourceFile(path)!;
    const diagnostics = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return diagnostics.map(({ messageText, start = 0 }) => {
      const { line } = source.getLineAndCharacterOfPosition(start);
      return `line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ').slice(0, 300)}`;
    });
  };

  test('every code block of a README and every example of a docstring', () => {
    const problems = [...files].flatMap(([path, { example }]) =>
      problemsIn(path).map((problem) => `${example.where}: ${problem}`),
    );

    expect(examples.length).toBeGreaterThan(10);
    expect(problems).toEqual([]);
  });

  test('the tests of types, in which every expected error is one', () => {
    expect(problemsIn(typeTests)).toEqual([]);
  });
});

interface PublicSymbol {
  readonly entry: string;
  readonly symbol: ts.Symbol;
  readonly checker: ts.TypeChecker;
}

/** What the entry points export, by name. */
function exportsOfLibrary(): Map<string, PublicSymbol> {
  const program = libraryProgram();
  const checker = program.getTypeChecker();
  return new Map(
    Object.entries(entryPoints).flatMap(([entry, file]) => {
      const module = checker.getSymbolAtLocation(program.getSourceFile(join(root, file))!);
      if (module === undefined) throw new Error(`${file} exports nothing`);
      return checker.getExportsOfModule(module).map((exported) => {
        const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
        return [exported.name, { entry, symbol, checker }] as const;
      });
    }),
  );
}

/** The endings of the names that lack words: nothing for the symbol itself, `.member` for members of props and options. */
function undocumentedNames(symbol: ts.Symbol, checker: ts.TypeChecker): string[] {
  const isDocumented = (one: ts.Symbol) => one.getDocumentationComment(checker).length > 0 || hasDefault(one);
  const hasDefault = (one: ts.Symbol) => one.getJsDocTags().some((tag) => tag.name === 'default');
  const missing = isInferredFromSchema(symbol) || isDocumented(symbol) ? [] : [''];
  if (!/(Props|Options)$/.test(symbol.name)) return missing;
  const members = [...(symbol.members?.values() ?? [])].filter((one) => one.declarations?.some(ts.isPropertySignature));
  return [
    ...missing,
    ...members.filter((one) => !isDocumented(one)).map(({ name }) => `.${name}`),
    ...members
      .filter((one) => (one.flags & ts.SymbolFlags.Optional) !== 0 && !hasDefault(one))
      .map(({ name }) => `.${name} has no @default`),
  ];
}

/** `export type Claim = z.output<typeof claim>` is documented where the schema is. */
function isInferredFromSchema({ declarations = [] }: ts.Symbol): boolean {
  return declarations.some(
    (declaration) =>
      ts.isTypeAliasDeclaration(declaration) && /^z\.(output|input|infer)</.test(declaration.type.getText()),
  );
}

function readmes(): string[] {
  const ofExamples = readdirSync(join(root, 'examples')).map((name) => `examples/${name}/README.md`);
  return ['README.md', ...ofExamples].filter((file) => existsSync(join(root, file)));
}

function codeBlocks(file: string): Example[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/^```(?:ts|typescript)\n([\s\S]*?)^```/gm)].map((match) => ({
    where: `${file}:${lineOf(text, match.index)}`,
    file,
    code: match[1]!,
    isComplete: true,
  }));
}

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`);
}

function docstringExamples(file: string): Example[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].flatMap((comment) => {
    const body = comment[0].replace(/\s*\*\/$/, '').replace(/^\s*\*[ ]?/gm, '');
    return [...body.matchAll(/@example\s+([\s\S]*?)(?=^@\w+|$(?![\s\S]))/gm)].map(([, example]) => {
      const code = /```ts\n([\s\S]*?)```/.exec(example!)?.[1] ?? example!;
      return { where: `${file}:${lineOf(text, comment.index)}`, file, code, isComplete: false };
    });
  });
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

/** A module with the example in it: imports on top, the rest in a function whose `this` is a construct. */
function moduleFor({ file, code, isComplete }: Example): string {
  // A lone property, as `assign: (result) => …`, is part of an object.
  const statements = /^\w+: /.test(code) ? `({ ${code.trim().replace(/;$/, '')} });` : code;
  const parsed = ts.createSourceFile('example.ts', statements, ts.ScriptTarget.Latest, true);
  const imports = parsed.statements.filter(ts.isImportDeclaration).map((statement) => statement.getText());
  const rest = parsed.statements
    .filter((statement) => !ts.isImportDeclaration(statement))
    .map((statement) => statement.getFullText());
  if (isComplete) return [...imports, ...rest, 'export {};'].join('\n');
  const used = identifiersIn(parsed);
  for (const name of declaredIn(parsed)) used.delete(name);
  const provided = [...used].flatMap((name) => provide(name, file) ?? []);
  const body = rest.join('').replace(/^export /gm, '');
  return [
    ...imports,
    ...provided,
    `export async function example(this: import('constructs').Construct) {\n${body}\n}`,
  ].join('\n');
}

/** Where a name in a docstring comes from: its file, what its file imports, the list above, or the public entry points. */
function provide(name: string, file: string): string | undefined {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
  if (exportedNames(source).has(name)) return `import { ${name} } from './${basename(file, '.ts')}';`;
  if (Object.hasOwn(known, name)) return `declare const ${name}: ${known[name]!.replaceAll('ROOT', root)};`;
  const exported = publicSymbols.get(name);
  if (exported !== undefined) return `import { ${name} } from '${exported.entry}';`;
  const imported = source.statements.filter(ts.isImportDeclaration).find((statement) => {
    const bindings = statement.importClause?.namedBindings;
    return (
      bindings !== undefined &&
      ts.isNamedImports(bindings) &&
      bindings.elements.some((element) => element.name.text === name)
    );
  });
  if (imported !== undefined) return `import { ${name} } from ${imported.moduleSpecifier.getText()};`;
  return Object.hasOwn(wellKnown, name) ? `import { ${name} } from '${wellKnown[name]}';` : undefined;
}

function exportedNames(source: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)) {
      for (const element of statement.exportClause.elements) names.add(element.name.text);
    }
    if (!ts.canHaveModifiers(statement)) continue;
    if (!ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) continue;
    if (ts.isVariableStatement(statement)) {
      for (const declaration of statement.declarationList.declarations) names.add(declaration.name.getText());
    } else {
      const name = (statement as ts.Statement & { readonly name?: ts.Identifier }).name?.text;
      if (name !== undefined) names.add(name);
    }
  }
  return names;
}

/** Names that are looked up in scope: no members, no property names. */
function identifiersIn(source: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) return;
    if (ts.isIdentifier(node)) {
      const { parent } = node;
      const isMember = ts.isPropertyAccessExpression(parent) && parent.name === node;
      const isPropertyName = ts.isPropertyAssignment(parent) && parent.name === node;
      if (!isMember && !isPropertyName) names.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

function declaredIn(source: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const isDeclaration =
      ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node) || ts.isImportSpecifier(node);
    if (isDeclaration && ts.isIdentifier(node.name)) names.add(node.name.text);
    if ((ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) && node.name) names.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

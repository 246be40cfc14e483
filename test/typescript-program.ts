/** TypeScript programs that share what they have parsed: reading other packages' declarations takes most of their time. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(__dirname, '..');

/** The package's entry points, and the files behind them. */
export const entryPoints: Readonly<Record<string, string>> = {
  'cdk-object-workflow': 'workflow/index.ts',
  'cdk-object-workflow/tasks': 'tasks/index.ts',
  'cdk-object-workflow/local': 'local/index.ts',
};

/** Nobody asks for the docstrings of other packages, which are most of their text. */
const withoutComments = { jsDocParsingMode: ts.JSDocParsingMode.ParseNone };

const parsedFiles = new Map<string, ts.SourceFile | undefined>();

/** The options of one of the project's configuration files. */
export function compilerOptionsOf(configuration: string): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(root, configuration), ts.sys.readFile) as { readonly config: unknown };
  return ts.parseJsonConfigFileContent(config, ts.sys, root).options;
}

let ofLibrary: ts.Program | undefined;

/** The program of all that the package ships, as its declarations are written from it. `npm run types` looks for errors in it. */
export function libraryProgram(): ts.Program {
  ofLibrary ??= createProgram(
    Object.values(entryPoints).map((file) => join(root, file)),
    { ...compilerOptionsOf('tsconfig.build.json'), noCheck: true },
  );
  return ofLibrary;
}

/** A program over files of the disk and some that exist only here. */
export function createProgram(
  paths: readonly string[],
  options: ts.CompilerOptions,
  virtualFiles: ReadonlyMap<string, string> = new Map(),
): ts.Program {
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => virtualFiles.has(path) || fileExists(path);
  host.readFile = (path) => virtualFiles.get(path) ?? readFile(path);
  host.getSourceFile = (path, target, ...rest) => {
    const text = virtualFiles.get(path);
    if (text !== undefined) return ts.createSourceFile(path, text, target);
    if (!parsedFiles.has(path)) {
      const isIndex = path.endsWith('/aws-cdk-lib/index.d.ts');
      const how =
        typeof target === 'object' && path.includes('/node_modules/') ? { ...target, ...withoutComments } : target;
      parsedFiles.set(
        path,
        isIndex ? ts.createSourceFile(path, withoutServices(path), how) : getSourceFile(path, how, ...rest),
      );
    }
    return parsedFiles.get(path);
  };
  return ts.createProgram([...paths], options, host);
}

/** The index of aws-cdk-lib without its names for all services of AWS, which nobody here uses: they are most of the package. */
function withoutServices(path: string): string {
  return readFileSync(path, 'utf8').replace(/^export \* as aws_.*$/gm, '');
}

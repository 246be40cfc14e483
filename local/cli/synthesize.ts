/** Turns what `--app` or `--example` names into a synthesized assembly, by running the app as the CDK's own command would. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { UsageError } from './usage-error';
import type { Workspace } from './workspace';

/** Where an app is. */
export interface AppLocation {
  /** Absolute path of a folder with a `cdk.json`, or of an assembly that is already synthesized. */
  readonly directory: string;
  /** The example's name, or the folder's. */
  readonly name: string;
}

/** The folder of this repository that holds the examples; an installed package has none. */
const examplesDirectory = [join(__dirname, '../../examples'), join(__dirname, '../../../examples')].find((path) =>
  existsSync(path),
);

/** Finds the app that the options name. */
export function locateApp(options: { readonly app?: string; readonly example?: string }): AppLocation {
  if (options.app !== undefined && options.example !== undefined) {
    throw new UsageError({
      what: 'Two apps are named',
      where: '--app and --example',
      fix: 'leave one of them out',
    });
  }
  if (options.example !== undefined) return locateExample(options.example);
  const directory = resolve(options.app ?? '.');
  if (existsSync(join(directory, 'cdk.json')) || existsSync(join(directory, 'manifest.json'))) {
    return { directory, name: directory.split(/[\\/]/).at(-1) ?? 'app' };
  }
  throw new UsageError({
    what: existsSync(directory) ? 'The folder holds no CDK app' : 'The folder does not exist',
    where: options.app === undefined ? 'the current folder' : '--app',
    got: directory,
    allowed: 'a folder with a cdk.json, or a synthesized cdk.out with a manifest.json',
    fix: 'name the app with --app DIR, or an example with --example NAME',
  });
}

function locateExample(name: string): AppLocation {
  const names =
    examplesDirectory === undefined
      ? []
      : readdirSync(examplesDirectory)
          .filter((entry) => existsSync(join(examplesDirectory, entry, 'cdk.json')))
          .sort();
  if (examplesDirectory !== undefined && names.includes(name)) {
    return { directory: join(examplesDirectory, name), name };
  }
  throw new UsageError({
    what: 'There is no such example',
    where: '--example',
    got: name,
    allowed: names.length > 0 ? names.join(', ') : 'none here: the examples are in the repository, not in the package',
    fix: 'name one of them, or your own app with --app DIR',
  });
}

/** Synthesizes an app into the workspace.
 * @returns the path of the assembly; of a synthesized app its own folder
 * @throws UsageError with the app's output when it cannot be synthesized */
export async function synthesize(app: AppLocation, workspace: Workspace): Promise<string> {
  if (existsSync(join(app.directory, 'manifest.json'))) return app.directory;
  const { command, context } = readCdkJson(app.directory);
  const outputDirectory = join(workspace.folder, 'cdk.out');
  const binaries = binaryFolders(app.directory);
  const { exitCode, output } = await workspace.run(withoutNpx(command, binaries), {
    cwd: app.directory,
    env: {
      ...process.env,
      PATH: [...binaries, process.env['PATH'] ?? ''].join(delimiter),
      CDK_OUTDIR: outputDirectory,
      // What CDK finds in the template is for "cdk synth" to say; here it would take longer than the run.
      CDK_VALIDATION: process.env['CDK_VALIDATION'] ?? 'false',
      CDK_CONTEXT_JSON: JSON.stringify({ 'aws:cdk:enable-path-metadata': true, ...context }),
    },
  });
  if (exitCode === 0 && existsSync(join(outputDirectory, 'manifest.json'))) return outputDirectory;
  throw new UsageError({
    what:
      exitCode === 0 ? 'The app wrote no assembly' : `The app cannot be synthesized (exit code ${exitCode ?? 'none'})`,
    where: join(app.directory, 'cdk.json'),
    got: command,
    fix: `run it yourself to see more; it printed:\n${output.trim().slice(-3000) || '(nothing)'}`,
  });
}

function readCdkJson(directory: string): { command: string; context: object } {
  const path = join(directory, 'cdk.json');
  let settings: { app?: unknown; context?: object };
  try {
    settings = JSON.parse(readFileSync(path, 'utf8')) as typeof settings;
  } catch (cause) {
    throw new UsageError({
      what: 'The file is not JSON',
      where: path,
      fix: 'correct it: cdk synth needs it too',
      cause,
    });
  }
  if (typeof settings.app !== 'string') {
    throw new UsageError({
      what: 'The file does not say how the app is run',
      where: path,
      got: JSON.stringify(settings.app),
      allowed: 'a command, as { "app": "npx tsx app.ts" }',
      fix: 'add "app"',
    });
  }
  const contextFile = join(directory, 'cdk.context.json');
  const looked = existsSync(contextFile) ? (JSON.parse(readFileSync(contextFile, 'utf8')) as object) : {};
  return { command: settings.app, context: { ...settings.context, ...looked } };
}

/** `node_modules/.bin` of the app's folder and of all folders above it, nearest first. */
function binaryFolders(directory: string): string[] {
  const above: string[] = [];
  for (let folder = directory; ; folder = dirname(folder)) {
    above.push(join(folder, 'node_modules', '.bin'));
    if (dirname(folder) === folder) break;
  }
  return above.filter((folder) => existsSync(folder) && statSync(folder).isDirectory());
}

/** An installed program is run as it is: npx only costs time, and looks for what is missing on the network. */
function withoutNpx(command: string, binaries: readonly string[]): string {
  const [, program] = /^npx (?:--yes |-y |--no-install )?([\w@./-]+)/.exec(command) ?? [];
  const isInstalled = program !== undefined && binaries.some((folder) => existsSync(join(folder, program)));
  return isInstalled ? command.replace(/^npx (?:--yes |-y |--no-install )?/, '') : command;
}

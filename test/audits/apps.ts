/** Finds the apps to be audited and synthesizes them: the default stack, and every folder of examples/ that has a CDK app. */
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { Stage, type App } from 'aws-cdk-lib';

const root = resolve(__dirname, '../..');

/** A synthesized app. */
export interface AuditedApp {
  readonly name: string;
  /** The construct tree, as the app made it. */
  readonly app: App;
  readonly templates: readonly { readonly file: string; readonly template: Template }[];
  /** Folder of the assembly. */
  readonly directory: string;
}

/** As much of a CloudFormation template as is looked at. */
export interface Template {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties?: Readonly<Record<string, unknown>> }>
  >;
}

/** The files of the apps by name. An example that has a cdk.json is audited without being named here. */
export function findApps(): { readonly name: string; readonly file: string; readonly context: object }[] {
  const examples = readdirSync(join(root, 'examples'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, 'examples', entry.name, 'cdk.json')))
    .map(({ name }) => readExample(join(root, 'examples', name)));
  return [{ name: 'default stack', file: join(__dirname, 'default-app.ts'), context: {} }, ...examples];
}

function readExample(directory: string): { name: string; file: string; context: object } {
  const { app, context = {} } = JSON.parse(readFileSync(join(directory, 'cdk.json'), 'utf8')) as {
    app: string;
    context?: object;
  };
  const file = app.split(/\s+/).find((word) => word.endsWith('.ts'));
  if (file === undefined) {
    throw new Error(
      `An example cannot be audited, at ${directory}/cdk.json\n  got: ${app}\n  allowed: a command that runs a .ts file\n  fix: write it as "npx tsx app.ts"`,
    );
  }
  return { name: basename(directory), file: join(directory, file), context };
}

/** Runs an app's file in this process as the CDK's command would: it synthesizes when there is nothing left to do.
 * A file runs once in a process. */
export function synthesizeApp({
  name,
  file,
  context,
}: {
  readonly name: string;
  readonly file: string;
  readonly context: object;
}): AuditedApp {
  const outdir = mkdtempSync(join(tmpdir(), 'audits-'));
  process.env['CDK_OUTDIR'] = outdir;
  process.env['CDK_CONTEXT_JSON'] = JSON.stringify(context);
  // What CDK itself finds in the template is looked at by a test of the package.
  process.env['CDK_VALIDATION'] = 'false';
  let app: App | undefined;
  const original = Stage.prototype.synth;
  const listeners = process.listeners('beforeExit');
  Stage.prototype.synth = function (options) {
    if (this.node.scope === undefined) app = this as App;
    return original.call(this, options);
  };
  try {
    require(file);
    for (const listener of process.listeners('beforeExit')) {
      if (listeners.includes(listener)) continue;
      process.removeListener('beforeExit', listener);
      listener(0);
    }
  } finally {
    Stage.prototype.synth = original;
    delete process.env['CDK_OUTDIR'];
    delete process.env['CDK_CONTEXT_JSON'];
  }
  if (app === undefined) throw new Error(`The app ${name} was not synthesized, at ${file}`);
  const templates = readdirSync(outdir)
    .filter((entry) => entry.endsWith('.template.json'))
    .map((entry) => ({
      file: join(outdir, entry),
      template: JSON.parse(readFileSync(join(outdir, entry), 'utf8')) as Template,
    }));
  return { name, app, templates, directory: outdir };
}

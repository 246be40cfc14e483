/** `object-workflow run`: synthesizes an app, simulates it, uploads files, shows what happens and tells how it ended. */
import { relative, join } from 'node:path';
import { simulate } from '../simulate';
import type { Simulation } from '../simulation';
import { findAnnouncedKeys } from './announced-keys';
import { collectResult, type Upload } from './collect-result';
import { findFault, type Fault } from './faults';
import { readInputFiles, type InputFile } from './input-files';
import { checkOutputFolder, writeOutput } from './output-folder';
import { isEveryObjectStored, type RunResult } from './run-result';
import { StateDisplay } from './state-display';
import { summarize } from './summary';
import { locateApp, synthesize, type AppLocation } from './synthesize';
import { createPalette, formatDuration } from './text';
import { UsageError } from './usage-error';
import { inWorkspace, type Workspace } from './workspace';

/** The options of the command, as typed. */
export interface RunOptions {
  readonly app?: string;
  readonly example?: string;
  readonly out?: string;
  readonly prefix?: string;
  readonly seed: string;
  readonly fault?: string;
  readonly json?: boolean;
}

/** Runs files through an app's workflow.
 * @returns whether every object was stored
 * @throws UsageError for a wrong option, file or app */
export async function run(paths: readonly string[], options: RunOptions): Promise<boolean> {
  const startedAtMs = performance.now();
  const app = locateApp(options);
  const fault = findFault(options.fault);
  const files = readInputFiles(paths, app.directory);
  const outputDirectory = checkOutputFolder(options.out ?? join('out', app.name));
  const display = new StateDisplay(process.stderr, process.env);
  return inWorkspace(async (workspace, beforeClear) => {
    const directory = await synthesizeAloud(app, workspace, display);
    const simulation = await simulate(directory, {
      seed: options.seed,
      instancesDirectory: join(workspace.folder, 'instances'),
      onEvent: (event) => {
        if (event.kind === 'history') display.show(event.executionArn, event.event);
      },
    });
    beforeClear(() => simulation.close());
    fault?.breakSimulation?.(simulation);

    const announced = findAnnouncedKeys(directory);
    if (announced === undefined) throw nothingAnnounced(app);
    const prefix = options.prefix ?? announced.prefix;
    const uploads: Upload[] = [];
    for (const file of files) uploads.push(await upload(simulation, file, announced.bucket, prefix, fault));
    await simulation.settle();
    display.finish();

    const about = { app: app.name, seed: options.seed, fault: options.fault, outputDirectory };
    const { result, outputs } = await collectResult(simulation, uploads, announced, about);
    const timed = { ...result, realMs: Math.round(performance.now() - startedAtMs) };
    writeOutput(outputDirectory, timed, outputs);
    print(timed, options.json === true);
    return isEveryObjectStored(timed);
  });
}

async function synthesizeAloud(app: AppLocation, workspace: Workspace, display: StateDisplay): Promise<string> {
  display.say(`Synthesizing ${relative('.', app.directory) || app.directory} …`);
  const startedAtMs = performance.now();
  const directory = await synthesize(app, workspace);
  display.say(`Synthesized in ${formatDuration(performance.now() - startedAtMs)}.`);
  return directory;
}

async function upload(
  simulation: Simulation,
  file: InputFile,
  bucket: string,
  prefix: string,
  fault: Fault | undefined,
): Promise<Upload> {
  const body = fault?.damage?.(file.body) ?? file.body;
  const key = `${prefix}${file.name}`;
  return { file, ...(await simulation.upload({ bucket, key, body, contentType: file.contentType })) };
}

function nothingAnnounced(app: AppLocation): UsageError {
  return new UsageError({
    what: 'Nothing in the app is started by a new object',
    where: app.directory,
    allowed: 'an app with an EventBridge rule for "Object Created" events of a bucket, as ObjectWorkflow makes one',
    fix: 'add an ObjectWorkflow to the app, or name another app with --app DIR',
  });
}

function print(result: RunResult, isJson: boolean): void {
  if (isJson) {
    // Histories are in the saved run: here they would bury the outcome.
    const executions = result.executions.map(({ history, ...execution }) => ({ ...execution, events: history.length }));
    process.stdout.write(`${JSON.stringify({ ...result, executions }, undefined, 2)}\n`);
    return;
  }
  const palette = createPalette(process.stdout.isTTY && !process.env['NO_COLOR']);
  process.stdout.write(`\n${summarize(result, palette)}\n`);
}

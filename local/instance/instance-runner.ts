/** Instances as folders on this machine: runs the scripts of commands in real bash, as an SSM Agent would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningScript, ScriptRequest, ScriptResult, ScriptRunner } from '../services/ssm';
import { AwsCommandServer, scriptVariable } from './aws-command-server';
import { quote } from './shell-quote';

/** How instances are kept on this machine. */
export interface InstanceRunnerOptions {
  /** Where the instances' folders are. @default - a new folder for temporary files, removed by `close` */
  readonly directory?: string;
  /** What the `aws` command of an instance finds: AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION.
   * The keys stand for the role of that instance. */
  readonly awsEnvironment: (
    instanceId: string,
  ) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  /** Virtual time, for the signatures of the `aws` command. */
  readonly nowMs: () => number;
  /** Real time after which a script is taken for one that never ends: the virtual clock stands still while it runs.
   * @default 60,000 */
  readonly realTimeLimitMs?: number;
}

/** Runs scripts on this machine, with the rights of its user: a simulated instance is no sandbox.
 * @example
 * const runner = new InstanceRunner({ nowMs: () => clock.nowMs(), awsEnvironment: () => endpoint.environmentFor(role) }); */
export class InstanceRunner implements ScriptRunner {
  private directory: string | undefined;
  private readonly isOurs: boolean;
  private readonly running = new Set<ChildProcess>();
  private readonly prepared = new Set<string>();
  private readonly awsCommands = new AwsCommandServer();
  private readonly killAll = (): void => {
    for (const child of this.running) killGroup(child);
  };

  constructor(private readonly options: InstanceRunnerOptions) {
    this.isOurs = options.directory === undefined;
    this.directory = options.directory;
    process.on('exit', this.killAll);
  }

  /** The folder that stands for an instance. */
  directoryOf(instanceId: string): string {
    // Made with the first instance: most simulations in tests answer commands themselves and need no folder.
    this.directory ??= mkdtempSync(join(tmpdir(), 'object-workflow-'));
    return join(this.directory, instanceId);
  }

  start(request: ScriptRequest): RunningScript {
    let running: { readonly child: ChildProcess; readonly place: Place } | undefined;
    let isKilled = false;
    const kill = (): void => {
      isKilled = true;
      if (running !== undefined) this.killScript(running.child, running.place);
    };
    const run = async (): Promise<ScriptResult> => {
      const aws = await this.options.awsEnvironment(request.instanceId);
      const awsCommand = await this.awsCommands.executable();
      if (isKilled) return { exitCode: 137 };
      const place = this.preparePlace(request, awsCommand);
      const environment = { ...this.environment(place, aws), ...request.environment };
      const child = spawnScript(place, environment, request.workingDirectory);
      running = { child, place };
      return this.waitFor(child, place);
    };
    return { ended: run(), kill };
  }

  /** Ends what still runs, and removes the instances unless their folder was given. */
  close(): void {
    this.killAll();
    this.awsCommands.close();
    process.off('exit', this.killAll);
    if (this.isOurs && this.directory !== undefined) rmSync(this.directory, { recursive: true, force: true });
  }

  private preparePlace(request: ScriptRequest, awsCommand: string): Place {
    const instance = this.directoryOf(request.instanceId);
    // A new simulation has new machines, even where they have the same names and folders as those of an earlier one.
    if (!this.prepared.has(instance)) rmSync(instance, { recursive: true, force: true });
    const folder = (...names: string[]): string => {
      const path = join(instance, ...names);
      mkdirSync(path, { recursive: true });
      return path;
    };
    const orchestration = folder('commands', `${request.commandId}-${request.runCount}`);
    const place: Place = {
      script: join(orchestration, '_script.sh'),
      standardOutput: join(orchestration, 'stdout'),
      standardError: join(orchestration, 'stderr'),
      home: folder('home'),
      temporary: folder('tmp'),
      state: folder('object-workflow'),
      commands: folder('bin'),
    };
    writeFileSync(place.script, request.script);
    chmodSync(place.script, 0o500);
    if (!this.prepared.has(instance)) writeCommands(place.commands, awsCommand);
    this.prepared.add(instance);
    return place;
  }

  /** Nothing of this process's environment but its search path: what works here must not depend on who runs it. */
  private environment(place: Place, aws: Readonly<Record<string, string>>): Record<string, string> {
    return {
      PATH: `${place.commands}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
      HOME: place.home,
      TMPDIR: place.temporary,
      LANG: 'C.UTF-8',
      OBJECT_WORKFLOW_HOME: place.state,
      [scriptVariable]: place.script,
      AWS_STAND_IN_TIME: new Date(this.options.nowMs()).toISOString(),
      ...aws,
    };
  }

  private killScript(child: ChildProcess, place: Place): void {
    killGroup(child);
    this.awsCommands.endCallsOf(place.script);
  }

  private async waitFor(child: ChildProcess, place: Place): Promise<ScriptResult> {
    this.running.add(child);
    let isOverdue = false;
    const limit = AbortSignal.timeout(this.options.realTimeLimitMs ?? 60_000);
    limit.addEventListener('abort', () => {
      if (!this.running.has(child)) return;
      isOverdue = true;
      this.killScript(child, place);
    });
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(code ?? 128 + signalNumber(signal)));
    });
    this.running.delete(child);
    this.killScript(child, place); // Daemons that a command left behind would outlive the simulation.
    return {
      exitCode: isOverdue ? 'never' : exitCode,
      standardOutput: readFileSync(place.standardOutput, 'utf8'),
      standardError: readFileSync(place.standardError, 'utf8'),
    };
  }
}

interface Place {
  readonly script: string;
  readonly standardOutput: string;
  readonly standardError: string;
  readonly home: string;
  readonly temporary: string;
  readonly state: string;
  /** First folder of the search path. */
  readonly commands: string;
}

/** As the agent does: `sh -c <file>`, in a process group of its own, with files for output. */
function spawnScript(
  place: Place,
  environment: Record<string, string>,
  workingDirectory: string | undefined,
): ChildProcess {
  const [output, errors] = [openSync(place.standardOutput, 'w'), openSync(place.standardError, 'w')];
  try {
    return spawn('sh', ['-c', quote(place.script)], {
      cwd: workingDirectory ?? place.home,
      env: environment,
      stdio: ['ignore', output, errors],
      detached: true,
    });
  } finally {
    closeSync(output);
    closeSync(errors);
  }
}

/** What an instance has besides the commands of this machine. */
function writeCommands(folder: string, awsCommand: string): void {
  writeCommand(folder, 'aws', awsCommand);
  // Flushing this machine's disks would make no simulated image more complete.
  writeCommand(folder, 'sync', '#!/bin/sh\nexit 0\n');
}

function writeCommand(folder: string, name: string, text: string): void {
  const file = join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, 0o700);
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // Nobody left to kill is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const signalNumbers: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };

function signalNumber(signal: NodeJS.Signals | null): number {
  return signalNumbers[signal ?? ''] ?? 9;
}

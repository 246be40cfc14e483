/** What one command leaves on the machine while it runs, a temporary folder and child processes, and how it is cleared away. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realTimeLimit } from '../virtual-clock';

/** How a child process ended. */
export interface ProcessEnd {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

/** What has left its process group may go on, and hold the pipes for ever. */
const longestEndMs = 5_000;

/** A temporary folder and the processes that were started from it. */
export class Workspace {
  /** Absolute path; gone after `clear`. */
  readonly folder: string = mkdtempSync(join(tmpdir(), 'object-workflow-'));
  private readonly processes = new Set<ChildProcess>();
  private isClosed = false;

  /** Runs a shell command in its own process group, so that its children end with it. Once the workspace is closed nothing is
   * run any more, and nobody gets an answer: who still works has been interrupted. */
  run(command: string, options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }): Promise<ProcessEnd> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) return;
      const child = spawn(command, { ...options, shell: true, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
      this.processes.add(child);
      const output: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
      child.on('error', reject);
      child.on('close', (exitCode) => {
        this.processes.delete(child);
        resolve({ exitCode: exitCode ?? undefined, output: Buffer.concat(output).toString('utf8') });
      });
    });
  }

  /** As `clear`, but when it returns the processes are gone: one that is killed still runs for a moment. */
  async close(): Promise<void> {
    this.isClosed = true;
    const ends = [...this.processes].map((child) => new Promise((resolve) => child.once('close', resolve)));
    this.kill();
    const patience = realTimeLimit(longestEndMs);
    await Promise.race([Promise.all(ends), patience.expired]);
    patience.cancel();
    this.clear();
  }

  /** Ends the processes and removes the folder. At once, so that it also works while the program ends; twice does no harm. */
  clear(): void {
    this.kill();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  private kill(): void {
    for (const { pid } of this.processes) {
      try {
        if (pid !== undefined) process.kill(-pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
  }
}

/** Gives work a workspace, which is cleared however the work ends: done, failed, or interrupted by a signal.
 * @param work Registers with `beforeClear` what has to stop first. */
export async function inWorkspace<Result>(
  work: (workspace: Workspace, beforeClear: (action: () => Promise<void>) => void) => Promise<Result>,
): Promise<Result> {
  const workspace = new Workspace();
  const actions: (() => Promise<void>)[] = [];
  const clear = async (): Promise<void> => {
    for (const action of actions.splice(0).reverse()) await action();
    await workspace.close();
  };
  let interrupted = false;
  const interrupt = (signal: NodeJS.Signals): void => {
    // A second signal, or an action that fails, must not keep the program from ending.
    const end = (): void => process.exit(128 + signalNumbers[signal]!);
    process.once('exit', () => workspace.clear());
    if (interrupted) return end();
    interrupted = true;
    clear().then(end, end);
  };
  const signals = Object.keys(signalNumbers) as NodeJS.Signals[];
  signals.forEach((signal) => process.on(signal, interrupt));
  try {
    return await work(workspace, (action) => actions.push(action));
  } finally {
    // Interrupted work may end first: then whoever interrupted it clears up and ends the program.
    if (interrupted) await new Promise(() => undefined);
    await clear();
    signals.forEach((signal) => process.off(signal, interrupt));
  }
}

const signalNumbers: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

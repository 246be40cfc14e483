/** Runs the command line inside the test, with what it writes caught, over an assembly that is synthesized once. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { SalesReportStack } from '../../examples/sales-report/stack';
import { main } from '../../local/cli/main';

/** How a command ended. */
export interface CommandEnd {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder for one test file, with an app and input in it. */
export class Place {
  /** Absolute; removed by `clear`. */
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'command-line-')));
  private synthesized: string | undefined;

  /** The sales report, synthesized. */
  get assembly(): string {
    this.synthesized ??= synthesizeInto(join(this.folder, 'cdk.out'));
    return this.synthesized;
  }

  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts);
  }

  /** Writes a file and gives its path. */
  write(name: string, body: string | Uint8Array): string {
    writeFileSync(this.path(name), body);
    return this.path(name);
  }

  clear(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function synthesizeInto(outdir: string): string {
  const app = new App({ outdir });
  new SalesReportStack(app, 'SalesReport');
  return app.synth().directory;
}

/** Calls the command with those words. */
export async function call(...words: readonly string[]): Promise<CommandEnd> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    jest.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text);
      return true;
    }),
  );
  try {
    const exitCode = await main(words);
    return { exitCode, ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

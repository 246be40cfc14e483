/** What the `aws` command of simulated instances needs around it, wherever it runs. */

/** One call of the command. */
export interface Call {
  /** What stands behind `aws`. */
  readonly words: readonly string[];
  /** Holds at least `environmentNames`, as far as they are set. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where the file system has a file that the script names.
   * @throws OutOfReach for what only a process of the script's own can open */
  readonly locate: (file: string) => string;
  /** Bits that the files of this call must not have, unless the operating system takes them off anyway. */
  readonly umask: number;
  /** Tells this call apart from others that write to the same folder at the same time. */
  readonly id: string;
  readonly output: Output;
  readonly errors: Output;
  /** The script's own standard input and output, for bytes.
   * @throws OutOfReach where they cannot be had */
  readonly streams: () => { readonly input: AsyncIterable<Buffer>; readonly output: NodeJS.WritableStream };
  /** Ends what the call still asks of S3. */
  readonly signal?: AbortSignal;
}

export interface Output {
  write(text: string): unknown;
}

/** Runs one call, and writes the message if it ends with one.
 * @returns its exit code
 * @throws OutOfReach when the call must be run in a process of the script's own: nothing has been done then */
export function run(call: Call): Promise<number>;

/** The environment variables that a call reads. */
export const environmentNames: readonly string[];

/** The end of a call that only a process of the script's own can run. */
export class OutOfReach extends Error {}

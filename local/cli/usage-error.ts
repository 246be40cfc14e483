/** A mistake in how the command line was called: what happened, where, what was given, what is allowed, what to do. */

import { printable } from './text';

/** Ends the command with exit code 2 and this text, without a stack trace. */
export class UsageError extends Error {
  constructor(problem: {
    readonly what: string;
    readonly where: string;
    readonly got?: string;
    readonly allowed?: string;
    readonly fix: string;
    readonly cause?: unknown;
  }) {
    const lines = [
      `${problem.what}, at ${problem.where}`,
      problem.got === undefined ? undefined : `  got: ${printable(problem.got.slice(0, 200))}`,
      problem.allowed === undefined ? undefined : `  allowed: ${problem.allowed}`,
      `  fix: ${problem.fix}`,
    ];
    const text = lines.filter((line) => line !== undefined).join('\n');
    // Names of files, words of the command line and output of other programs are somebody else's texts.
    super(text.split('\n').map(printable).join('\n'), { cause: problem.cause });
    this.name = 'UsageError';
  }
}

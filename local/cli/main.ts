#!/usr/bin/env node
/** The command `object-workflow`: its subcommands, their options and help, and the exit code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { checkTarget } from './check';
import { describeCost, estimateCost } from './cost';
import { describeFaults, faultNames } from './faults';
import { drawTarget } from './graph';
import { showHistory } from './history';
import { run, type RunOptions } from './run';
import { printable } from './text';
import { UsageError } from './usage-error';

/** Exit codes: 0 all is well, 1 something did not end well, 2 the command was called wrongly. */
const exitCodes = { good: 0, bad: 1, usage: 2 } as const;

const savedRun = 'out/sales-report';

function createProgram(words: readonly string[], exit: (code: number) => void): Command {
  const program = new Command('object-workflow')
    .description('Runs and inspects object workflows on this machine: the very template that is deployed.')
    .version(ownVersion())
    .configureHelp({ sortSubcommands: false })
    .showHelpAfterError('(object-workflow --help tells more)')
    .configureOutput({ outputError: (text, write) => write(withPrintableWords(text, words)) })
    .exitOverride();

  program
    .command('run')
    .description('Uploads files to a simulated deployment of a CDK app and shows what becomes of them.')
    .argument('[FILE...]', 'files to upload (default: those in the app’s folder input/)')
    .option('--app <DIR>', 'folder of the CDK app, or of a synthesized cdk.out (default: the current folder)')
    .option('--example <NAME>', 'one of this repository’s examples instead, such as sales-report')
    .option('--out <DIR>', 'where results and run.json are written (default: out/<name of the app>)')
    .option('--prefix <TEXT>', 'what the keys begin with (default: what the app’s rule for new objects asks for)')
    .option('--seed <TEXT>', 'decides all that is left to chance: the same seed, the same history', '1')
    .addOption(new Option('--fault <NAME>', `breaks one thing: ${faultNames.join(', ')} (see below)`))
    .option('--json', 'prints one JSON document on standard output, and nothing else there')
    .addHelpText(
      'after',
      `\n${describeFaults()}\n\nExit code 0 only if every object was stored; 2 if the command was called wrongly.`,
    )
    .action(async (files: string[], options: RunOptions) => exit((await run(files, options)) ? 0 : exitCodes.bad));

  program
    .command('check')
    .description('Lists what is wrong with a state machine: of an app, a cdk.out, or a definition in a JSON file.')
    .argument('[PATH]', 'folder or file', '.')
    .option('--json', 'prints the problems as JSON')
    .action(async (path: string, options: { json?: boolean }) => {
      const { text, isGood } = await checkTarget(path, options.json === true);
      process.stdout.write(text);
      exit(isGood ? exitCodes.good : exitCodes.bad);
    });

  program
    .command('graph')
    .description('Draws a state machine as an SVG: of an app, a cdk.out, or a definition in a JSON file.')
    .argument('[PATH]', 'folder or file', '.')
    .option('--out <FILE>', 'where the picture is written (default: standard output)')
    .option('--machine <TEXT>', 'which state machine, by part of its name, if there are several')
    .action(async (path: string, options: { out?: string; machine?: string }) => {
      const text = await drawTarget(path, options);
      if (options.out === undefined) process.stdout.write(text);
    });

  program
    .command('cost')
    .description('Tells what the transitions of many objects cost, measured on a saved run.')
    .argument('[RUN]', 'folder that a run has written', savedRun)
    .requiredOption('--objects <COUNT>', 'number of objects')
    .option('--json', 'prints the estimate as JSON')
    .action((directory: string, options: { objects: string; json?: boolean }) => {
      const cost = estimateCost(directory, options.objects);
      process.stdout.write(options.json === true ? `${JSON.stringify(cost, undefined, 2)}\n` : describeCost(cost));
    });

  program
    .command('history')
    .description('Prints the events of the executions of a saved run.')
    .argument('[RUN]', 'folder that a run has written', savedRun)
    .option('--execution <NAME>', 'only this one; the beginning of its name is enough')
    .option('--json', 'prints the events as JSON, as GetExecutionHistory gives them')
    .action((directory: string, options: { execution?: string; json?: boolean }) => {
      process.stdout.write(showHistory(directory, options));
    });

  return program;
}

/** Quotes words of the command line, an option's name and its value too, as a terminal can show them. */
function withPrintableWords(text: string, words: readonly string[]): string {
  const parts = words.flatMap((word) => [word, ...word.split('=')]).filter((part) => printable(part) !== part);
  return parts.reduce((shown, part) => shown.replaceAll(part, () => printable(part)), text);
}

function ownVersion(): string {
  const manifest = [join(__dirname, '../../package.json'), join(__dirname, '../../../package.json')].flatMap((path) => {
    try {
      return [JSON.parse(readFileSync(path, 'utf8')) as { version: string }];
    } catch {
      return [];
    }
  });
  return manifest[0]?.version ?? 'unknown';
}

/** Runs one command line.
 * @returns the exit code; nothing is thrown */
export async function main(words: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.good;
  try {
    await createProgram(words, (code) => (exitCode = code)).parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.good : exitCodes.usage;
    if (error instanceof UsageError) {
      process.stderr.write(`error: ${error.message}\n`);
      return exitCodes.usage;
    }
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return exitCodes.bad;
  }
}

if (require.main === module) {
  // Whoever reads the output may stop reading, as `head` does: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  void main(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  });
}

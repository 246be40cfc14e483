/** Runs a function's Node code in a process of its own, against the simulated services behind a loopback endpoint. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { splitHandler, timedOut, type FunctionDefinition, type FunctionOutcome } from './function-definition';

interface ChildInvocation {
  readonly definition: FunctionDefinition;
  readonly event: unknown;
  readonly requestId: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly writeLog: (line: string) => void;
}

/** What the child runs: loads the handler, calls it with the event from standard input, writes the outcome to descriptor 3. */
const bootstrap = `
const { readFileSync, writeSync, existsSync } = require('node:fs');
const { pathToFileURL } = require('node:url');
const [file, member, timeoutMs, requestId] = process.argv.slice(1);
const startedAtMs = performance.now();
const report = (outcome) => { writeSync(3, JSON.stringify(outcome)); process.exit(0); };
const fail = (error) => report({ kind: 'failed', error: error instanceof Error
  ? { errorType: error.name, errorMessage: error.message, trace: (error.stack || '').split('\\n') }
  : { errorType: typeof error, errorMessage: String(error), trace: [] } });
process.on('uncaughtException', fail);
(async () => {
  const path = ['.js', '.mjs', '.cjs'].map((ending) => file + ending).find(existsSync);
  if (path === undefined) throw Object.assign(new Error("Cannot find module '" + file + "'"), { name: 'Runtime.ImportModuleError' });
  const module = await import(pathToFileURL(path).href);
  const handler = module[member] ?? module.default?.[member];
  if (typeof handler !== 'function') throw Object.assign(new Error(file + '.' + member + ' is undefined or not exported'), { name: 'Runtime.HandlerNotFound' });
  const value = await handler(JSON.parse(readFileSync(0, 'utf8')), {
    awsRequestId: requestId,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    getRemainingTimeInMillis: () => Math.max(0, Number(timeoutMs) - (performance.now() - startedAtMs)),
  });
  report({ kind: 'returned', value: value === undefined ? null : value });
})().catch(fail);
`;

/** @returns how it ended: what the handler returned or threw, a timeout, or the end of the process */
export async function runInChildProcess(invocation: ChildInvocation): Promise<FunctionOutcome> {
  const { definition } = invocation;
  const directory = definition.codeDirectory!;
  const [file, member] = splitHandler(definition.handler);
  const timeoutMs = definition.timeoutSeconds * 1000;
  const child = spawn(
    process.execPath,
    ['-e', bootstrap, '--', join(directory, file), member, String(timeoutMs), invocation.requestId],
    {
      cwd: directory,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      // Nothing of this machine's environment reaches the function, above all no real credentials.
      env: {
        PATH: process.env['PATH'],
        NODE_PATH: runtimeModules(),
        // Lambda's runtime is newer than this process may be.
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        ...invocation.environment,
      },
    },
  );
  child.stdin!.on('error', () => undefined); // a handler that never reads its event closes the pipe
  child.stdin!.end(JSON.stringify(invocation.event ?? null));
  for (const stream of [child.stdout!, child.stderr!]) createInterface(stream).on('line', invocation.writeLog);
  const report: Buffer[] = [];
  child.stdio[3]!.on('data', (chunk: Buffer) => report.push(chunk));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, exitSignal) => resolve([exitCode, exitSignal]));
  });
  if (report.length > 0) return reportedOutcome(Buffer.concat(report).toString('utf8'), directory);
  if (signal === 'SIGKILL') return { kind: 'failed', error: timedOut(definition) };
  return {
    kind: 'failed',
    error: {
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: ${invocation.requestId} Error: Runtime exited with error: exit status ${code}`,
    },
  };
}

function reportedOutcome(text: string, directory: string): FunctionOutcome {
  const outcome = JSON.parse(text) as FunctionOutcome;
  if (outcome.kind === 'returned') return outcome;
  const trace = outcome.error.trace?.map((line) => line.replaceAll(directory, '/var/task'));
  return { kind: 'failed', error: { ...outcome.error, ...(trace && { trace }) } };
}

/** Lambda's Node runtime brings the AWS SDK along; here it is the one that this package depends on. */
function runtimeModules(): string {
  return dirname(dirname(dirname(require.resolve('@aws-sdk/client-s3/package.json'))));
}

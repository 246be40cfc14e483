/** The AWS emulator that a stack is deployed to: MiniStack, installed into a folder of its own, on this machine's loopback. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The version whose gaps are known: another may have others. Lambda's Python comes with boto3; tokens are signed by cryptography. */
const packages = ['ministack==1.5.33', 'boto3==1.43.106', 'cryptography==50.0.2'];

/** Longest time that the emulator may take to answer, in milliseconds. */
const startLimitMs = 30_000;

/** Account that the emulator's resources are in. */
export const accountId = '000000000000';

export const region = 'us-east-1';

/** Where it cannot be installed, the tests cannot run: that is said, and is not a failure of ours. */
export class EmulatorMissingError extends Error {}

/** An emulator that is running. */
export interface Emulator {
  readonly endpoint: string;
  /** With which an AWS SDK, the CDK CLI and processes of theirs reach it, and nothing else. */
  readonly environment: NodeJS.ProcessEnv;
  readonly log: () => string;
  readonly stop: () => Promise<void>;
}

/** Installs the emulator if it is not there yet, and starts it.
 * @param folder Keeps the installation for the next run.
 * @param temporary Takes what the emulator writes while it runs.
 * @throws EmulatorMissingError when Python cannot install it */
export async function startEmulator(folder: string, temporary: string): Promise<Emulator> {
  const program = install(folder);
  const port = await freePort();
  const logFile = join(folder, 'emulator.log');
  const log = openSync(logFile, 'w');
  const child = spawn(program, [], {
    env: {
      ...{ ...clean(), BIND_HOST: '127.0.0.1', GATEWAY_PORT: String(port), STATE_DIR: temporary, TMPDIR: temporary },
      // Its other listeners would be open to the network: they stay off.
      ...{ IOT_MTLS_ENABLED: '0', SFTP_ENABLED: '0' },
    },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const endpoint = `http://127.0.0.1:${port}`;
  const readLog = (): string => readFileSync(logFile, 'utf8');
  const stop = async (): Promise<void> => end(child);
  try {
    await answers(child, `${endpoint}/_ministack/health`, readLog);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, environment: environmentFor(endpoint, folder), log: readLog, stop };
}

/** How SDK clients reach the emulator. */
export function clientOptions(emulator: Emulator) {
  return {
    endpoint: emulator.endpoint,
    region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    forcePathStyle: true,
  };
}

function install(folder: string): string {
  const environment = join(folder, 'python');
  const program = join(environment, 'bin', 'ministack');
  // Written last: an installation that was interrupted is done again.
  const installed = join(environment, 'installed.json');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === JSON.stringify(packages)) return program;
  mkdirSync(folder, { recursive: true });
  for (const command of [
    ['python3', '-m', 'venv', '--clear', environment],
    [join(environment, 'bin', 'pip'), 'install', '--quiet', '--disable-pip-version-check', ...packages],
  ]) {
    const { status, error, stderr } = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8' });
    if (status !== 0) {
      throw new EmulatorMissingError(`${command.join(' ')}\n  ${error?.message ?? stderr.trim().slice(-500)}`);
    }
  }
  writeFileSync(installed, JSON.stringify(packages));
  return program;
}

/** Names everything that an AWS configuration of this machine could change. */
function environmentFor(endpoint: string, folder: string): NodeJS.ProcessEnv {
  return {
    ...clean(),
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    // The CLI remembers there which account a key belongs to.
    CDK_HOME: join(folder, 'cdk'),
    CDK_DISABLE_CLI_TELEMETRY: 'true',
  };
}

function clean(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_')));
}

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(child: ChildProcess, url: string, readLog: () => string): Promise<void> {
  for (const limit = performance.now() + startLimitMs; performance.now() < limit;) {
    if (child.exitCode !== null) throw new Error(`The emulator ended with ${child.exitCode}:\n${readLog()}`);
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await sleep(200);
  }
  throw new Error(`The emulator does not answer at ${url}:\n${readLog()}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await Promise.race([ended, sleep(5_000)]);
  child.kill('SIGKILL');
  await ended;
}

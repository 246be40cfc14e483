/** Synthesizes an example and deploys it to the emulator with the CDK CLI, without what the emulator does not know. */
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { accountId, clientOptions, region, type Emulator } from './emulator';
import { leaveOut, readTemplates } from './templates';

/** What was not deployed, and what the emulator said about it. */
export interface LeftOut {
  readonly type: string;
  readonly logicalIds: readonly string[];
  readonly error: string;
}

/** How often something may be left out before the deployment is given up. */
const maximumRounds = 20;

/** A deployment that takes longer waits for something that never comes. */
const deploymentLimitMs = 75_000;

const cdk = resolve('node_modules/aws-cdk/bin/cdk');

/** Parameter that stands for those of AWS, which name machine images: the emulator has none and takes none. */
const imageParameter = '/e2e/image';

/** Writes the assembly of an example. */
export async function synthesize(example: string, output: string, emulator: Emulator): Promise<void> {
  const { code, text } = await run(['synth', '--quiet', '--output', output], emulator, resolve('examples', example));
  if (code !== 0) throw new Error(`cdk synth of ${example} failed:\n${text}`);
}

/** Prepares the emulator's account for deployments. */
export async function bootstrap(emulator: Emulator): Promise<void> {
  // Outside of any app: none is synthesized for it.
  const { code, text } = await run(['bootstrap', `aws://${accountId}/${region}`], emulator, tmpdir());
  if (code !== 0) throw new Error(`cdk bootstrap failed:\n${text}`);
  const ssm = new SSMClient(clientOptions(emulator));
  await ssm.send(new PutParameterCommand({ Name: imageParameter, Type: 'String', Value: 'ami-0abcdef1234567890' }));
  ssm.destroy();
}

/** Empties the account, and prepares it again. */
async function startAgain(emulator: Emulator): Promise<void> {
  const response = await fetch(`${emulator.endpoint}/_ministack/reset`, { method: 'POST' });
  if (!response.ok) throw new Error(`The emulator cannot be reset: ${response.status} ${await response.text()}`);
  await bootstrap(emulator);
}

/** Deploys an assembly. A resource type that the emulator refuses is left out, and the rest is tried again.
 * @throws Error with the CLI's own output when nothing more can be left out */
export async function deploy(assembly: string, emulator: Emulator): Promise<LeftOut[]> {
  const left: LeftOut[] = [];
  for (let round = 0; round < maximumRounds; round++) {
    const { code, text } = await run(
      ['deploy', '--all', '--app', assembly, '--require-approval', 'never', ...imageParameters(assembly)],
      emulator,
    );
    if (code === 0) return left;
    for (const refused of refusedTypes(text, emulator.log())) {
      const logicalIds = leaveOut(assembly, refused.type);
      if (logicalIds.length === 0) throw new Error(`The emulator refuses ${refused.type}, and there is none:\n${text}`);
      left.push({ ...refused, logicalIds });
    }
    // What is left of the attempt has the names that the next one needs.
    await startAgain(emulator);
  }
  throw new Error(`cdk deploy failed ${maximumRounds} times, the last time without ${left.at(-1)?.type}`);
}

/** @returns the types that the emulator does not know, or the first that it could not create, each with its own words
 * @throws Error when it was something else */
function refusedTypes(text: string, emulatorLog: string): { readonly type: string; readonly error: string }[] {
  const unknown = /Unrecognized resource types: \[([^\]]+)\]/.exec(text);
  if (unknown !== null) return unknown[1]!.split(/,\s*/).map((type) => ({ type, error: unknown[0] }));
  const failed = /CREATE_FAILED\s*\|\s*(AWS::\S+|Custom::\S+)\s*\|\s*(.+)/.exec(text);
  if (failed !== null) return [{ type: failed[1]!, error: failed[2]!.trim() }];
  // A custom resource whose function cannot start is waited for without end.
  const custom = /CREATE_IN_PROGRESS\s*\|\s*(Custom::\S+)/.exec(text);
  const error = emulatorLog.split('\n').findLast((line) => line.includes(' ERROR '));
  if (custom !== null && error !== undefined) return [{ type: custom[1]!, error: error.replace(/^.* ERROR /, '') }];
  throw new Error(`cdk deploy failed:\n${text.slice(-4_000)}`);
}

function imageParameters(assembly: string): string[] {
  return Object.values(readTemplates(assembly)).flatMap(({ Parameters: parameters = {} }) =>
    Object.entries(parameters)
      .filter(([, { Type: type }]) => type === 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>')
      .flatMap(([name]) => ['--parameters', `${name}=${imageParameter}`]),
  );
}

function run(
  words: readonly string[],
  { environment }: Emulator,
  directory = resolve('.'),
): Promise<{ readonly code: number | null; readonly text: string }> {
  return new Promise((settle, reject) => {
    const child = spawn(process.execPath, [cdk, ...words], {
      cwd: directory,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: deploymentLimitMs,
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => settle({ code, text }));
  });
}

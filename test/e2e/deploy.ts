/** Synthesizes an example and deploys it to the emulator with the CDK CLI, without what the emulator does not know. */
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { accountId, clientOptions, region, type Emulator } from './emulator';
import { leaveOut, readTemplates, writeOut } from './templates';

/** What is not deployed as the template says it, and what the emulator said about it. */
export interface Gap {
  readonly what: string;
  readonly error: string;
}

/** How often something may be left out before the deployment is given up. */
const maximumRounds = 20;

/** A command that takes longer waits for something that never comes. */
const commandLimitMs = 120_000;

const cdk = resolve('node_modules/aws-cdk/bin/cdk');

/** Parameter that stands for those of AWS, which name machine images: the emulator has none and takes none. */
const imageParameter = '/e2e/image';

/** Writes the assembly of an example. */
export async function synthesize(example: string, output: string, emulator: Emulator): Promise<void> {
  const { code, text } = await run(['synth', '--quiet', '--output', output], emulator, resolve('examples', example));
  if (code !== 0) throw new Error(`cdk synth of ${example} failed:\n${text}`);
}

/** Empties the emulator's account and prepares it for deployments. */
export async function bootstrap(emulator: Emulator): Promise<void> {
  const response = await fetch(`${emulator.endpoint}/_ministack/reset`, { method: 'POST' });
  if (!response.ok) throw new Error(`The emulator cannot be reset: ${response.status} ${await response.text()}`);
  // Outside of any app: none is synthesized for it.
  const { code, text } = await run(['bootstrap', `aws://${accountId}/${region}`], emulator, tmpdir());
  if (code !== 0) throw new Error(`cdk bootstrap failed:\n${text}`);
  const ssm = new SSMClient(clientOptions(emulator));
  await ssm.send(new PutParameterCommand({ Name: imageParameter, Type: 'String', Value: 'ami-0abcdef1234567890' }));
  ssm.destroy();
}

/** Deploys an assembly. A resource type that the emulator refuses is left out, an attribute that it lacks is written out, and the
 * rest is tried again.
 * @throws Error with the CLI's own output when nothing more can be left out */
export async function deploy(assembly: string, emulator: Emulator): Promise<Gap[]> {
  const gaps: Gap[] = [];
  for (let round = 0; round < maximumRounds; round++) {
    const { code, text } = await run(
      ['deploy', '--all', '--app', assembly, '--require-approval', 'never', ...imageParameters(assembly)],
      emulator,
    );
    if (code === 0) return gaps;
    const unknown = /Unrecognized resource types: \[([^\]]+)\]/.exec(text);
    if (unknown === null) gaps.push(avoidFailure(assembly, text));
    else for (const type of unknown[1]!.split(/,\s*/)) gaps.push(leaveOutType(assembly, type, unknown[0]));
    // What is left of the attempt has the names that the next one needs.
    await bootstrap(emulator);
  }
  throw new Error(`cdk deploy failed ${maximumRounds} times, the last time because of ${gaps.at(-1)?.what}`);
}

/** @throws Error when it was not a resource that failed */
function avoidFailure(assembly: string, text: string): Gap {
  const [, failedType, error] = /CREATE_FAILED\s*\|\s*(AWS::\S+|Custom::\S+)\s*\|\s*(.+)/.exec(text) ?? [];
  if (failedType === undefined || error === undefined) throw new Error(`cdk deploy failed:\n${text.slice(-4_000)}`);
  const [, attribute, type] = /Requested attribute (\S+) does not exist in schema for (AWS::\S+)/.exec(error) ?? [];
  if (attribute !== undefined && type !== undefined) {
    const logicalIds = writeOut(assembly, type, attribute);
    if (logicalIds.length > 0) {
      return { what: `${attribute} of ${type} (${logicalIds.join(', ')}), which is written out`, error };
    }
  }
  return leaveOutType(assembly, failedType, error.trim());
}

function leaveOutType(assembly: string, type: string, error: string): Gap {
  const logicalIds = leaveOut(assembly, type);
  if (logicalIds.length === 0) throw new Error(`The emulator refuses ${type}, and there is none: ${error}`);
  return { what: `${type} (${logicalIds.join(', ')})`, error };
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
      timeout: commandLimitMs,
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => settle({ code, text }));
  });
}

/** Synthesizes an example and deploys it to the emulator with the CDK CLI, without what the emulator does not know. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { DeleteObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
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

const cdk = resolve('node_modules/aws-cdk/bin/cdk');

/** Parameter that stands for those of AWS, which name machine images: the emulator has none and takes none. */
const imageParameter = '/e2e/image';

/** Writes the assembly of an example. */
export async function synthesize(example: string, output: string, emulator: Emulator): Promise<void> {
  const { code, text } = await run(['synth', '--quiet', '--output', output], emulator, resolve('examples', example));
  if (code !== 0) throw new Error(`cdk synth of ${example} failed:\n${text}`);
}

/** Prepares the emulator's account for deployments. */
export async function bootstrap(emulator: Emulator, folder: string): Promise<void> {
  const { code, text } = await run(
    ['bootstrap', `aws://${accountId}/${region}`, '--output', folder],
    emulator,
    resolve('examples/sales-report'),
  );
  if (code !== 0) throw new Error(`cdk bootstrap failed:\n${text}`);
  const ssm = new SSMClient(clientOptions(emulator));
  await ssm.send(new PutParameterCommand({ Name: imageParameter, Type: 'String', Value: 'ami-0abcdef1234567890' }));
  ssm.destroy();
}

/** Deploys an assembly. A resource type that the emulator refuses is left out, and the rest is tried again.
 * @throws Error with the CLI's own output when nothing more can be left out */
export async function deploy(assembly: string, emulator: Emulator): Promise<LeftOut[]> {
  const left: LeftOut[] = [];
  for (let round = 0; round < maximumRounds; round++) {
    await forgetTemplates(emulator);
    const { code, text } = await run(
      ['deploy', '--all', '--app', assembly, '--require-approval', 'never', ...imageParameters(assembly)],
      emulator,
    );
    if (code === 0) return left;
    const refused = /Unrecognized resource types: \[([^\]]+)\]/.exec(text);
    if (refused === null) throw new Error(`cdk deploy failed:\n${text.slice(-4_000)}`);
    for (const type of refused[1]!.split(/,\s*/)) {
      const logicalIds = leaveOut(assembly, type);
      if (logicalIds.length === 0) throw new Error(`The emulator refuses ${type}, and there is none:\n${text}`);
      left.push({ type, logicalIds, error: refused[0] });
    }
  }
  throw new Error(`cdk deploy failed ${maximumRounds} times, the last time without ${left.at(-1)?.type}`);
}

/** The CLI would take a template that it has uploaded before for the present one. */
async function forgetTemplates(emulator: Emulator): Promise<void> {
  const client = new S3Client(clientOptions(emulator));
  const bucket = `cdk-hnb659fds-assets-${accountId}-${region}`;
  const { Contents: objects = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
  for (const { Key: key } of objects) {
    if (key?.endsWith('.json')) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
  }
  client.destroy();
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
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => settle({ code, text }));
  });
}

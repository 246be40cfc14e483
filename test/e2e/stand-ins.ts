/** The services that the emulator lacks: instances, commands, images and backups of the simulator, in real time, whose
 * machines read and write the emulator's S3 and whose events go to the emulator's functions. */
import { setTimeout as sleep } from 'node:timers/promises';
import * as s3 from '@aws-sdk/client-s3';
import { simulate, type ServiceCall, type ServiceOutput, type Simulation } from '../../local';
import { operator } from '../../local/services/service';
import { listen } from '../../local/wire/loopback-server';
import { accountId, region, type Emulator } from './emulator';

/** The stand-ins, running. */
export interface StandIns {
  readonly endpoint: string;
  readonly simulation: Simulation;
  readonly stop: () => Promise<void>;
}

/** How long things take that need minutes on AWS: the emulator's clock is real. */
const durations = {
  ssm: { commandDurationMs: 1_000 },
  ec2: { launchDurationMs: 500, imageDurationMs: 3_000, visibilityDelayMs: 0 },
  backup: { startMs: 500, durationMs: 2_000, eventIntervalMs: 0 },
};

/** Starts the services beside an emulator.
 * @param assembly The one whose resources have the emulator's names. */
export async function startStandIns(assembly: string, emulator: Emulator): Promise<StandIns> {
  const simulation = await simulate(assembly, {
    ...{ accountId, region, startMs: realMs(), serviceSettings: durations },
  });
  const client = new s3.S3Client({
    ...{ endpoint: emulator.endpoint, region, forcePathStyle: true },
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  simulation.cloud.intercept((call, next) => (call.service === 's3' ? forward(client, call) : next(call)));
  const failures: unknown[] = [];
  simulation.services.events.interceptDelivery(({ event, target }) => {
    if (isStandIn(event.source)) invoke(emulator, target.Arn, event).catch((error: unknown) => failures.push(error));
  });
  const server = await listen(simulation.cloud, () => operator);
  let isStopped = false;
  const passing = passTime(simulation, () => isStopped);
  const stop = async (): Promise<void> => {
    isStopped = true;
    await passing;
    await server.close();
    await simulation.close();
    client.destroy();
    if (failures.length > 0) throw new Error(`Events could not be sent to the emulator:\n${failures.join('\n')}`);
  };
  return { endpoint: server.endpoint, simulation, stop };
}

/** Lets the simulation's time pass as it does for the emulator, until the end. */
async function passTime(simulation: Simulation, isStopped: () => boolean): Promise<void> {
  while (!isStopped()) {
    await sleep(50);
    await simulation.advance(Math.max(0, realMs() - simulation.clock.nowMs()));
  }
}

/** The present, a little ahead: what a function of the emulator starts here must not seem to have begun before it. */
function realMs(): number {
  return Math.round(performance.timeOrigin + performance.now()) + 500;
}

/** Makes a call of a simulated machine against the emulator. */
async function forward(client: s3.S3Client, { operation, input }: ServiceCall): Promise<ServiceOutput> {
  const Command = (s3 as unknown as Readonly<Record<string, new (input: object) => s3.GetObjectCommand>>)[
    `${operation}Command`
  ]!;
  const { Body: body, ...output } = await client.send(new Command(input));
  return { ...output, ...(body !== undefined && { Body: await body.transformToByteArray() }) };
}

function isStandIn(source: string): boolean {
  return ['aws.ssm', 'aws.ec2', 'aws.autoscaling', 'aws.backup'].includes(source);
}

/** Hands an event to a function of the emulator, whose EventBridge takes none of AWS's own sources from outside. */
async function invoke(emulator: Emulator, functionArn: string, event: unknown): Promise<void> {
  const response = await fetch(
    `${emulator.endpoint}/2015-03-31/functions/${functionArn.split(':').at(-1)}/invocations`,
    {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-amz-invocation-type': 'Event',
        authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/lambda/aws4_request, SignedHeaders=host, Signature=none`,
      },
      body: JSON.stringify(event),
    },
  );
  if (!response.ok) throw new Error(`${functionArn}: ${response.status} ${await response.text()}`);
}

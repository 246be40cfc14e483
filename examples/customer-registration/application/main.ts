/** Starts the application on an instance, or wherever its environment variables say. */
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { completeErasures, createApplication, type Surroundings } from './application';
import { createLog, nameOfError } from './log';
import { RateLimit } from './rate-limit';
import { readSettings } from './settings';
import { createTokenVerifier } from './verify-token';

const settings = readSettings(process.env);
const nowMs = (): number => performance.timeOrigin + performance.now();
const log = createLog((text) => void process.stdout.write(text), nowMs);
const rateLimit = new RateLimit(nowMs);
const sessionFile = join(settings.dataDirectory, 'sessions/allowances.json');
rateLimit.load(sessionFile);

const surroundings: Surroundings = {
  dynamodb: new DynamoDBClient(),
  s3: new S3Client(),
  stores: settings.stores,
  verifyToken: createTokenVerifier(settings),
  rateLimit,
  log,
  nowMs,
  newId: () => Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex'),
};
const application = createApplication(surroundings);
const server = serve({ fetch: application.fetch, port: settings.port, hostname: settings.host }, () =>
  log({ event: 'started' }),
);

const minuteMs = 60_000;
// eslint-disable-next-line no-restricted-syntax -- A server on an instance lives in real time.
const minutely = setInterval(() => void tidy(), minuteMs);

async function tidy(): Promise<void> {
  try {
    rateLimit.save(sessionFile);
    await completeErasures(surroundings);
  } catch (error) {
    log({ event: 'failed', error: nameOfError(error) });
  }
}

/** Lets requests that are being answered end; the load balancer has stopped sending new ones. */
function stop(): void {
  clearInterval(minutely);
  rateLimit.save(sessionFile);
  server.close(() => log({ event: 'stopped' }));
}

process.once('SIGTERM', stop);
process.once('SIGINT', stop);

/** What the demo and the tests share: the application against a simulated stack, with its own SDK clients and the rights of its instances,
 * and members of staff who call it over HTTP. */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { serve } from '@hono/node-server';
import { App } from 'aws-cdk-lib';
import type { ServedSimulation, Simulation } from 'cdk-object-workflow/local';
import type { VerifyToken } from './application/access';
import { createApplication, type Application, type Surroundings } from './application/application';
import { createLog } from './application/log';
import { RateLimit } from './application/rate-limit';
import { CustomerRegistrationStack } from './stack';

/** With the feature flags of `cdk.json`, which only the CDK's command reads. */
export function makeStack(): CustomerRegistrationStack {
  const { context } = JSON.parse(readFileSync(join(__dirname, 'cdk.json'), 'utf8')) as {
    readonly context: Readonly<Record<string, string>>;
  };
  return new CustomerRegistrationStack(new App({ context: { ...context } }), 'CustomerRegistration', {
    certificateArn: context['certificateArn']!,
    signedInAddress: context['signedInAddress']!,
  });
}

export interface LocalApplicationOptions {
  readonly verifyToken: VerifyToken;
  /** Takes the application's log. */
  readonly write: (line: string) => void;
  /** The same ids for the same seed. */
  readonly newId: () => string;
  /** @default - the limits of the application */
  readonly rateLimit?: RateLimit;
}

/** The application, as long as it runs here. */
export class LocalApplication {
  private constructor(
    /** `http://127.0.0.1:<port>` */
    readonly address: string,
    readonly application: Application,
    readonly surroundings: Surroundings,
    private readonly served: ServedSimulation,
    readonly close: () => Promise<void>,
  ) {}

  /** Starts the application on a free port. Its buckets can be reached as browsers reach them. */
  static async start(
    simulation: Simulation,
    stack: CustomerRegistrationStack,
    { verifyToken, write, newId, rateLimit }: LocalApplicationOptions,
  ): Promise<LocalApplication> {
    const environment = await simulation.environmentFor('CustomerRegistration/InstanceRole');
    const region = environment['AWS_REGION'];
    const credentials = {
      accessKeyId: environment['AWS_ACCESS_KEY_ID']!,
      secretAccessKey: environment['AWS_SECRET_ACCESS_KEY']!,
    };
    const here = { region, credentials, endpoint: environment['AWS_ENDPOINT_URL'] };
    const nowMs = () => simulation.clock.nowMs();
    const bucket = (construct: string) => simulation.physicalId(`${stack.node.path}/${construct}`, 'AWS::S3::Bucket');
    const table = (construct: string) =>
      simulation.physicalId(`${stack.node.path}/${construct}`, 'AWS::DynamoDB::Table');
    const surroundings: Surroundings = {
      dynamodb: new DynamoDBClient(here),
      s3: new S3Client({ ...here, forcePathStyle: true }),
      formSigner: createFormSigner({ region, credentials }, nowMs),
      stores: {
        customerTable: table('Customers'),
        ledgerTable: table('Ledger'),
        attachmentBucket: bucket('Attachments'),
        resultBucket: bucket('Results'),
        quarantineBucket: bucket('Quarantine'),
      },
      verifyToken,
      rateLimit: rateLimit ?? new RateLimit(nowMs),
      log: createLog(write, nowMs),
      nowMs,
      newId,
    };
    const application = createApplication(surroundings);
    const served = await simulation.serve();
    const { address, close } = await listen(application);
    return new LocalApplication(address, application, surroundings, served, async () => {
      await close();
      surroundings.dynamodb.destroy();
      surroundings.s3.destroy();
    });
  }

  /** Sends a file by the form that the application has signed, as a browser does.
   * @returns the status that S3 answers with */
  async send(
    form: { readonly url: string; readonly fields: Readonly<Record<string, string>> },
    content: Uint8Array | string,
  ): Promise<number> {
    const data = new FormData();
    for (const [name, value] of Object.entries(form.fields)) data.append(name, value);
    data.append('file', new Blob([typeof content === 'string' ? content : new Uint8Array(content)]));
    const response = await fetch(this.served.addressOf(form.url)!, { method: 'POST', body: data });
    await response.arrayBuffer();
    return response.status;
  }
}

/** An answer of the application. */
export interface Answer<Body = Readonly<Record<string, never>>> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly body: Body;
}

/** Calls the application over HTTP. */
export async function call<
  Body = { readonly code: string; readonly message: string; readonly fields?: readonly { readonly message: string }[] },
>(
  address: string,
  route: string,
  options: {
    readonly token?: string;
    readonly json?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Promise<Answer<Body>> {
  const [method, path = '/'] = route.split(' ') as [string, string?];
  const body = options.json === undefined ? undefined : JSON.stringify(options.json);
  return new Promise((resolve, reject) => {
    const sent = request(
      `${address}${path}`,
      {
        method,
        headers: {
          ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...options.headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const isJson = response.headers['content-type']?.startsWith('application/json') === true;
          const parsed = (isJson ? JSON.parse(text) : {}) as Body;
          resolve({ status: response.statusCode!, headers: response.headers, text, body: parsed });
        });
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** What looks every minute or every hour whether there is something to do. */
export const schedules = ['CustomerRegistration/Fleet/Keeper/Schedule', 'CustomerRegistration/Attachment/Events/Sweep'];

/** Signs for the addresses that AWS has, where `send` finds what stands in for them here, and in virtual time: a form that were signed in
 * real time would have ended as soon as virtual time is ten minutes ahead. */
function createFormSigner(options: S3ClientConfig, nowMs: () => number): S3Client {
  const signer = new S3Client(options);
  Object.defineProperty(signer.config, 'systemClockOffset', {
    get: () => nowMs() - (performance.timeOrigin + performance.now()),
  });
  return signer;
}

async function listen(
  application: Application,
): Promise<{ readonly address: string; readonly close: () => Promise<void> }> {
  let server: ReturnType<typeof serve> | undefined;
  const { port } = await new Promise<AddressInfo>((resolve) => {
    server = serve({ fetch: application.fetch, hostname: '127.0.0.1', port: 0 }, resolve);
  });
  return {
    address: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve, reject) => {
        server!.close((error) => (error === undefined ? resolve() : reject(error)));
        if ('closeAllConnections' in server!) server.closeAllConnections();
      }),
  };
}

/** The customer registration in the emulator's account: the published application runs here as it would on an instance, a member of staff
 * signs in at the deployed user pool, and a customer goes from registration to erasure. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sampleCustomer } from '../../examples/customer-registration/samples';
import { freePort, type Emulator } from './emulator';
import type { Scenario, Stage } from './scenarios';
import { signIn } from './staff';

/** Longest time that the application may take to start, and a file to be processed. */
const startLimitMs = 30_000;
const processingLimitMs = 240_000;

interface Attachment {
  readonly id: string;
  readonly state: string;
  readonly reasons: readonly string[];
}

interface Form {
  readonly attachment: Attachment;
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The application, as long as it runs, and what the steps hand on. */
class Registration {
  private application?: ChildProcess;
  private address = '';
  private token = '';
  private customer = '';

  /** Starts what the launch template would: the same file, with the same settings. */
  async start({ account, emulator, folder }: Stage): Promise<string> {
    const { source, settings } = readUserData(await account.userData());
    const program = join(folder, 'main.js');
    const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(source)!;
    writeFileSync(program, await account.read(bucket!, key!));
    const port = await freePort();
    const log = openSync(join(folder, 'application.log'), 'a');
    this.application = spawn(process.execPath, ['--import', keysFrom(emulator), program], {
      env: {
        ...{ ...emulator.environment, ...settings },
        ...{ HOST: '127.0.0.1', PORT: String(port), DATA_DIRECTORY: folder },
      },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.address = `http://127.0.0.1:${port}`;
    for (const startMs = performance.now(); performance.now() - startMs < startLimitMs; await sleep(100)) {
      const response = await fetch(`${this.address}/health`).catch(() => undefined);
      if (response?.ok)
        return 'without an instance: none of the emulator runs its user data, so it runs beside it, and not behind the load balancer';
    }
    throw new Error(`The application does not answer:\n${readFileSync(join(folder, 'application.log'), 'utf8')}`);
  }

  async signIn({ account, emulator }: Stage): Promise<string> {
    assert.equal((await this.call('POST /customers', sampleCustomer)).status, 401);
    const { TOKEN_CLIENTS: clientId = '', TOKEN_ISSUER: issuer = '' } = readUserData(await account.userData()).settings;
    this.token = await signIn(emulator, { userPoolId: issuer.split('/').at(-1)!, clientId });
    return 'without the second factor that the pool requires: the emulator sends the code after the password';
  }

  async register(): Promise<void> {
    const { status, body } = await this.call<{ readonly id: string; readonly cpf: string }>(
      'POST /customers',
      sampleCustomer,
    );
    assert.deepEqual({ status, cpf: body.cpf }, { status: 201, cpf: '52998224725' });
    this.customer = `/customers/${body.id}`;
    const taken = { ...sampleCustomer, email: 'other@example.com' };
    const again = await this.call<{ readonly code: string }>('POST /customers', taken);
    assert.deepEqual({ status: again.status, code: again.body.code }, { status: 409, code: 'CPF_TAKEN' });
  }

  /** Two files at once: one is what it says, one is not. */
  async attach({ account }: Stage): Promise<void> {
    const content = 'Cliente desde 2019.\n';
    const [note, fake] = await Promise.all([
      this.send('nota.txt', 'text/plain', content),
      this.send('foto.png', 'image/png', '#!/bin/sh\nexit 0\n'),
    ]);
    const [stored, rejected] = await Promise.all([this.processed(note), this.processed(fake)]);
    assert.deepEqual([stored.state, rejected.state, rejected.reasons.length > 0], ['STORED', 'REJECTED', true]);
    const extract = await this.call(`GET ${this.customer}/attachments/${note}/text`);
    assert.equal(extract.text, content);
    const preview = await this.call(`GET ${this.customer}/attachments/${note}/preview`);
    assert.match(preview.text, /^<svg .*Cliente desde 2019/s);
    const record = await account.record(`attachments/${this.customer.split('/').at(-1)}/${note}`);
    assert.equal(record.status, 'STORED');
    assert.match(JSON.stringify(record), /"recoveryPointArn":"arn:/);
  }

  async erase(): Promise<void> {
    const { status, body } = await this.call<{ readonly files: number }>(`DELETE ${this.customer}`);
    // Two originals, what came of the one, and the other's copy in quarantine.
    assert.ok(status === 200 && body.files >= 5, `${status}, ${body.files} files`);
    assert.equal((await this.call(`GET ${this.customer}`)).status, 404);
  }

  async end(): Promise<void> {
    const { application } = this;
    if (application === undefined || application.exitCode !== null) return;
    const ended = new Promise((resolve) => application.once('exit', resolve));
    application.kill();
    await ended;
  }

  /** @returns the attachment's id */
  private async send(fileName: string, contentType: string, content: string): Promise<string> {
    const { body } = await this.call<Form>(`POST ${this.customer}/attachments`, {
      ...{ fileName, contentType, sizeBytes: content.length },
    });
    const post = async (file: string): Promise<number> => {
      const form = new FormData();
      for (const [name, value] of Object.entries(body.fields)) form.append(name, value);
      form.append('file', new Blob([file]));
      return (await fetch(body.url, { method: 'POST', body: form })).status;
    };
    assert.equal(await post(`${content}more`), 400);
    assert.equal(await post(content), 201);
    return body.attachment.id;
  }

  private async processed(id: string): Promise<Attachment> {
    for (const startMs = performance.now(); performance.now() - startMs < processingLimitMs; await sleep(500)) {
      const { body } = await this.call<Attachment>(`GET ${this.customer}/attachments/${id}`);
      if (!['AWAITING', 'PROCESSING'].includes(body.state)) return body;
    }
    throw new Error(`The attachment ${id} is not processed after ${processingLimitMs / 1000} s`);
  }

  private async call<Body = object>(
    route: string,
    json?: object,
  ): Promise<{ readonly status: number; readonly text: string; readonly body: Body }> {
    const [method, path] = route.split(' ');
    const response = await fetch(`${this.address}${path}`, {
      method: method!,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    return { status: response.status, text, body: (isJson ? JSON.parse(text) : {}) as Body };
  }
}

/** What an instance is told when it starts: where the application is, and its settings. */
function readUserData(script: string): {
  readonly source: string;
  readonly settings: Readonly<Record<string, string>>;
} {
  const { APPLICATION_SOURCE: source, ...settings } = Object.fromEntries(
    [...script.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name!, value!]),
  );
  if (source === undefined) throw new Error(`The user data names no application:\n${script}`);
  return { source, settings };
}

/** A module that sends those who ask Cognito's address for its keys to the emulator, which has them. */
function keysFrom({ endpoint }: Emulator): string {
  const code = `const original = globalThis.fetch;
globalThis.fetch = (address, options) => original(String(address).replace(/^https:\\/\\/cognito-idp[^/]*/, '${endpoint}'), options);`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

const registration = new Registration();

export const customerRegistration: Scenario = {
  example: 'customer-registration',
  shows: 'an application on the fleet behind a load balancer, its user pool, table and workflow',
  steps: {
    'the published application runs with the settings of the launch template': (stage) => registration.start(stage),
    'a member of staff signs in with PKCE, and the application verifies the token': (stage) =>
      registration.signIn(stage),
    'a customer is registered, and the CPF is then taken': () => registration.register(),
    'a file becomes a text and a preview of its customer, and one that is not what it says is rejected': (stage) =>
      registration.attach(stage),
    'the customer is erased, with every version of every file': () => registration.erase(),
  },
  end: () => registration.end(),
};

/** `npm run demo -- --example customer-registration`: a customer from registration to erasure, on simulated services, in virtual time. */
import { simulate, type Simulation } from 'cdk-object-workflow/local';
import type { Demonstration, DemonstrationOptions } from '../demonstration';
import { createTokenVerifier } from './application/verify-token';
import { call, LocalApplication, makeStack, passQuietDays } from './local-application';
import { sampleCustomer, samplePicture } from './samples';
import { clientId, TokenIssuer } from './token-issuer';

/** Tells the story, and with `--serve` leaves the application to whoever sits here. */
export const demonstration: Demonstration = async (options) => {
  options.say('Synthesizing examples/customer-registration …');
  // What CDK finds in the template, a test looks at. It would take longer than the story.
  process.env['CDK_VALIDATION'] ??= 'false';
  await onThisMachine({}, (local) => tell(local, options.say));
  if (options.serve) await onThisMachine({ pace: 60 }, (local) => stayUp(local, options));
};

interface Local {
  readonly simulation: Simulation;
  readonly application: LocalApplication;
  readonly issuer: TokenIssuer;
  readonly log: readonly string[];
}

async function onThisMachine(
  options: { readonly pace?: number },
  work: (local: Local) => Promise<void>,
): Promise<void> {
  const stack = makeStack();
  // Forms end by real time: virtual time begins there, so that they can be used.
  const startMs = Math.floor(performance.timeOrigin + performance.now());
  const simulation = await simulate(stack, { ...options, startMs });
  const issuer = await TokenIssuer.start();
  const log: string[] = [];
  let count = 0;
  try {
    const application = await LocalApplication.start(simulation, stack, {
      verifyToken: createTokenVerifier({ issuer: issuer.issuer, clients: [clientId] }),
      write: (line) => void log.push(line),
      newId: () => (++count).toString(16).padStart(32, '0'),
    });
    try {
      await work({ simulation, application, issuer, log });
    } finally {
      await application.close();
    }
  } finally {
    await issuer.close();
    await simulation.close();
  }
}

interface Customer {
  readonly id: string;
  readonly cpf: string;
  readonly telephone: string;
}

interface Attachment {
  readonly id: string;
  readonly state: string;
}

interface Form {
  readonly attachment: Attachment;
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** The story. @throws Error where it goes another way */
async function tell(local: Local, say: DemonstrationOptions['say']): Promise<void> {
  const { application, issuer, simulation } = local;
  const { address } = application;
  say(`start     the application answers at ${address}`);
  expect((await call(address, 'POST /customers', { json: sampleCustomer })).status, 401);
  say('login     without a token: 401');
  const token = await issuer.issue(['read', 'write', 'erase']);

  const { body: customer } = await call<Customer>(address, 'POST /customers', { token, json: sampleCustomer });
  say(`register  ${sampleCustomer.name}, CPF ${sampleCustomer.cpf} stored as ${customer.cpf}, ${customer.telephone}`);
  await tellRefusals(address, token, say);
  const path = `/customers/${customer.id}`;
  const picture = await attach(
    local,
    token,
    path,
    { fileName: 'documento.png', contentType: 'image/png' },
    samplePicture(),
  );
  const note = await attach(
    local,
    token,
    path,
    { fileName: 'nota.txt', contentType: 'text/plain' },
    'Cliente desde 2019.\n',
  );
  const fake = await attach(
    local,
    token,
    path,
    { fileName: 'foto.png', contentType: 'image/png' },
    '#!/bin/sh\nexit 0\n',
  );
  say('attach    documento.png, nota.txt and foto.png, straight to S3 by signed forms');
  await simulation.settle();
  for (const { id, state } of [
    { id: picture, state: 'STORED' },
    { id: note, state: 'STORED' },
    { id: fake, state: 'REJECTED' },
  ]) {
    const { body } = await call<Attachment & { readonly fileName: string; readonly reasons: readonly string[] }>(
      address,
      `GET ${path}/attachments/${id}`,
      { token },
    );
    expect(body.state, state);
    say(`process   ${body.fileName}: ${body.state}${body.reasons.map((reason) => `, ${reason}`).join('')}`);
  }
  const extract = await call(address, `GET ${path}/attachments/${note}/text`, { token });
  say(`results   the text of nota.txt: ${extract.text.trim()}`);

  await passQuietDays(simulation, 91);
  tellArchive(local, say);
  const content = await call(address, `GET ${path}/attachments/${picture}/content`, { token });
  say(`archive   documento.png is asked for: ${content.status}, ${content.body.message}`);
  const exported = await call<{ readonly attachments: readonly unknown[] }>(address, `GET ${path}/export`, { token });
  say(`export    the customer and ${exported.body.attachments.length} attachments, ${exported.text.length} characters`);
  const erased = await call<{ readonly files: number }>(address, `DELETE ${path}`, { token });
  expect(erased.status, 200);
  expect((await call(address, `GET ${path}`, { token })).status, 404);
  say(`erase     the customer and ${erased.body.files} versions of files are gone`);
  const personal = [sampleCustomer.name, customer.cpf, sampleCustomer.email, sampleCustomer.address.street];
  const leaks = local.log.filter((line) => personal.some((text) => line.includes(text)));
  expect(leaks.length, 0);
  say(`log       ${local.log.length} lines, none with personal data`);
  const denied = simulation.permissions().denied;
  expect(JSON.stringify(denied), '[]');
  say('Done. No call was made that its role may not make.');
}

async function tellRefusals(address: string, token: string, say: DemonstrationOptions['say']): Promise<void> {
  const wrong: readonly (readonly [string, object])[] = [
    ['a CPF with other check digits', { ...sampleCustomer, cpf: '529.982.247-26' }],
    ['a taken e-mail', { ...sampleCustomer, cpf: '168.995.350-09' }],
    ['no name', { ...sampleCustomer, cpf: '168.995.350-09', name: ' ' }],
  ];
  for (const [what, json] of wrong) {
    for (const language of ['pt-BR', 'en']) {
      const headers = { 'accept-language': language };
      const { status, body } = await call(address, 'POST /customers', { token, json, headers });
      expect(status === 409 || status === 422, true);
      const words = body.fields?.map(({ message }) => message).join(' ') ?? body.message;
      say(`refuse    ${what}: ${status} ${words}`);
    }
  }
}

/** @returns the attachment's id */
async function attach(
  { application }: Local,
  token: string,
  path: string,
  file: { readonly fileName: string; readonly contentType: string },
  content: Uint8Array | string,
): Promise<string> {
  const json = { ...file, sizeBytes: Buffer.byteLength(content) };
  const { body } = await call<Form>(application.address, `POST ${path}/attachments`, { token, json });
  expect(await application.send(body, content), 201);
  return body.attachment.id;
}

function tellArchive({ simulation, application }: Local, say: DemonstrationOptions['say']): void {
  for (const version of simulation.services.s3.versions(application.surroundings.stores.attachmentBucket)) {
    const size = `${Math.ceil(version.sizeBytes / 1024)} KiB`;
    say(`archive   91 days later: ${version.storageClass.padEnd(8)} ${size.padStart(8)}  ${version.key}`);
  }
  const points = [...simulation.services.backup.jobs.recoveryPoints.values()];
  const tables = points.filter(({ resourceArn }) => resourceArn.includes(':table/'));
  say(`backup    ${points.length} recovery points, ${tables.length} of them of the customers`);
}

async function stayUp({ application, issuer }: Local, { say, interrupted }: DemonstrationOptions): Promise<void> {
  const token = await issuer.issue(['read', 'write', 'erase'], {}, '1d');
  say(`\nThe application is at ${application.address}; its description at ${application.address}/openapi.json`);
  say(`  export TOKEN=${token}`);
  say(`  curl -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\`);
  say(`    -d '${JSON.stringify(sampleCustomer)}' ${application.address}/customers`);
  say('A minute passes in a second. Ctrl+C ends it.');
  if (!interrupted.aborted) await new Promise((resolve) => interrupted.addEventListener('abort', resolve));
}

function expect(got: unknown, expected: unknown): void {
  if (got !== expected) {
    throw new Error(`The story went another way\n  got: ${String(got)}\n  expected: ${String(expected)}`);
  }
}

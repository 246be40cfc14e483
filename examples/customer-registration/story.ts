/** The customer's story, from registration to erasure: told by the demo, and run by a test. */
import type { Simulation } from 'cdk-object-workflow/local';
import type { DemonstrationOptions } from '../demonstration';
import { passQuietDays } from '../demonstration';
import { call, schedules, type LocalApplication } from './local-application';
import { sampleCustomer, samplePicture } from './samples';

/** Where the story happens. */
export interface Scene {
  readonly simulation: Simulation;
  readonly application: LocalApplication;
  /** A token with all rights. */
  readonly token: string;
  /** Lines of the application's log. */
  readonly log: readonly string[];
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
export async function tell(scene: Scene, say: DemonstrationOptions['say']): Promise<void> {
  const { application, simulation, token } = scene;
  const { address } = application;
  say(`start     the application answers at ${address}`);
  expect((await call(address, 'POST /customers', { json: sampleCustomer })).status, 401);
  say('login     without a token: 401');

  const { body: customer } = await call<Customer>(address, 'POST /customers', { token, json: sampleCustomer });
  say(`register  ${sampleCustomer.name}, CPF ${sampleCustomer.cpf} stored as ${customer.cpf}, ${customer.telephone}`);
  await tellRefusals(address, token, say);
  const path = `/customers/${customer.id}`;
  const picture = await attach(scene, path, { fileName: 'documento.png', contentType: 'image/png' }, samplePicture());
  const note = await attach(scene, path, { fileName: 'nota.txt', contentType: 'text/plain' }, 'Cliente desde 2019.\n');
  const fake = await attach(scene, path, { fileName: 'foto.png', contentType: 'image/png' }, '#!/bin/sh\nexit 0\n');
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

  await passQuietDays(simulation, schedules, 91);
  tellArchive(scene, say);
  const content = await call(address, `GET ${path}/attachments/${picture}/content`, { token });
  say(`archive   documento.png is asked for: ${content.status}, ${content.body.message}`);
  const exported = await call<{ readonly attachments: readonly unknown[] }>(address, `GET ${path}/export`, { token });
  say(`export    the customer and ${exported.body.attachments.length} attachments, ${exported.text.length} characters`);
  const erased = await call<{ readonly files: number }>(address, `DELETE ${path}`, { token });
  expect(erased.status, 200);
  expect((await call(address, `GET ${path}`, { token })).status, 404);
  say(`erase     the customer and ${erased.body.files} versions of files are gone`);
  const personal = [sampleCustomer.name, customer.cpf, sampleCustomer.email, sampleCustomer.address.street];
  const leaks = scene.log.filter((line) => personal.some((text) => line.includes(text)));
  expect(leaks.length, 0);
  say(`log       ${scene.log.length} lines, none with personal data`);
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
  { application, token }: Scene,
  path: string,
  file: { readonly fileName: string; readonly contentType: string },
  content: Uint8Array | string,
): Promise<string> {
  const json = { ...file, sizeBytes: Buffer.byteLength(content) };
  const { body } = await call<Form>(application.address, `POST ${path}/attachments`, { token, json });
  expect(await application.send(body, content), 201);
  return body.attachment.id;
}

function tellArchive({ simulation, application }: Scene, say: DemonstrationOptions['say']): void {
  for (const version of simulation.services.s3.versions(application.surroundings.stores.attachmentBucket)) {
    const size = `${Math.ceil(version.sizeBytes / 1024)} KiB`;
    say(`archive   91 days later: ${version.storageClass.padEnd(8)} ${size.padStart(8)}  ${version.key}`);
  }
  const points = [...simulation.services.backup.jobs.recoveryPoints.values()];
  const tables = points.filter(({ resourceArn }) => resourceArn.includes(':table/'));
  say(`backup    ${points.length} recovery points, ${tables.length} of them of the customers`);
}

function expect(got: unknown, expected: unknown): void {
  if (got !== expected) {
    throw new Error(`The story went another way\n  got: ${String(got)}\n  expected: ${String(expected)}`);
  }
}

import { rmSync } from 'node:fs';
import { simulate, type ServedSimulation, type Simulation } from '../../local';
import type { CreatedUpload, ResultPage, Upload, UploadPage } from '../../tasks/portal/messages';
import { synthesizePortal } from './assembly';
import { call, readSettings, sendForm, signIn, type Answer } from './visitor';

const ana = { email: 'ana@example.com', password: 'Correct-horse-1' };
const bruno = { email: 'bruno@example.com', password: 'Battery-staple-2' };
const content = 'day,amount\n2026-01-01,3\n';

let assembly: string;
let simulation: Simulation;
let served: ServedSimulation;
let api: string;
let token: string;

beforeAll(() => {
  assembly = synthesizePortal();
}, 120_000);
afterAll(() => rmSync(assembly, { recursive: true, force: true }));

beforeEach(async () => {
  simulation = await simulate(assembly);
  served = await simulation.serve({ users: [ana, bruno] });
  api = (await readSettings(served)).api;
  token = (await signIn(served, ana)).access_token;
});
afterEach(() => simulation.close());

const announce = (file: Partial<{ fileName: string; sizeBytes: number; contentType: string }> = {}, as = token) =>
  call<CreatedUpload & { reasons: { code: string }[] }>(api, as, 'POST /uploads', {
    ...{ fileName: 'sales.csv', sizeBytes: content.length, contentType: 'text/csv' },
    ...file,
  });

function formOf({ body }: Answer<CreatedUpload>): {
  readonly address: string;
  readonly fields: Record<string, string>;
} {
  if (body.transfer.kind !== 'form') throw new Error('This file is to be sent in parts');
  return body.transfer;
}

/** Until the workflow is done. Hours may have passed by then. */
async function settle(): Promise<void> {
  await simulation.settle();
  token = (await signIn(served, ana)).access_token;
}

test('a file is announced, sent, processed and its result downloaded', async () => {
  const announced = await announce();
  expect(announced).toMatchObject({ status: 201, body: { upload: { state: 'AWAITING', fileName: 'sales.csv' } } });
  const { id } = announced.body.upload;
  expect((await sendForm(formOf(announced), content)).status).toBe(201);
  expect((await call(api, token, `POST /uploads/${id}/complete`)).body).toMatchObject({ state: 'RECEIVED' });
  await settle();
  const read = await call<Upload>(api, token, `GET /uploads/${id}`);
  expect(read.body).toMatchObject({ state: 'STORED', results: { fileCount: 1 } });
  const results = await call<ResultPage>(api, token, `GET /uploads/${id}/results`);
  expect(results.body.files).toEqual([{ index: 0, path: 'lines.txt', sizeBytes: 2 }]);
  const { body } = await call<{ address: string }>(api, token, `GET /uploads/${id}/results/0`);
  const download = await fetch(body.address);
  expect(await download.text()).toBe('2\n');
  expect(download.headers.get('content-disposition')).toContain('attachment; filename="lines.txt"');
  const { body: list } = await call<UploadPage>(api, token, 'GET /uploads');
  expect(list.uploads).toMatchObject([{ id, state: 'STORED' }]);
});

/** A crowd at the portal: many files at once, by two people, into stores that are encrypted with a key of the stack's own.
 * `FILES=1000 npx jest test/portal/portal-crowd` sends a thousand. */
import { rmSync } from 'node:fs';
import { simulate, type ServedSimulation, type Simulation } from '../../local';
import type { CreatedUpload, Upload, UploadPage } from '../../tasks/portal/messages';
import { SimulatedInstances } from '../simulation/instances';
import { synthesizePortal } from './assembly';
import { call, readSettings, sendForm, signIn } from './visitor';

const people = [
  { email: 'ana@example.com', password: 'Correct-horse-1' },
  { email: 'bruno@example.com', password: 'Battery-staple-2' },
];
const fileCount = Number(process.env['FILES'] ?? 60);
/** What a browser keeps open, times the people. */
const atOnce = 50;

let assembly: string;
let simulation: Simulation;
let served: ServedSimulation;
let api: string;

beforeAll(async () => {
  assembly = synthesizePortal({ instanceCount: 50, encryptionKey: true });
  simulation = await simulate(assembly, { clients: 'direct' });
  void new SimulatedInstances(simulation);
  served = await simulation.serve({ users: people });
  ({ api } = await readSettings(served));
}, 120_000);
afterAll(async () => {
  await simulation.close();
  rmSync(assembly, { recursive: true, force: true });
});

const signInAll = () => Promise.all(people.map(async (person) => (await signIn(served, person)).access_token));

async function send(index: number, tokens: readonly string[]): Promise<string> {
  const content = JSON.stringify({
    id: `${index}`,
    behaviour: index % 10 === 0 ? 'rejects' : 'stores',
    durationMs: 1000,
  });
  const { status, body } = await call<CreatedUpload>(api, tokens[index % people.length], 'POST /uploads', {
    ...{ fileName: `file-${index}.csv`, sizeBytes: content.length, contentType: 'text/csv' },
  });
  if (body.transfer?.kind !== 'form') throw new Error(`No form, but ${status}: ${JSON.stringify(body)}`);
  expect((await sendForm(body.transfer, content)).status).toBe(201);
  return body.upload.id;
}

async function listAll(token: string): Promise<Upload[]> {
  const found: Upload[] = [];
  let next: string | undefined = '';
  while (next !== undefined) {
    const { body }: { body: UploadPage } = await call<UploadPage>(api, token, `GET /uploads${next}`);
    found.push(...body.uploads);
    next = body.next === undefined ? undefined : `?before=${body.next}`;
  }
  return found;
}

test('files that people send at once each end stored or rejected, and nobody sees another’s', async () => {
  const tokens = await signInAll();
  const ids: string[] = [];
  let index = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (index < fileCount) {
        const mine = index++;
        ids[mine] = await send(mine, tokens);
      }
    }),
  );
  await simulation.settle();
  const [first, second] = await signInAll();
  const lists = [await listAll(first!), await listAll(second!)];
  lists.forEach((uploads, person) => {
    expect(uploads.map(({ id }) => id).sort()).toEqual(ids.filter((_, at) => at % people.length === person).sort());
    for (const { id, state } of uploads) {
      expect([id, state]).toEqual([id, ids.indexOf(id) % 10 === 0 ? 'REJECTED' : 'STORED']);
    }
  });
  expect((await call(api, second, `GET /uploads/${ids[0]}`)).status).toBe(404);
  expect(simulation.permissions().denied).toEqual([]);
}, 900_000);

/** The registration's rules, its API fuzzed from its own description, a crowd at once, and what runs on its instances in real bash. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simulate, type SimulateOptions, type Simulation } from 'cdk-object-workflow/local';
import fc from 'fast-check';
import { accessLogs } from '../../test/access/excused-grants';
import { PermissionJudge } from '../../test/access/permission-judge';
import { completeErasures } from './application/application';
import { readCpf, readDetails } from './application/customer';
import { languageOf } from './application/messages';
import { RateLimit } from './application/rate-limit';
import * as routes from './application/routes';
import { call, LocalApplication, makeStack } from './local-application';
import { processQuickly, resultsOf } from './quick-instances';
import { sampleCustomer, samplePicture } from './samples';
import { tell } from './story';
import type { CustomerRegistrationStack } from './stack';

jest.setTimeout(180_000);

/** How many files a crowd sends at once, all of which go through the whole workflow.
 * `FILES=1000 npx jest examples/customer-registration` sends a thousand: 50 s of a processor instead of 9. */
const fileCount = Number(process.env['FILES'] ?? 100);

const folder = mkdtempSync(join(tmpdir(), 'customer-registration-'));
const log: string[] = [];
const judge = new PermissionJudge();
let simulation: Simulation;
let stack: CustomerRegistrationStack;
let local: LocalApplication;

/** Rights and a subject stand in the token itself: the application's own verification has a test of its own. */
const token = (rights = 'read write erase', subject = 'staff') =>
  `x.${Buffer.from(JSON.stringify({ sub: subject, scope: rights.replace(/(\w+)/g, 'registrations/$1') })).toString('base64url')}.x`;

/** Deploys the stack once more, and starts the application against it. */
async function start(
  lines: string[],
  options: SimulateOptions = {},
): Promise<{ simulation: Simulation; local: LocalApplication }> {
  const simulation = await simulate(stack, options);
  let count = 0;
  const local = await LocalApplication.start(simulation, stack, {
    verifyToken: (text) =>
      Promise.resolve(JSON.parse(Buffer.from(text.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>),
    write: (line) => void lines.push(line),
    newId: () => (++count).toString(16).padStart(32, '0'),
    rateLimit: new HastyLimit(() => simulation.clock.nowMs()),
  });
  return { simulation, local };
}

/** Limits one caller alone: a crowd in a test is one. */
class HastyLimit extends RateLimit {
  override take(subject: string): void {
    if (subject === 'hasty') super.take(subject);
  }
}

beforeAll(async () => {
  process.env['CDK_VALIDATION'] ??= 'false';
  stack = makeStack();
  ({ simulation, local } = await start(log, { clients: 'direct' }));
  processQuickly(simulation);
});
afterAll(async () => {
  await local.close();
  await simulation.close();
  rmSync(folder, { recursive: true, force: true });
});

const digit = fc.integer({ min: 0, max: 9 });
const digits = fc.array(digit, { minLength: 9, maxLength: 9 }).filter((nine) => new Set(nine).size > 1);

/** A second computation of the check digits: weights from 2, the remainder of eleven. */
function cpfOf(nine: readonly number[]): string {
  const check = (known: readonly number[]) => {
    const sum = known.reduce((total, value, index) => total + value * (known.length + 1 - index), 0);
    return ((sum * 10) % 11) % 10;
  };
  const first = check(nine);
  return [...nine, first, check([...nine, first])].join('');
}

const numbered = (index: number) => cpfOf([...String(100_000_000 + index)].map(Number));
const format = (cpf: string) => cpf.replace(/^(...)(...)(...)(..)$/, '$1.$2.$3-$4');

describe('a CPF', () => {
  test('is accepted with its check digits, formatted or not, and stored as eleven digits', () => {
    fc.assert(
      fc.property(digits, fc.boolean(), (nine, isFormatted) => {
        const cpf = cpfOf(nine);
        expect(readCpf(isFormatted ? format(cpf) : ` ${cpf} `)).toEqual({ value: cpf });
      }),
      { seed: 1 },
    );
  });

  // Not every changed digit shows: remainders of 10 and 0 have one check digit. So what a changed number is, the second computation says.
  test('is refused when its check digits are others', () => {
    fc.assert(
      fc.property(digits, fc.nat(10), fc.integer({ min: 1, max: 9 }), (nine, at, more) => {
        const cpf = [...cpfOf(nine)];
        cpf[at] = String((Number(cpf[at]) + more) % 10);
        const isOne = new Set(cpf).size > 1 && cpf.join('') === cpfOf(cpf.slice(0, 9).map(Number));
        expect(readCpf(cpf.join(''))).toEqual(isOne ? { value: cpf.join('') } : { problem: 'check_digits' });
      }),
      { seed: 1 },
    );
  });

  test.each([
    '111.111.111-11',
    'abc529.982.247-25',
    '529 982 247 25',
    '529.98224725',
    '５２９.982.247-25',
    '5299822472',
  ])('is not %p', (text) => expect(readCpf(text)).toHaveProperty('problem'));
});

describe('details', () => {
  test('are stored in one form, however they were typed', () => {
    const typed = {
      ...sampleCustomer,
      name: '  José   da Silva ',
      telephone: '+55 11 98765 4321',
      address: { ...sampleCustomer.address, complement: ' ' },
    };
    expect(readDetails(typed)).toEqual({
      details: {
        name: 'José da Silva',
        email: 'ana.souza@example.com',
        telephone: '+5511987654321',
        address: { ...sampleCustomer.address, postalCode: '01310100', state: 'SP' },
      },
    });
  });

  test('are refused with everything that is wrong at once', () => {
    const typed = {
      name: '12',
      email: 'ana@',
      telephone: '123',
      address: { ...sampleCustomer.address, postalCode: '1310-100', state: 'XX', street: 'a'.repeat(161), city: '' },
    };
    expect(readDetails(typed)).toEqual({
      problems: {
        name: 'malformed',
        email: 'malformed',
        telephone: 'malformed',
        'address.postalCode': 'malformed',
        'address.state': 'malformed',
        'address.street': 'too_long',
        'address.city': 'missing',
      },
    });
  });
});

test.each([
  [undefined, 'pt-BR'],
  ['pt-BR,pt;q=0.9,en;q=0.8', 'pt-BR'],
  ['en-US,en;q=0.9', 'en'],
  ['de;q=1, en;q=0.5', 'en'],
  ['fr', 'pt-BR'],
])('with Accept-Language %p people read %s', (header, language) => expect(languageOf(header)).toBe(language));

describe('the API', () => {
  const post = (json: unknown, headers = {}) =>
    call(local.address, 'POST /customers', { token: token(), json, headers });

  test('says what to do, in the language that was asked for', async () => {
    const english = await post({ ...sampleCustomer, cpf: '529.982.247-26', name: ' ' }, { 'accept-language': 'en' });
    expect(english).toMatchObject({
      status: 422,
      body: {
        code: 'INVALID',
        fields: [
          { field: 'name', code: 'missing', message: 'Enter the name.' },
          { field: 'cpf', code: 'check_digits', message: 'Check the CPF: its check digits do not fit.' },
        ],
      },
    });
    const { name: _, ...nameless } = sampleCustomer;
    expect(await post(nameless)).toMatchObject({
      status: 422,
      body: { fields: [{ field: 'name', code: 'missing', message: 'Informe o nome.' }] },
    });
  });

  test.each([
    ['no token', undefined, 401],
    ['a token that is none', 'Bearer x', 401],
    ['a token without rights', `Bearer ${token('')}`, 403],
    ['a token that may only read', `Bearer ${token('read')}`, 403],
  ])('answers a registration with %s', async (_, authorization, status) => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    expect((await call(local.address, 'POST /customers', { json: sampleCustomer, headers })).status).toBe(status);
  });

  test('changes what nobody else has changed meanwhile, and moves the e-mail', async () => {
    const created = await post({ ...sampleCustomer, cpf: numbered(1), email: 'first@example.com' });
    const { id } = created.body as unknown as { id: string };
    const { cpf: __, ...details } = sampleCustomer;
    const change = (version: number, email: string) =>
      call(local.address, `PUT /customers/${id}`, {
        token: token(),
        json: { ...details, email },
        headers: { 'if-match': `"${version}"` },
      });
    expect(created.headers['etag']).toBe('"1"');
    expect((await change(1, 'second@example.com')).body).toMatchObject({ version: 2, email: 'second@example.com' });
    expect((await change(1, 'third@example.com')).status).toBe(412);
    // What was left is free again; what was taken is not.
    expect((await post({ ...sampleCustomer, cpf: numbered(2), email: 'first@example.com' })).status).toBe(201);
    expect((await change(2, 'first@example.com')).body.code).toBe('EMAIL_TAKEN');
    const both = await Promise.all([change(2, 'a@example.com'), change(2, 'b@example.com')]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
  });

  test('makes a caller wait who asks too often, and no other', async () => {
    const ask = (subject: string) =>
      call(local.address, `GET /customers/${'0'.repeat(32)}`, { token: token('read', subject) });
    const answers = await Promise.all(Array.from({ length: 121 }, () => ask('hasty')));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(1);
    expect(refused[0]!.headers['retry-after']).toBe('1');
    expect((await ask('calm')).status).toBe(404);
  });

  test('answers whatever its description lets through, and what it does not, as described: never 500, no personal data in the log', async () => {
    const { body: document } = await call<OpenApi>(local.address, 'GET /openapi.json');
    const before = log.length;
    const typed = new Set<string>();
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
    expect(operations).toHaveLength(Object.keys(routes).length);
    await fc.assert(
      fc.asyncProperty(fc.oneof(...operations.map((operation) => requestFor(document, operation))), async (sent) => {
        const init = { method: sent.method.toUpperCase(), headers: sent.headers, body: sent.body };
        const response = await local.application.request(sent.path, init);
        const described = sent.operation.responses[String(response.status)];
        expect({ status: response.status, isDescribed: described !== undefined }).toEqual({
          status: response.status,
          isDescribed: true,
        });
        const text = await response.text();
        const schema = described!.content?.['application/json']?.schema;
        if (schema !== undefined) expect(problemsOf(document, schema, JSON.parse(text))).toEqual([]);
        for (const value of sent.personal) typed.add(value);
      }),
      { numRuns: 150, seed: 7 },
    );
    const lines = log.slice(before).join('');
    expect(lines).not.toContain('"status":500');
    expect([...typed].filter((value) => value.length > 5 && lines.includes(value))).toEqual([]);
  });
});

test('a customer is registered, gets files processed, sees them archived after 90 days, is exported and erased', async () => {
  const lines: string[] = [];
  const scene = await start(lines);
  try {
    const told: string[] = [];
    const say = (line: string) => void told.push(line);
    await tell({ simulation: scene.simulation, application: scene.local, token: token(), log: lines }, say);
    const story = told.join('\n');
    expect(story).toContain('process   documento.png: STORED');
    expect(story).toContain('process   foto.png: REJECTED');
    expect(story).toContain('the text of nota.txt: Cliente desde 2019.');
    expect(story).toMatch(/91 days later: GLACIER +193 KiB/);
    expect(story).toMatch(/91 days later: STANDARD +1 KiB/);
    const jobs = [...scene.simulation.services.backup.jobs.all.values()];
    const ends = new Set(jobs.map(({ resourceType, state }) => `${resourceType} ${state}`));
    expect([...ends].sort()).toEqual(['DynamoDB COMPLETED', 'S3 COMPLETED']);
    judge.add(scene.simulation);
  } finally {
    await scene.local.close();
    await scene.simulation.close();
  }
});

test('a file that was not sent is not there yet; a rejected one is erased from quarantine, and in the end from the note', async () => {
  const { simulation: own, local: application } = await start([]);
  try {
    const ask = <Body>(route: string, json?: object) =>
      call<Body>(application.address, route, { token: token(), ...(json !== undefined && { json }) });
    const { id } = (await ask<{ readonly id: string }>('POST /customers', sampleCustomer)).body;
    const { body: announced } = await ask<{
      readonly attachment: { readonly id: string };
      readonly url: string;
      readonly fields: Readonly<Record<string, string>>;
    }>(`POST /customers/${id}/attachments`, { fileName: 'a.png', contentType: 'image/png', sizeBytes: 4 });
    const path = `/customers/${id}/attachments/${announced.attachment.id}`;
    expect(await ask(`GET ${path}/content`)).toMatchObject({ status: 409 });
    expect(await application.send(announced, 'text')).toBe(201);
    await own.settle();
    expect(await ask(`GET ${path}`)).toMatchObject({ body: { state: 'REJECTED' } });
    const { quarantineBucket, customerTable } = application.surroundings.stores;
    expect(own.services.s3.versions(quarantineBucket)).not.toEqual([]);
    expect(await ask(`DELETE /customers/${id}`)).toMatchObject({ status: 200 });
    expect(own.services.s3.versions(quarantineBucket)).toEqual([]);
    await own.advance(2 * 60 * 60_000);
    await completeErasures(application.surroundings);
    const notes = JSON.stringify(own.services.dynamodb.items(customerTable));
    expect([notes.includes(id), notes.includes(announced.attachment.id)]).toEqual([true, false]);
    judge.add(own);
  } finally {
    await application.close();
    await own.close();
  }
});

describe('a thousand at once', () => {
  const persons = Array.from({ length: 500 }, (_, index) => ({
    ...sampleCustomer,
    cpf: numbered(1000 + index),
    email: `crowd-${index}@example.com`,
  }));
  const byCpf = new Map<string, string>();

  test('registers nobody twice and loses nobody, whoever else registers them at that moment', async () => {
    // Each person twice: half of the second ones with the CPF alone in common, half with the e-mail.
    const rivals = persons.map((person, index) =>
      index % 2 === 0 ? { ...person, email: `rival-${index}@example.com` } : { ...person, cpf: numbered(5000 + index) },
    );
    const answers = await inGroups([...persons, ...rivals], 100, (json) =>
      call<{ id: string; cpf: string; email: string; code: string }>(local.address, 'POST /customers', {
        token: token(),
        json,
      }),
    );
    const registered = answers.filter(({ status }) => status === 201);
    expect(answers.filter(({ status }) => status !== 201 && status !== 409)).toEqual([]);
    expect(registered).toHaveLength(persons.length);
    for (const name of ['cpf', 'email', 'id'] as const) {
      expect(new Set(registered.map(({ body }) => body[name])).size).toBe(persons.length);
    }
    for (const [index] of persons.entries()) {
      expect([answers[index]!, answers[persons.length + index]!].filter(({ status }) => status === 201)).toHaveLength(
        1,
      );
    }
    for (const { body } of registered) byCpf.set(body.cpf, body.id);
  });

  test('lets a form store that file alone, and not a byte more', async () => {
    const [id, other] = [...byCpf.values()] as [string, string];
    const json = { fileName: 'a.txt', contentType: 'text/plain', sizeBytes: 3 };
    const { body } = await call<{ url: string; fields: Record<string, string> }>(
      local.address,
      `POST /customers/${id}/attachments`,
      { token: token(), json },
    );
    expect(await local.send(body, 'four')).toBe(400);
    const key = body.fields['key']!.replace(id, other);
    expect(await local.send({ ...body, fields: { ...body.fields, key } }, 'abc')).toBe(403);
    expect(await local.send({ ...body, fields: { ...body.fields, 'Content-Type': 'text/html' } }, 'abc')).toBe(403);
  });

  test('erases what a form brings after its customer was erased', async () => {
    const [cpf, id] = [...byCpf].at(-1)!;
    byCpf.delete(cpf);
    const json = { fileName: 'late.txt', contentType: 'text/plain', sizeBytes: 4 };
    const announce = async () => {
      const route = `POST /customers/${id}/attachments`;
      const { body } = await call<{ url: string; fields: Record<string, string> }>(local.address, route, {
        ...{ token: token(), json },
      });
      return body;
    };
    expect(await local.send(await announce(), 'soon')).toBe(201);
    const late = await announce();
    expect(await call(local.address, `DELETE /customers/${id}`, { token: token('read write') })).toMatchObject({
      status: 403,
    });
    expect(await call(local.address, `DELETE /customers/${id}`, { token: token() })).toMatchObject({
      status: 200,
      body: { files: 1 },
    });
    expect(await local.send(late, 'late')).toBe(201);
    const left = () =>
      simulation.services.s3
        .versions(local.surroundings.stores.attachmentBucket)
        .filter(({ key }) => key.startsWith(`attachments/${id}/`));
    expect(left()).toHaveLength(1);
    await completeErasures(local.surroundings);
    expect(left()).toEqual([]);
    const items = JSON.stringify(simulation.services.dynamodb.items(local.surroundings.stores.customerTable));
    expect(items.split(id)).toHaveLength(2); // the note of the erasure, once
  });

  test('stores every file under its own customer, and shows it to no other', async () => {
    const ids = [...byCpf.values()];
    const files = await inGroups(
      Array.from({ length: fileCount }, (_, index) => ids[index % ids.length]!),
      100,
      async (id, index) => {
        const content = `file ${index} of ${id}`;
        const json = { fileName: `${index}.txt`, contentType: 'text/plain', sizeBytes: content.length };
        const { body } = await call<{ attachment: { id: string }; url: string; fields: Record<string, string> }>(
          local.address,
          `POST /customers/${id}/attachments`,
          { token: token(), json },
        );
        expect(await local.send(body, content)).toBe(201);
        return { id, attachmentId: body.attachment.id, content };
      },
    );
    await simulation.settle();
    const resultTexts = new Map(
      simulation.services.s3
        .versions(local.surroundings.stores.resultBucket)
        .map(({ key, body }) => [key, Buffer.from(body).toString()]),
    );
    const get = (path: string) => call<{ state: string }>(local.address, `GET ${path}`, { token: token() });
    const states = await inGroups(files, 100, ({ id, attachmentId }) =>
      get(`/customers/${id}/attachments/${attachmentId}`),
    );
    expect(states.filter(({ body }) => body.state !== 'STORED')).toEqual([]);
    for (const { id, attachmentId, content } of files.filter((_, index) => index % 20 === 0)) {
      const path = `/customers/${id}/attachments/${attachmentId}`;
      const texts = [await get(`${path}/content`), await get(`${path}/text`), await get(`${path}/preview`)];
      expect(texts.map(({ text }) => text)).toEqual([content, content, resultsOf(content)['preview.svg']]);
    }
    // The others by what is stored: asking the application for everything would take most of the time.
    const recorded = new Map(simulation.records().map((record) => [record.key, record]));
    const others = files.filter(({ id, attachmentId, content }) => {
      const { prefix } = recorded.get(`attachments/${id}/${attachmentId}`)!['results'] as { readonly prefix: string };
      return resultTexts.get(`${prefix}files/text.txt`) !== content;
    });
    expect(others).toEqual([]);
    expect(simulation.services.s3.versions(local.surroundings.stores.attachmentBucket)).toHaveLength(fileCount);
    const [first, second] = files as [(typeof files)[number], (typeof files)[number]];
    const stranger = `GET /customers/${second.id}/attachments/${first.attachmentId}`;
    for (const what of ['', '/content', '/text', '/preview']) {
      expect((await call(local.address, `${stranger}${what}`, { token: token() })).status).toBe(404);
    }
  });

  test('makes no call that the instances may not make', () => {
    expect(simulation.permissions().denied).toEqual([]);
    judge.add(simulation);
  });
});

test('every permission is needed, and none is missing', () => {
  expect(judge.problems(accessLogs)).toEqual([]);
});

describe('the command', () => {
  const run = (content: Uint8Array | string, type: string) => {
    const place = mkdtempSync(join(folder, 'run-'));
    writeFileSync(join(place, 'object'), content);
    mkdirSync(join(place, 'results'));
    const { status, stderr } = spawnSync('bash', [join(__dirname, 'process.sh')], {
      cwd: place,
      encoding: 'utf8',
      env: {
        ...process.env,
        OBJECT_FILE: join(place, 'object'),
        OBJECT_CONTENT_TYPE: type,
        RESULTS_DIR: join(place, 'results'),
      },
    });
    const read = (name: string) => {
      const path = join(place, 'results', name);
      return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    };
    return { status, stderr, text: read('text.txt'), preview: read('preview.svg') };
  };

  test('keeps a text, and draws it without taking it for markup', () => {
    const { status, text, preview } = run(
      'Olá <script>alert("&")</script>\nsegunda linha',
      'text/plain; charset=utf-8',
    );
    expect(status).toBe(0);
    expect(text).toBe('Olá <script>alert("&")</script>\nsegunda linha');
    expect(preview).toContain('Olá &lt;script&gt;alert("&amp;")&lt;/script&gt;');
    expect(preview).not.toContain('<script');
  });

  test('shows a picture', () => {
    const picture = samplePicture();
    expect(run(picture, 'image/png')).toMatchObject({
      status: 0,
      preview: expect.stringContaining(picture.toString('base64')) as string,
    });
  });

  test.each([
    ['a script that calls itself a picture', '#!/bin/sh', 'image/png', 'no PNG picture'],
    ['a text that calls itself a document', 'hello', 'application/pdf', 'no PDF document'],
    ['bytes that call themselves text', Buffer.from([0xff, 0xfe, 0x41]), 'text/plain', 'not UTF-8'],
    ['text with NUL bytes', 'a\0b', 'text/csv', 'NUL bytes'],
    ['a type that nobody accepts', 'x', 'text/html', 'text/html is not accepted'],
  ])('rejects %s', (_, content, type, reason) => {
    const { status, stderr } = run(content, type);
    expect(status).toBe(65);
    expect(stderr).toContain(reason);
  });
});

describe('an instance', () => {
  test('is set up by its user data: log and sessions on the data volume, turned over daily, and a unit that writes nowhere else', () => {
    const root = join(folder, 'root');
    const commands = join(folder, 'commands');
    mkdirSync(commands);
    mkdirSync(join(root, 'data'), { recursive: true });
    for (const name of ['dnf', 'useradd', 'systemctl', 'chown', 'aws']) {
      writeFileSync(join(commands, name), `#!/bin/sh\necho "${name} $*" >>'${folder}/calls'\n`);
      chmodSync(join(commands, name), 0o755);
    }
    const settings = {
      ...{
        APPLICATION_SOURCE: 's3://assets/main.js',
        AWS_REGION: 'sa-east-1',
        CUSTOMER_TABLE: 'Customers',
        PORT: '8080',
      },
      ...{ LEDGER_TABLE: 'Ledger', ATTACHMENT_BUCKET: 'a', RESULT_BUCKET: 'r', QUARANTINE_BUCKET: 'q' },
      ...{ TOKEN_ISSUER: 'https://issuer.example', TOKEN_CLIENTS: 'c', DATA_DIRECTORY: '/data' },
    };
    const install = () =>
      execFileSync('bash', [join(__dirname, 'install.sh')], {
        env: { ...process.env, ...settings, ROOT: root, PATH: `${commands}:${process.env['PATH'] ?? ''}` },
        stdio: 'pipe',
      });
    install();
    install();
    const environment = readFileSync(join(root, 'opt/customer-registration/environment'), 'utf8');
    expect(environment).toContain('CUSTOMER_TABLE=Customers\n');
    expect(statSync(join(root, 'opt/customer-registration/environment')).mode & 0o077).toBe(0);
    expect(statSync(join(root, 'data/sessions')).mode & 0o777).toBe(0o700);
    const unit = readFileSync(join(root, 'etc/systemd/system/customer-registration.service'), 'utf8');
    expect(unit).toContain('StandardOutput=append:/data/logs/application.log');
    expect(unit).toContain('ReadWritePaths=/data/sessions');
    const rotation = readFileSync(join(root, 'etc/logrotate.d/customer-registration'), 'utf8');
    expect(rotation).toMatch(/^\/data\/logs\/\*\.log \{\n {2}daily\n[\s\S]*rotate 30[\s\S]*copytruncate/);
    expect(readFileSync(join(folder, 'calls'), 'utf8')).toContain('systemctl restart customer-registration');
  });

  test('remembers over a restart how much its callers have asked', () => {
    const file = join(folder, 'sessions/allowances.json');
    const before = new RateLimit(() => 1000);
    for (let count = 0; count < 120; count++) before.take('ana');
    before.save(file);
    const after = new RateLimit(() => 1000);
    after.load(file);
    expect(() => after.take('ana')).toThrow('TOO_MANY_REQUESTS');
    expect(() => after.take('bruno')).not.toThrow();
    writeFileSync(file, '{');
    expect(() => new RateLimit(() => 1000).load(file)).not.toThrow();
  });

  test('accepts tokens of its issuer and its clients alone, as long as they are good', () => {
    // In a process of its own: the library that verifies them is an ES module, which jest cannot load.
    const script = join(__dirname, 'verify-tokens.ts');
    const printed = execFileSync(process.execPath, ['--import', 'tsx', script], { cwd: __dirname, encoding: 'utf8' });
    expect(JSON.parse(printed)).toEqual({
      good: 'accepted',
      'another client': 'refused',
      'an ID token': 'refused',
      'another issuer': 'refused',
      'too old': 'refused',
      'signed by somebody else': 'refused',
      unsigned: 'refused',
    });
  });
});

/** A hundred connections at a time, as a browser or a load balancer would not open thousands. */
async function inGroups<Item, Result>(
  items: readonly Item[],
  size: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += size) {
    results.push(
      ...(await Promise.all(items.slice(start, start + size).map((item, offset) => work(item, start + offset)))),
    );
  }
  return results;
}

/** As much of JSON Schema as the description uses. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

interface Described {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

interface SentRequest extends Described {
  readonly headers: Record<string, string>;
  readonly body: string | null;
  /** What a person has typed in it. */
  readonly personal: readonly string[];
}

/** Requests that the description allows, and in every fourth one a body that it does not. */
function requestFor(document: OpenApi, { path, method, operation }: Described): fc.Arbitrary<SentRequest> {
  const parameters = fc.record(
    Object.fromEntries((operation.parameters ?? []).map(({ name, schema }) => [name, valueOf(document, schema)])),
  );
  const schema = operation.requestBody?.content['application/json']?.schema;
  const allowed = schema === undefined ? fc.constant(undefined) : valueOf(document, schema);
  const body =
    schema === undefined ? fc.constant(undefined) : fc.oneof({ weight: 3, arbitrary: allowed }, fc.jsonValue());
  const rights = fc.constantFrom('read write erase', 'read', '');
  return fc.record({ parameters, body, rights, language: fc.constantFrom('en', 'pt-BR', '*;q=x') }).map((drawn) => {
    const named = (place: string) => (operation.parameters ?? []).filter((parameter) => parameter.in === place);
    const values = drawn.parameters as Readonly<Record<string, unknown>>;
    const filled = named('path').reduce(
      (text, { name }) => text.replace(`{${name}}`, encodeURIComponent(String(values[name]))),
      path,
    );
    const text = drawn.body === undefined ? null : JSON.stringify(drawn.body);
    return {
      path: filled,
      method,
      operation,
      headers: {
        authorization: `Bearer ${token(drawn.rights)}`,
        'accept-language': drawn.language,
        ...(text !== null && { 'content-type': 'application/json' }),
        ...Object.fromEntries(named('header').map(({ name }) => [name, String(values[name])])),
      },
      body: text,
      personal: textsOf(drawn.body),
    };
  });
}

function valueOf(document: OpenApi, schema: Schema): fc.Arbitrary<unknown> {
  const known = resolve(document, schema);
  if (known.enum !== undefined) return fc.constantFrom(...known.enum);
  switch (known.type) {
    case 'object': {
      const members = Object.entries(known.properties ?? {}).map(([name, member]) => [name, valueOf(document, member)]);
      return fc.record(Object.fromEntries(members) as Record<string, fc.Arbitrary<unknown>>, {
        requiredKeys: [...(known.required ?? [])],
      });
    }
    case 'integer':
      return fc.integer({ min: known.minimum ?? -5, max: known.maximum ?? 1000 });
    case 'string':
      return known.pattern === undefined
        ? fc.oneof(
            fc.string({ unit: 'grapheme', minLength: known.minLength, maxLength: known.maxLength }),
            fc.constantFrom(...likely.filter((text) => text.length <= (known.maxLength ?? 1000))),
          )
        : fc.stringMatching(new RegExp(known.pattern));
    default:
      return fc.jsonValue();
  }
}

/** Without these, next to no registration would ever be accepted. */
const likely = ['Ana Souza', '529.982.247-25', 'ana@example.com', '(11) 98765-4321', '01310-100', 'SP', 'São Paulo'];

function resolve(document: OpenApi, schema: Schema): Schema {
  return schema.$ref === undefined ? schema : document.components.schemas[schema.$ref.split('/').at(-1)!]!;
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

/** Where a value differs from its schema. A member that the schema does not name differs as well. */
function problemsOf(document: OpenApi, schema: Schema, value: unknown, at = '$'): readonly string[] {
  const known = resolve(document, schema);
  if (known.enum !== undefined) return known.enum.includes(value) ? [] : [`${at} is none of the enum`];
  if (known.type === 'array') {
    if (!Array.isArray(value)) return [`${at} is no array`];
    return value.flatMap((item, index) => problemsOf(document, known.items ?? {}, item, `${at}[${index}]`));
  }
  if (known.type === 'object') {
    if (typeof value !== 'object' || value === null) return [`${at} is no object`];
    const members = value as Readonly<Record<string, unknown>>;
    const missing = (known.required ?? []).filter((name) => members[name] === undefined);
    const others = Object.keys(members).flatMap((name) => {
      const member = known.properties?.[name] ?? known.additionalProperties;
      if (member === undefined || typeof member === 'boolean') return [`${at}.${name} is not described`];
      return problemsOf(document, member, members[name], `${at}.${name}`);
    });
    return [...missing.map((name) => `${at}.${name} is missing`), ...others];
  }
  if (known.type === 'string') {
    const isGood = typeof value === 'string' && (known.pattern === undefined || new RegExp(known.pattern).test(value));
    return isGood ? [] : [`${at} is no such string`];
  }
  if (known.type === 'integer') return Number.isInteger(value) ? [] : [`${at} is no integer`];
  return [];
}

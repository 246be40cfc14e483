import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { simulate, type ServedSimulation, type Simulation } from '../../local';
import { createApp } from '../../tasks/portal/app';
import type { CreatedUpload, PartAddress, ResultPage, Upload, UploadPage } from '../../tasks/portal/messages';
import { portalRoutes } from '../../tasks/portal/route-list';
import { bucketDeployment } from '../access/excused-grants';
import { PermissionJudge } from '../access/permission-judge';
import { synthesizePortal } from './assembly';
import { call, readSettings, sendForm, signIn, type Answer, type PageSettings } from './visitor';

const ana = { email: 'ana@example.com', password: 'Correct-horse-1' };
const bruno = { email: 'bruno@example.com', password: 'Battery-staple-2' };
const content = 'day,amount\n2026-01-01,3\n';
const mebibyte = 1024 * 1024;

let assembly: string;
let simulation: Simulation;
let served: ServedSimulation;
let settings: PageSettings;
let api: string;
let token: string;

beforeAll(async () => {
  assembly = synthesizePortal({ encryptionKey: true });
  simulation = await simulate(assembly);
  served = await simulation.serve({ users: [ana, bruno] });
  settings = await readSettings(served);
  ({ api } = settings);
}, 120_000);
afterAll(async () => {
  await simulation.close();
  rmSync(assembly, { recursive: true, force: true });
});
/** Hours may have passed since the last test. */
beforeEach(async () => {
  token = (await signIn(served, ana)).access_token;
});

interface NewFile {
  readonly fileName: string;
  readonly sizeBytes: number;
  readonly contentType: string;
}

const announce = (file: Partial<NewFile> = {}, as = token) =>
  call<CreatedUpload & { readonly reasons: readonly { readonly code: string }[] }>(api, as, 'POST /uploads', {
    ...{ fileName: 'sales.csv', sizeBytes: content.length, contentType: 'text/csv' },
    ...file,
  });

function formOf({ body }: Answer<CreatedUpload>): {
  readonly address: string;
  readonly fields: Readonly<Record<string, string>>;
} {
  if (body.transfer.kind !== 'form') throw new Error('This file is to be sent in parts');
  return body.transfer;
}

async function settle(): Promise<void> {
  await simulation.settle();
  token = (await signIn(served, ana)).access_token;
}

describe('a file', () => {
  test('is announced, sent, processed and its result downloaded', async () => {
    const announced = await announce();
    expect(announced).toMatchObject({ status: 201, body: { upload: { state: 'AWAITING', fileName: 'sales.csv' } } });
    const { id } = announced.body.upload;
    expect((await sendForm(formOf(announced), content)).status).toBe(201);
    expect((await call(api, token, `POST /uploads/${id}/complete`)).body).toMatchObject({ state: 'RECEIVED' });
    expect((await call(api, token, `GET /uploads/${id}/results`)).body).toMatchObject({ error: 'NoResults' });
    await settle();
    const read = await call<Upload>(api, token, `GET /uploads/${id}`);
    expect(read.body).toMatchObject({ state: 'STORED', results: { fileCount: 1 } });
    const results = await call<ResultPage>(api, token, `GET /uploads/${id}/results`);
    expect(results.body.files).toEqual([{ index: 0, path: 'lines.txt', sizeBytes: 2 }]);
    const { body } = await call<{ address: string }>(api, token, `GET /uploads/${id}/results/0`);
    const download = await fetch(body.address);
    expect(await download.text()).toBe('2\n');
    expect(download.headers.get('content-disposition')).toContain('attachment; filename="lines.txt"');
    const created = simulation.services.events.events.find((event) => event['detail-type'] === 'Object Created');
    expect(created!.detail['reason']).toBe('POST Object');
    const { body: list } = await call<UploadPage>(api, token, 'GET /uploads');
    expect(list.uploads).toMatchObject([{ id, state: 'STORED' }]);
  });

  test('is followed on its way through the workflow', async () => {
    const announced = await announce();
    await sendForm(formOf(announced), content);
    const states = new Set<string>();
    for (let second = 0; second < 40; second++) {
      await simulation.advance(1_000);
      states.add((await call<Upload>(api, token, `GET /uploads/${announced.body.upload.id}`)).body.state);
    }
    expect([...states]).toEqual(['PROCESSING', 'STORED']);
  });

  test('that is rejected or fails says so, with the reasons and without the insides', async () => {
    const rejected = await announce({ sizeBytes: 7 });
    await sendForm(formOf(rejected), 'reject\n');
    const failed = await announce({ sizeBytes: 5 });
    await sendForm(formOf(failed), 'fail\n');
    await settle();
    const read = async ({ body }: typeof rejected): Promise<Upload> =>
      (await call<Upload>(api, token, `GET /uploads/${body.upload.id}`)).body;
    expect(await read(rejected)).toMatchObject({
      state: 'REJECTED',
      reasons: [{ code: 'ByCommand', message: expect.stringContaining('The column "amount" is missing') }],
    });
    expect(await read(failed)).toMatchObject({ state: 'FAILED', failure: { error: expect.any(String) } });
    expect(JSON.stringify(await read(failed))).not.toMatch(/arn:aws|i-[0-9a-f]{8}/);
  });

  test('goes under a key of the user’s own folder, whatever it is called', async () => {
    for (const fileName of [
      '../../other/a.csv',
      '..%2f..%2fother.csv',
      'C:\\reports\\a.CSV',
      '.csv',
      'été 1.csv',
      '\u202Ea.csv',
    ]) {
      const key = formOf(await announce({ fileName })).fields['key']!;
      expect(key).toMatch(/^incoming\/[0-9a-f-]{36}\/[0-9a-z]{29}\/[^/\\%\u202E]+\.csv$/);
      expect(key).not.toContain('..%');
      expect(key.split('/').slice(0, -1)).not.toContain('..');
    }
    const long = formOf(await announce({ fileName: `${'é'.repeat(500)}.csv` })).fields['key']!;
    expect(Buffer.byteLength(long)).toBeLessThan(350);
    expect(long).toMatch(/é\.csv$/);
  });

  test('that the workflow would reject is refused before it is sent', async () => {
    const codes = async (file: Partial<NewFile>): Promise<unknown> => {
      const { status, body } = await announce(file);
      return [status, body.reasons?.map(({ code }) => code)];
    };
    expect(await codes({ sizeBytes: 33 * mebibyte })).toEqual([422, ['TooBig']]);
    expect(await codes({ sizeBytes: 0 })).toEqual([422, ['Empty']]);
    expect(await codes({ fileName: 'photo.png', contentType: 'image/png' })).toEqual([
      422,
      ['WrongExtension', 'WrongContentType'],
    ]);
    expect(await codes({ contentType: 'text/csv\r\nx: y' })).toEqual([400, undefined]);
  });
});

describe('a form', () => {
  test('stores exactly the file that was announced, where and as what it was announced', async () => {
    const announced = await announce();
    const { address, fields } = formOf(announced);
    const answer = async (changes: Record<string, string>, file = content): Promise<string> => {
      const response = await sendForm({ address, fields: { ...fields, ...changes } }, file);
      return `${response.status} ${/<Code>(\w+)<\/Code><Message>([^<]*)/
        .exec(await response.text())
        ?.slice(1)
        .join(': ')}`;
    };
    expect(await answer({ key: 'incoming/somebody-else/a.csv' })).toMatch(
      /^403 AccessDenied: Invalid according to Policy: Policy Condition failed: \[.*eq.*\$key/,
    );
    expect(await answer({ 'Content-Type': 'text/html' })).toMatch(/Policy Condition failed: .*\$Content-Type/);
    expect(await answer({ acl: 'public-read' })).toBe(
      '403 AccessDenied: Invalid according to Policy: Extra input fields: acl',
    );
    expect(await answer({}, `${content}more`)).toBe(
      '400 EntityTooLarge: Your proposed upload exceeds the maximum allowed size',
    );
    expect(await answer({}, 'less')).toMatch(/^400 EntityTooSmall/);
    const forged = Buffer.from(fields['Policy']!, 'base64').toString().replace('content-length-range', 'x');
    expect(await answer({ Policy: Buffer.from(forged).toString('base64') })).toMatch(/^403 SignatureDoesNotMatch/);
    expect(await answer({ 'X-Amz-Credential': fields['X-Amz-Credential']!.replace(/^AKIA/, 'AKIB') })).toMatch(
      /^403 InvalidAccessKeyId/,
    );
    await simulation.advance(16 * 60_000);
    expect(await answer({})).toBe('403 AccessDenied: Invalid according to Policy: Policy expired.');
    const read = await call<Upload>(api, token, `GET /uploads/${announced.body.upload.id}`);
    expect(read.body.state).toBe('EXPIRED');
    expect((await call(api, token, `DELETE /uploads/${announced.body.upload.id}`)).status).toBe(200);
    expect((await call(api, token, `GET /uploads/${announced.body.upload.id}`)).status).toBe(404);
  });

  test('is taken from the page’s origin only', async () => {
    const form = formOf(await announce());
    const origin = new URL(served.pages[0]!).origin;
    const ask = (from: string) =>
      fetch(form.address, { method: 'OPTIONS', headers: { origin: from, 'access-control-request-method': 'PUT' } });
    expect((await ask(origin)).headers.get('access-control-allow-origin')).toBe(origin);
    const refused = await ask('https://example.org');
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    expect(await refused.text()).toContain('<Code>AccessForbidden</Code>');
  });
});

test('a big file is sent in parts, each with its checksum, taken up again and put together', async () => {
  const file = Buffer.alloc(17 * mebibyte, 'a,b\n');
  const announced = await announce({ sizeBytes: file.length });
  expect(announced.body.transfer).toEqual({ kind: 'parts', partBytes: 8 * mebibyte, partCount: 3 });
  const { id } = announced.body.upload;
  const partOf = (number: number) => file.subarray((number - 1) * 8 * mebibyte, number * 8 * mebibyte);
  const sign = (partNumber: number, bytes: Buffer) => {
    const sha256 = createHash('sha256').update(bytes).digest('base64');
    return call<PartAddress>(api, token, `POST /uploads/${id}/parts`, { partNumber, sha256 });
  };
  const send = async (number: number, bytes = partOf(number)): Promise<number> => {
    const { body } = await sign(number, partOf(number));
    return (await fetch(body.address, { method: 'PUT', headers: body.headers, body: new Uint8Array(bytes) })).status;
  };
  expect(await send(1)).toBe(200);
  expect(await send(2, Buffer.alloc(8 * mebibyte, 'other'))).toBe(400);
  const { body: signed } = await sign(2, partOf(2));
  const unsigned = await fetch(signed.address, { method: 'PUT', body: new Uint8Array(partOf(2)) });
  expect([unsigned.status, await unsigned.text()]).toEqual([403, expect.stringContaining('SignatureDoesNotMatch')]);
  expect((await call(api, token, `POST /uploads/${id}/complete`)).body).toMatchObject({ error: 'PartsMissing' });
  expect((await call(api, token, `GET /uploads/${id}/parts`)).body).toMatchObject({
    parts: [{ partNumber: 1, sizeBytes: 8 * mebibyte }],
  });
  expect((await sign(4, file)).body).toMatchObject({ error: 'NoSuchPart' });
  expect([await send(2), await send(3)]).toEqual([200, 200]);
  expect((await call(api, token, `POST /uploads/${id}/complete`)).body).toMatchObject({ state: 'RECEIVED' });
  expect((await sign(3, partOf(3))).body).toMatchObject({ error: 'UploadIsOver' });
  await settle();
  expect((await call(api, token, `GET /uploads/${id}`)).body).toMatchObject({ state: 'STORED' });

  const given = await announce({ sizeBytes: file.length });
  expect((await call(api, token, `DELETE /uploads/${given.body.upload.id}`)).status).toBe(200);
});

describe('another user', () => {
  test('finds nothing of a user’s uploads, by whichever name', async () => {
    const announced = await announce();
    await sendForm(formOf(announced), content);
    await settle();
    const { id } = announced.body.upload;
    const other = (await signIn(served, bruno)).access_token;
    for (const request of [
      `GET /uploads/${id}`,
      `GET /uploads/${id}/parts`,
      `GET /uploads/${id}/results`,
      `GET /uploads/${id}/results/0`,
      `POST /uploads/${id}/complete`,
      `DELETE /uploads/${id}`,
    ]) {
      expect({ request, ...(await call(api, other, request)) }).toMatchObject({
        request,
        status: 404,
        body: { error: 'NotFound' },
      });
    }
    expect((await call<UploadPage>(api, other, 'GET /uploads')).body.uploads).toEqual([]);
    expect((await call<UploadPage>(api, other, `GET /uploads?before=${id}`)).body.uploads).toEqual([]);
  });

  test('cannot leave their own partition with a name that is none', async () => {
    for (const name of ['..', '%2e%2e%2f', '..%2f..%2fx', 'upload%23x', '%00', "' OR 1", '~']) {
      const { status } = await call(api, token, `GET /uploads/${name}/results`);
      expect({ name, status: status >= 400 && status < 500 }).toEqual({ name, status: true });
    }
    expect((await call(api, token, 'GET /uploads?before=..%2fx')).status).toBe(400);
  });
});

describe('a token', () => {
  test('is needed, must be one of this login’s access tokens, and ends', async () => {
    const { id_token: idToken, refresh_token: refreshToken } = await signIn(served, ana);
    const [header, , signature] = token.split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
    const forged = [
      header,
      Buffer.from(JSON.stringify({ ...claims, sub: 'x'.repeat(36) })).toString('base64url'),
      signature,
    ];
    const unsigned = [Buffer.from('{"alg":"none"}').toString('base64url'), token.split('.')[1], ''];
    for (const bad of [undefined, 'nonsense', forged.join('.'), unsigned.join('.')]) {
      expect(await call(api, bad, 'GET /uploads')).toMatchObject({ status: 401, body: { message: 'Unauthorized' } });
    }
    expect(await call(api, idToken, 'GET /uploads')).toMatchObject({ status: 403, body: { message: 'Forbidden' } });
    await simulation.advance(61 * 60_000);
    expect((await call(api, token, 'GET /uploads')).status).toBe(401);
    const renewed = await fetch(`${settings.login}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: settings.clientId,
        refresh_token: refreshToken,
      }),
    });
    const { access_token: renewedToken } = (await renewed.json()) as { access_token: string };
    expect((await call(api, renewedToken, 'GET /uploads')).status).toBe(200);
  });

  test('opens only the routes of its scopes', async () => {
    const { access_token: reading } = await signIn(served, ana, ['openid', 'uploads/read']);
    expect((await call(api, reading, 'GET /uploads')).status).toBe(200);
    expect(await announce({}, reading)).toMatchObject({ status: 403 });
  });
});

test('the API lets the page’s origin in and no other, and knows no other routes', async () => {
  const origin = new URL(served.pages[0]!).origin;
  const ask = (from: string) => fetch(`${api}/uploads`, { method: 'OPTIONS', headers: { origin: from } });
  expect((await ask(origin)).headers.get('access-control-allow-origin')).toBe(origin);
  expect((await ask('https://example.org')).headers.get('access-control-allow-origin')).toBeNull();
  expect(await call(api, token, 'GET /elsewhere')).toMatchObject({ status: 404, body: { message: 'Not Found' } });
});

test('API Gateway has the routes of the application, and the OpenAPI document as well', async () => {
  const { body } = await call<{ paths: Record<string, object> }>(api, token, 'GET /openapi.json');
  const described = Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const listed = portalRoutes.map(({ method, path }) => `${method} ${path}`);
  expect([...described, 'GET /openapi.json'].sort()).toEqual([...listed].sort());
});

test('the page comes with its security headers, whatever the path', async () => {
  for (const path of ['', 'page.js', 'no/such/page']) {
    const response = await fetch(`${served.pages[0]}${path}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    expect(response.headers.get('strict-transport-security')).toBe('max-age=63072000; includeSubDomains');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  }
  const page = await (await fetch(served.pages[0]!)).text();
  expect(/connect-src ([^"]*)/.exec(page)![1]!.split(' ')).toEqual([
    "'self'",
    settings.api,
    settings.login,
    expect.stringMatching(/^http:/),
  ]);
});

test('the policies of the template allow all that the portal has done', () => {
  const { denied } = simulation.permissions();
  expect(denied).toEqual([]);
});

test('every permission is needed, and none is missing', () => {
  const judge = new PermissionJudge();
  judge.add(simulation);
  expect(judge.problems(bucketDeployment)).toEqual([]);
});

test('a caller is refused whose token is of another kind, although the authorizer let it pass', async () => {
  const event = (claims: Record<string, string>) => ({
    version: '2.0' as const,
    ...{ rawPath: '/uploads', rawQueryString: '', headers: {}, isBase64Encoded: false },
    requestContext: { http: { method: 'GET' }, authorizer: { jwt: { claims } } },
  });
  const context = {
    settings: { groups: ['clerks'], scopePrefix: 'uploads/' },
  } as unknown as Parameters<typeof createApp>[1];
  const ask = async (claims: Record<string, string>): Promise<unknown> => {
    const response = await createApp(event(claims), context).request('/uploads');
    return [response.status, ((await response.json()) as { error: string }).error];
  };
  const good = { sub: 'a'.repeat(36), scope: 'uploads/read', token_use: 'access', 'cognito:groups': '[readers]' };
  expect(await ask({ ...good, token_use: 'id' })).toEqual([403, 'Forbidden']);
  expect(await ask({ ...good, scope: 'uploads/reader' })).toEqual([403, 'Forbidden']);
  expect(await ask({ ...good, sub: '../../other' })).toEqual([403, 'Forbidden']);
  expect(await ask(good)).toEqual([403, 'NotAMember']);
});

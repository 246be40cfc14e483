/** Publishing results: against the simulated S3 and DynamoDB, and the manifest's parser against anything. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { CommandOutcome, ObjectReference } from '../../tasks';
import { storeResults } from '../../tasks';
import { maximumResultFileCount, parseManifest } from '../../tasks/manifest';
import { commandParameters, operationResultsPrefix } from '../../tasks/operations/command-parameters';
import { anyCharacter } from '../any-character';
import { Account, ledgerTable } from './account';

const execution = 'arn:aws:states:eu-west-1:111122223333:execution:workflow:one';
const other = 'arn:aws:states:eu-west-1:111122223333:execution:workflow:two';
const prefix = operationResultsPrefix('out/', 'op-1');
const outcome: CommandOutcome = {
  operationId: 'op-1',
  instanceId: 'i-00000000000000001',
  commandId: '00000000-0000-4000-8000-000000000000',
  exitCode: 0,
  resultsBucket: 'results',
  resultsPrefix: prefix,
  manifestKey: `${prefix}manifest.tsv`,
  startedAt: '2026-01-01T09:00:00.000Z',
  finishedAt: '2026-01-01T09:01:00.000Z',
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64');
const line = (path: string, body: string): string =>
  `${sha256(body)}\t${Buffer.byteLength(body)}\t${Buffer.from(path).toString('base64')}\n`;

/** UTF-8 has no halves of surrogate pairs, so no name on a disk and no key has them. */
const isWellFormed = (text: string): boolean => Buffer.from(text).toString() === text;

let account: Account;
let object: ObjectReference;

beforeEach(async () => {
  account = new Account();
  account.s3.createBucket({ name: 'results', versioning: 'Enabled' });
  object = await account.claim(execution);
});

async function upload(files: Readonly<Record<string, string>>, manifest?: string): Promise<void> {
  for (const [path, body] of Object.entries(files)) {
    await account.upload('results', `${prefix}files/${path}`, body, {
      ChecksumAlgorithm: 'SHA256',
      ChecksumSHA256: sha256(body),
    });
  }
  const text =
    manifest ??
    Object.entries(files)
      .map(([path, body]) => line(path, body))
      .join('');
  await account.upload('results', outcome.manifestKey, text);
}

function store(executionArn = execution, redriveCount = 0) {
  const event = { input: { object, outcome }, execution: { arn: executionArn, state: 'Store results', redriveCount } };
  return account.invoke(storeResults, { ledgerTable }, event);
}

const record = () => account.item(object.record.pk, object.record.sk);

it('publishes results that are what their manifest says', async () => {
  await upload({ 'a.csv': 'a', 'deep/ü b': 'bcd' });
  const stored = {
    bucket: 'results',
    prefix,
    manifestKey: outcome.manifestKey,
    fileCount: 2,
    totalBytes: 4,
    storedAt: new Date(account.clock.nowMs()).toISOString(),
  };
  expect(await store()).toEqual(stored);
  expect(record()).toMatchObject({ results: stored, status: 'RUNNING', owner: execution });
});

it('publishes that there are no results', async () => {
  await upload({});
  expect(await store()).toMatchObject({ fileCount: 0, totalBytes: 0 });
});

it('may run again, and after a redrive of an execution whose record was closed', async () => {
  await upload({ a: 'a' });
  await store();
  const failure = { error: 'x', cause: 'y', at: 'z', redriveCount: 0 };
  await account.write({ ...record()!, status: 'FAILED', failure });
  expect(await store(execution, 1)).toMatchObject({ fileCount: 1 });
  // By this the sweep finds it, should its execution end unheard.
  expect(record()).toMatchObject({ status: 'RUNNING', runningIn: 'workflow' });
  expect(record()).not.toHaveProperty('failure');
});

it('does not open a record again that was closed when its execution ended: it was late', async () => {
  await upload({ a: 'a' });
  const failure = { error: 'Execution.Aborted', cause: 'y', at: 'z', redriveCount: 0 };
  await account.write({ ...record()!, status: 'FAILED', failure });
  await expect(store()).rejects.toMatchObject({ name: 'Object.LeaseLost' });
  expect(record()).toMatchObject({ status: 'FAILED', failure });
});

it.each([
  ['there is no manifest', async () => undefined],
  ['a file is missing', () => upload({}, line('gone', 'x'))],
  ['a file has another size', () => upload({ a: 'abc' }, line('a', 'ab'))],
  ['a file has other content', () => upload({ a: 'abc' }, line('a', 'abd'))],
  [
    'a file has no checksum',
    async () => {
      await account.upload('results', `${prefix}files/a`, 'abc', { ChecksumAlgorithm: 'CRC32' });
      await upload({}, line('a', 'abc'));
    },
  ],
  ['the manifest is cut off', () => upload({ a: 'abc' }, line('a', 'abc').trimEnd())],
])('publishes nothing when %s', async (_, prepare) => {
  await prepare();
  await expect(store()).rejects.toMatchObject({ name: 'Results.Invalid' });
  expect(record()).not.toHaveProperty('results');
});

it.each([
  ['another execution', { owner: other }],
  ['nobody any more: it is done', { status: 'STORED' }],
])('publishes nothing in a record that belongs to %s', async (_, change) => {
  await upload({ a: 'a' });
  await account.write({ ...record()!, ...change });
  await expect(store()).rejects.toMatchObject({ name: 'Object.LeaseLost' });
  expect(record()).not.toHaveProperty('results');
});

describe('a manifest', () => {
  const good = line('a', 'abc');

  it.each([
    ['a foreign path', line('../a', 'abc')],
    ['an absolute path', line('/etc/passwd', 'abc')],
    ['an empty path', line('', 'abc')],
    ['a dot in a path', line('a/./b', 'abc')],
    ['an empty folder name', line('a//b', 'abc')],
    ['a NUL in a path', line('a\0b', 'abc')],
    ['a path that is too long', line('x'.repeat(1025), 'abc')],
    ['a path that is not UTF-8', `${sha256('')}\t0\t/w==\n`],
    ['a file twice', good + good],
    ['a size with a sign', good.replace('\t3\t', '\t-3\t')],
    ['a size that is too big', good.replace('\t3\t', '\t5368709120\t')],
    ['an empty line', `${good}\n`],
    ['Windows line ends', good.replace('\n', '\r\n')],
    ['another hash', good.replace('=', '')],
    [
      'too many files',
      Array.from({ length: maximumResultFileCount + 1 }, (_, index) => line(`f${index}`, '')).join(''),
    ],
  ])('is refused with %s', (_, text) => {
    expect(() => parseManifest(text)).toThrow(expect.objectContaining({ name: 'Results.Invalid' }));
  });

  it('is read back as it was written, whatever the names', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((text) => !/[/\0]|^\.\.?$/.test(text) && isWellFormed(text));
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(fc.uniqueArray(path, { maxLength: 20 }), (paths) => {
        expect(parseManifest(paths.map((one) => line(one, one)).join(''))).toEqual(
          paths.map((one) => ({ path: one, sizeBytes: Buffer.byteLength(one), sha256: sha256(one) })),
        );
      }),
    );
  });

  it('never gives a path that leads out, whatever it is made of', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((path) => line(path, '')),
        ),
        (text) => {
          try {
            for (const { path } of parseManifest(text))
              expect(new URL(`file:///results/${encodeURIComponent(path)}`).pathname).toMatch(/^\/results\/./);
          } catch (error) {
            expect(error).toMatchObject({ name: 'Results.Invalid' });
          }
        },
      ),
    );
  });
});

describe('the parameters of a command', () => {
  it('hold nothing but base64, whatever the key', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: anyCharacter }).filter((key) => !key.includes('\0') && isWellFormed(key)),
        (key) => {
          const parameters = commandParameters({
            operationId: 'op-1',
            object: { ...object, key },
            resultsBucket: 'results',
            resultsPrefix: prefix,
          });
          for (const [value] of Object.values(parameters)) expect(value).toMatch(/^[A-Za-z0-9+/_=-]+$/);
          expect(Buffer.from(parameters.Environment[0], 'base64').toString('utf8').split('\0')).toContain(
            `OBJECT_KEY=${key}`,
          );
        },
      ),
    );
  });

  it('fit the document for the longest key', () => {
    const request = {
      operationId: 'x'.repeat(128),
      object: { ...object, key: '\u0001'.repeat(1024), versionId: 'v'.repeat(1024) },
      resultsBucket: 'b'.repeat(63),
      resultsPrefix: operationResultsPrefix(`${'p'.repeat(700)}/`, 'x'.repeat(128)),
    };
    expect(() => commandParameters(request)).not.toThrow();
  });

  it('are refused for a key that no environment variable can hold, and for a prefix that others write to', () => {
    const request = { operationId: 'op-1', object, resultsBucket: 'results', resultsPrefix: prefix };
    expect(() => commandParameters({ ...request, object: { ...object, key: 'a\0b' } })).toThrow(/NUL/);
    expect(() => commandParameters({ ...request, resultsPrefix: 'out/' })).toThrow(/where others do/);
    expect(() =>
      commandParameters({ ...request, operationId: 'op 1', resultsPrefix: operationResultsPrefix('', 'op 1') }),
    ).toThrow(/OperationId/);
  });
});

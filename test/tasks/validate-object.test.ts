import fc from 'fast-check';
import {
  parseRejection,
  quarantineObject,
  rejectObject,
  validateObject,
  type Claim,
  type Rejection,
} from '../../tasks';
import { mayBeOfType, sniffContent } from '../../tasks/content-type';
import { copySourceText, partRanges } from '../../tasks/copy-object';
import { Account, ledgerTable } from './account';

const execution = 'arn:aws:states:eu-west-1:111122223333:execution:workflow:one';
const other = 'arn:aws:states:eu-west-1:111122223333:execution:workflow:two';
const anyObject = { ledgerTable, rules: {} };
const csvOnly = { ledgerTable, rules: { extensions: ['.csv'], contentTypes: ['text/csv'], maximumBytes: 1000 } };

/** Claims as the state "Claim object" does. */
async function claimFor(
  account: Account,
  executionArn: string,
  object: { bucket?: string; key: string; versionId?: string; etag?: string; sequencer?: string; force?: boolean },
): Promise<Claim> {
  const { bucket = 'inbox', key, versionId, etag, sequencer, force = false } = object;
  const sk = versionId
    ? `version#${versionId}`
    : etag
      ? `upload#${etag}#${sequencer}`
      : `manual#${executionArn.split(':').at(-1)}`;
  const record = { pk: `object#${bucket}/${key}`, sk };
  const leaseExpiresAt = Math.floor(account.clock.nowMs() / 1000) + 7200;
  await account.write({ ...record, bucket, key, owner: executionArn, status: 'RUNNING', attempt: 1, leaseExpiresAt });
  return { bucket, key, versionId, etag, sequencer, force, record };
}

function validate(account: Account, settings: object, claim: Claim, executionArn = execution) {
  const event = { input: { claim }, execution: { arn: executionArn, state: 'Validate object' } };
  return account.invoke(validateObject, settings, event) as Promise<Record<string, unknown>>;
}

async function reasonsFor(account: Account, settings: object, claim: Claim) {
  const error = await validate(account, settings, claim).then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  expect(error?.name).toBe('Object.Rejected');
  return parseRejection(error!.message);
}

describe('validate-object', () => {
  it('describes the very version that was claimed, not the one that is current', async () => {
    const account = new Account();
    const versionId = await account.upload('inbox', 'a.csv', 'old', { ContentType: 'text/csv' });
    await account.upload('inbox', 'a.csv', 'newer');
    const claim = await claimFor(account, execution, { key: 'a.csv', versionId });
    expect(await validate(account, csvOnly, claim)).toMatchObject({
      ...{ bucket: 'inbox', key: 'a.csv', versionId, sizeBytes: 3, contentType: 'text/csv', attempt: 1 },
      record: claim.record,
    });
    expect(account.item(claim.record.pk, claim.record.sk)).toMatchObject({ sizeBytes: 3, versionId });
  });

  it.each([
    ['an empty object', '', 'a.csv', {}, 'Empty', /at least 1 byte|1 to 1000 bytes/],
    ['a folder marker', '', 'folder/', {}, 'Empty', /bytes/],
    ['a big object', 'x'.repeat(1001), 'a.csv', {}, 'TooBig', /1 to 1000 bytes/],
    ['another extension', 'a,b', 'a.xlsx', {}, 'WrongExtension', /\.csv/],
    ['another declared type', 'a,b', 'a.csv', { ContentType: 'image/png' }, 'WrongContentType', /text\/csv/],
    ['another content', '\x89PNG\r\n\x1a\n', 'a.csv', {}, 'ContentMismatch', /text\/csv/],
    ['a web page in place of data', '<!DOCTYPE html><p>not found', 'a.csv', {}, 'ContentMismatch', /text\/csv/],
    ['an archived object', 'a,b', 'a.csv', { StorageClass: 'DEEP_ARCHIVE' }, 'Archived', /storage class/],
  ])('rejects %s, saying what would be accepted', async (_, body, key, more, code, accepted) => {
    const account = new Account();
    const versionId = await account.upload('inbox', key, Buffer.from(body, 'latin1'), more);
    const reasons = await reasonsFor(account, csvOnly, await claimFor(account, execution, { key, versionId }));
    expect(reasons.map((reason) => reason.code)).toContain(code);
    expect(reasons.find((reason) => reason.code === code)!.accepted).toMatch(accepted);
  });

  it('names every reason at once', async () => {
    const account = new Account();
    const versionId = await account.upload('inbox', 'a.pdf', 'x'.repeat(2000), { ContentType: 'application/pdf' });
    const reasons = await reasonsFor(account, csvOnly, await claimFor(account, execution, { key: 'a.pdf', versionId }));
    expect(reasons.map((reason) => reason.code)).toEqual(['TooBig', 'WrongExtension', 'WrongContentType']);
  });

  it('takes any type where the uploader named none and the content may be of an accepted one', async () => {
    const account = new Account();
    const versionId = await account.upload('inbox', 'A.CSV', 'product,amount\n"Käse",3\n');
    const claim = await claimFor(account, execution, { key: 'A.CSV', versionId });
    expect(await validate(account, csvOnly, claim)).toMatchObject({ contentType: 'binary/octet-stream' });
  });

  it('rejects an object that is gone, and one that was replaced in a bucket without versions', async () => {
    const account = new Account();
    const gone = await reasonsFor(
      account,
      anyObject,
      await claimFor(account, execution, { key: 'gone', versionId: 'x' }),
    );
    expect(gone.map((reason) => reason.code)).toEqual(['Missing']);
    await account.upload('plain', 'a', 'other content');
    const claim = await claimFor(account, execution, { bucket: 'plain', key: 'a', etag: 'e0', sequencer: '01' });
    expect((await reasonsFor(account, anyObject, claim)).map((reason) => reason.code)).toEqual(['Replaced']);
  });

  it.each([
    `it's "a" $(b) \`c\`.csv`,
    'line\nbreak.csv',
    '-leading.csv',
    'file://x.csv',
    'Ünïcödé 🎉.csv',
    'a+b%20c.csv',
    '../up.csv',
  ])('accepts the key %j as plain data', async (key) => {
    const account = new Account();
    const versionId = await account.upload('inbox', key, 'a,b');
    expect(await validate(account, csvOnly, await claimFor(account, execution, { key, versionId }))).toMatchObject({
      key,
    });
  });

  it('rejects a key that no instance could be told of', async () => {
    const account = new Account();
    const claim = await claimFor(account, execution, { key: 'a\0b.csv', versionId: 'v' });
    expect((await reasonsFor(account, anyObject, claim)).map((reason) => reason.code)).toEqual(['UnsafeKey']);
  });

  it('does not go on with a record that another execution owns', async () => {
    const account = new Account();
    const versionId = await account.upload('inbox', 'a.csv', 'a,b');
    const claim = await claimFor(account, other, { key: 'a.csv', versionId });
    await expect(validate(account, anyObject, claim)).rejects.toMatchObject({ name: 'Object.LeaseLost' });
  });
});

describe('a manual start', () => {
  it('claims the version that is current, and leaves no record of its own', async () => {
    const account = new Account();
    const versionId = await account.upload('inbox', 'a.csv', 'a,b');
    const claim = await claimFor(account, execution, { key: 'a.csv' });
    const record = { pk: claim.record.pk, sk: `version#${versionId}` };
    expect(await validate(account, anyObject, claim)).toMatchObject({ versionId, record, attempt: 1 });
    expect(account.items('object#').map((item) => item['sk'])).toEqual([record.sk]);
    expect(account.item(record.pk, record.sk)).toMatchObject({ owner: execution, status: 'RUNNING', versionId });
    // A repeated call of the same execution is not another attempt.
    expect(await validate(account, anyObject, claim)).toMatchObject({ attempt: 1 });
  });

  it('has no effect on a version that was processed, unless it is forced', async () => {
    const account = new Account();
    const versionId = await account.upload('inbox', 'a.csv', 'a,b');
    const done = { pk: 'object#inbox/a.csv', sk: `version#${versionId}`, owner: other, status: 'STORED', attempt: 1 };
    await account.write({ ...done, storedAttempt: 1, storedResults: {} });
    const claim = await claimFor(account, execution, { key: 'a.csv' });
    await expect(validate(account, anyObject, claim)).rejects.toMatchObject({ name: 'Object.AlreadyClaimed' });
    expect(account.items('object#')).toHaveLength(1);
    const forced = await claimFor(account, execution, { key: 'a.csv', force: true });
    expect(await validate(account, anyObject, forced)).toMatchObject({ attempt: 2 });
  });

  it('takes over what a dead execution has left behind', async () => {
    const account = new Account();
    const versionId = await account.upload('inbox', 'a.csv', 'a,b');
    const left = { pk: 'object#inbox/a.csv', sk: `version#${versionId}`, owner: other, status: 'RUNNING', attempt: 1 };
    await account.write({ ...left, leaseExpiresAt: Math.floor(account.clock.nowMs() / 1000) - 1 });
    const claim = await claimFor(account, execution, { key: 'a.csv' });
    expect(await validate(account, anyObject, claim)).toMatchObject({ attempt: 2 });
  });

  it.each(['event first', 'manual first'])(
    'meets the event of the same upload in a bucket without versions: %s',
    async (order) => {
      const account = new Account();
      await account.upload('plain', 'a.csv', 'a,b');
      const { etag } = account.s3.object('plain', 'a.csv')!;
      const byEvent = await claimFor(account, execution, { bucket: 'plain', key: 'a.csv', etag, sequencer: '0A' });
      const manual = await claimFor(account, other, { bucket: 'plain', key: 'a.csv' });
      const [first, second] =
        order === 'event first'
          ? [() => validate(account, anyObject, byEvent), () => validate(account, anyObject, manual, other)]
          : [() => validate(account, anyObject, manual, other), () => validate(account, anyObject, byEvent)];
      expect(await first()).toMatchObject({ key: 'a.csv', attempt: 1 });
      await expect(second()).rejects.toMatchObject({ name: 'Object.AlreadyClaimed' });
      expect(account.items('object#').filter((item) => item['status'] === 'RUNNING')).toHaveLength(1);
    },
  );
});

const quarantine = { ledgerTable, quarantineBucket: 'quarantine', quarantinePrefix: 'rejected/' };

async function quarantineFor(
  account: Account,
  settings: object,
  claim: Claim,
  cause: string,
  visit: { readonly redriveCount?: number; readonly retryCount?: number } = {},
): Promise<Rejection> {
  const event = {
    input: { claim, error: 'Object.Rejected', cause },
    execution: { arn: execution, state: 'Quarantine object', ...visit },
  };
  return (await account.invoke(quarantineObject, settings, event)) as Rejection;
}

describe('quarantine-object', () => {
  const empty = rejectObject([{ code: 'Empty', message: 'The object is empty', accepted: 'at least 1 byte' }]).message;

  it.each(["a b+c%'().csv", 'ünïcödé/🎉.csv', '"q"$(x)`y`.csv'])(
    'copies the very version of %j, tagged with the reasons',
    async (key) => {
      const account = new Account();
      const versionId = await account.upload('inbox', key, 'old', { ContentType: 'text/csv', Metadata: { who: 'me' } });
      await account.upload('inbox', key, 'newer');
      const claim = await claimFor(account, execution, { key, versionId });
      const rejection = await quarantineFor(account, quarantine, claim, empty);
      expect(rejection.quarantined).toEqual({ bucket: 'quarantine', key: `rejected/${key}` });
      const copy = account.s3.object('quarantine', `rejected/${key}`)!;
      expect(Buffer.from(copy.body).toString()).toBe('old');
      expect([...copy.tags]).toEqual([['rejected', 'Empty']]);
      expect(copy.metadata).toEqual({ who: 'me' });
      const reasons = account.s3.object('quarantine', `rejected/${key}.rejection.json`)!;
      expect(JSON.parse(Buffer.from(reasons.body).toString())).toMatchObject({
        key,
        versionId,
        reasons: rejection.reasons,
      });
      expect(account.item(claim.record.pk, claim.record.sk)).toMatchObject({ status: 'REJECTED', rejection });
      expect(account.s3.object('inbox', key, versionId)).toBeDefined();
    },
  );

  it('removes the original only when it is asked to, and only that version', async () => {
    const account = new Account();
    const versionId = await account.upload('inbox', 'a.csv', 'old');
    await account.upload('inbox', 'a.csv', 'newer');
    const claim = await claimFor(account, execution, { key: 'a.csv', versionId });
    await quarantineFor(account, { ...quarantine, removeOriginal: true }, claim, empty);
    expect(account.s3.versions('inbox').map((version) => Buffer.from(version.body).toString())).toEqual(['newer']);
  });

  it('records the rejection of an object of which nothing is left', async () => {
    const account = new Account();
    const claim = await claimFor(account, execution, { key: 'gone.csv', versionId: 'v' });
    const rejection = await quarantineFor(account, quarantine, claim, empty);
    expect(rejection.quarantined).toBeUndefined();
    expect(account.item(claim.record.pk, claim.record.sk)).toMatchObject({ status: 'REJECTED' });
    expect(account.s3.versions('quarantine')).toEqual([]);
  });

  it('finds the version that a rejected manual start had claimed', async () => {
    const account = new Account();
    const versionId = await account.upload('inbox', 'a.txt', 'a,b');
    const claim = await claimFor(account, execution, { key: 'a.txt' });
    const error = await validate(account, csvOnly, claim).catch((thrown: Error) => thrown);
    await quarantineFor(account, quarantine, claim, JSON.stringify({ errorMessage: (error as Error).message }));
    expect(account.items('object#').map((item) => [item['sk'], item['status']])).toEqual([
      [`version#${versionId}`, 'REJECTED'],
    ]);
  });

  it('ends well when its answer was lost and somebody has forced another run since, which it leaves alone', async () => {
    const account = new Account();
    const versionId = await account.upload('inbox', 'a.csv', 'a,b');
    const claim = await claimFor(account, execution, { key: 'a.csv', versionId });
    await quarantineFor(account, quarantine, claim, empty);
    const record = account.item(claim.record.pk, claim.record.sk)!;
    const taken = { ...record, owner: 'somebody-else', status: 'RUNNING', attempt: 2 };
    await account.write(taken);
    const removing = { ...quarantine, removeOriginal: true };
    const rejection = await quarantineFor(account, removing, claim, empty, { retryCount: 1 });
    expect(rejection).toMatchObject({ reasons: [{ code: 'Empty' }], quarantined: { bucket: 'quarantine' } });
    expect(account.item(claim.record.pk, claim.record.sk)).toEqual(taken);
    expect(account.s3.object('inbox', 'a.csv', versionId)).toBeDefined();
  });

  it.each([
    ['comes for the first time', {}],
    ['was redriven', { redriveCount: 1, retryCount: 1 }],
  ])('does nothing to a record of another execution when it %s', async (_, visit) => {
    const account = new Account();
    const versionId = await account.upload('inbox', 'a.csv', 'a,b');
    const claim = await claimFor(account, 'somebody-else', { key: 'a.csv', versionId });
    const record = account.item(claim.record.pk, claim.record.sk);
    const rejecting = quarantineFor(account, quarantine, claim, empty, visit);
    await expect(rejecting).rejects.toMatchObject({ name: 'Object.LeaseLost' });
    expect(account.item(claim.record.pk, claim.record.sk)).toEqual(record);
  });

  it('ends well when the claim of a manual start is gone, because only its answer was lost', async () => {
    const account = new Account();
    await account.upload('inbox', 'a.txt', 'a,b');
    const claim = await claimFor(account, execution, { key: 'a.txt' });
    const error = await validate(account, csvOnly, claim).catch((thrown: Error) => thrown);
    const cause = JSON.stringify({ errorMessage: (error as Error).message });
    const first = await quarantineFor(account, quarantine, claim, cause);
    expect(await quarantineFor(account, quarantine, claim, cause, { retryCount: 1 })).toEqual(first);
    expect(account.items('object#')).toMatchObject([{ status: 'REJECTED' }]);
  });

  it('leaves a version STORED that an earlier attempt had stored', async () => {
    const account = new Account();
    const versionId = await account.upload('inbox', 'a.csv', 'a,b');
    const claim = await claimFor(account, execution, { key: 'a.csv', versionId });
    const record = account.item(claim.record.pk, claim.record.sk) as Record<string, string>;
    await account.write({ ...record, storedAttempt: 1, storedResults: {} });
    await quarantineFor(account, quarantine, claim, empty);
    expect(account.item(claim.record.pk, claim.record.sk)).toMatchObject({
      status: 'STORED',
      rejection: { reasons: [{}] },
    });
  });
});

describe('the reasons of a rejection', () => {
  const reasons = [{ code: 'ByValidator', message: 'no header "x"', accepted: 'a header' }];

  it('survive the way through a Lambda error and through a task failure', () => {
    const { message } = rejectObject(reasons);
    expect(parseRejection(message)).toEqual(reasons);
    const lambdaCause = JSON.stringify({ errorMessage: message, errorType: 'Object.Rejected', trace: [] });
    expect(parseRejection(lambdaCause)).toEqual(reasons);
  });

  it('are one reason in the words of a cause that holds nothing else', () => {
    expect(parseRejection('just text')).toEqual([{ code: 'ByValidator', message: 'just text' }]);
    fc.assert(fc.property(fc.string(), (cause) => parseRejection(cause).length > 0));
  });
});

describe('sniffed content', () => {
  it.each([
    [Buffer.from('PK\x03\x04\x00\x00'), ['application/zip'], true],
    [Buffer.from('PK\x03\x04\x00\x00'), ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'], true],
    [Buffer.from('PK\x03\x04\x00\x00'), ['text/csv'], false],
    [Buffer.from('{"a": 1}'), ['application/json'], true],
    [Buffer.from('{"a": 1}'), ['text/csv'], false],
    [Buffer.from('a,b\n1,2\n'), ['text/csv'], true],
    [Buffer.from('a,b\n1,2\n'), ['image/png', 'image/*'], false],
    [Buffer.from([0xe9, 0x2c, 0x62]), ['text/csv'], true],
    [Buffer.from('\ufeffa,b', 'utf16le'), ['text/csv'], true],
    [Buffer.from('MZ is how this text begins'), ['text/plain'], true],
    [Buffer.from([1, 2, 3, 0]), ['text/csv'], false],
    [Buffer.from([1, 2, 3, 0]), ['application/octet-stream'], true],
  ])('%j may be %j: %s', (bytes, acceptedTypes, expected) => {
    expect(mayBeOfType(sniffContent(bytes), acceptedTypes)).toBe(expected);
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) =>
        ['type', 'text', 'binary'].includes(sniffContent(bytes).kind),
      ),
    );
  });
});

describe('the source of a copy', () => {
  it('is percent-encoded apart from its slashes, and decodes to what it was', () => {
    expect(copySourceText({ bucket: 'b', key: 'März/a+b c.csv', versionId: 'v/1' })).toBe(
      'b/M%C3%A4rz/a%2Bb%20c.csv?versionId=v%2F1',
    );
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (key) => {
        expect(decodeURIComponent(copySourceText({ bucket: 'b', key }))).toBe(`b/${key}`);
      }),
    );
  });

  it('is divided into parts that follow one another and cover it', () => {
    const tera = 1024 ** 4;
    for (const sizeBytes of [5 * 1024 ** 3 + 1, 3 * tera, 48 * tera]) {
      const ranges = partRanges(sizeBytes);
      expect(ranges.length).toBeLessThanOrEqual(10_000);
      expect(ranges[0]!.first).toBe(0);
      expect(ranges.at(-1)!.last).toBe(sizeBytes - 1);
      expect(ranges.every((range, index) => index === 0 || range.first === ranges[index - 1]!.last + 1)).toBe(true);
    }
  });
});

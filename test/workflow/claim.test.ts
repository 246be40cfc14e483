import { createHash } from 'node:crypto';
import { evaluateTemplate } from './evaluate';
import { definitionOf, makeWorkflow } from './synthesize';

const state = definitionOf(makeWorkflow({ source: { prefix: 'in/', suffix: '.csv' } }).stack).States['Claim object']!;
const bucket = /<(Inbox\w+)>/.exec(JSON.stringify(state.Arguments))![0];

const context = {
  Execution: { Id: 'arn:aws:states:eu-west-1:111122223333:execution:machine:run-1', Name: 'run-1', RedriveCount: 0 },
  StateMachine: { Name: 'machine' },
  State: { EnteredTime: '2026-11-22T10:00:00.500Z', Name: 'Claim object', RetryCount: 0 },
};

function event(object: object): object {
  return { 'detail-type': 'Object Created', source: 'aws.s3', detail: { bucket: { name: bucket }, object } };
}

interface UpdateItem {
  readonly Key: { readonly pk: { readonly S: string }; readonly sk: { readonly S: string } };
  readonly UpdateExpression: string;
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues: Readonly<Record<string, object>>;
}

async function claimCall(input: unknown): Promise<UpdateItem> {
  return (await evaluateTemplate(state.Arguments, { states: { input, context } })) as UpdateItem;
}

const versioned = event({ key: 'in/a.csv', size: 5, etag: 'e1', 'version-id': 'v1', sequencer: '00A' });

test('keeps one record for each version of an object, found by the hash of its place', async () => {
  const { Key } = await claimCall(versioned);
  expect(Key.pk.S).toBe(`object#${createHash('sha256').update(`${bucket}/in/a.csv`).digest('hex')}`);
  expect(Key.sk.S).toBe('version#v1');
});

test('tells long keys apart that differ only at their end, and every new version of one key', async () => {
  const long = `in/${'folder with spaces/'.repeat(20)}`;
  const keys = await Promise.all(
    [event({ key: `${long}a.csv`, 'version-id': 'v1' }), event({ key: `${long}b.csv`, 'version-id': 'v1' })]
      .concat(event({ key: `${long}a.csv`, 'version-id': 'v2' }))
      .map(async (input) => JSON.stringify((await claimCall(input)).Key)),
  );
  expect(new Set(keys).size).toBe(3);
});

test('meets in one record when started by an event and by hand for the same version', async () => {
  const byHand = await claimCall({ bucket, key: 'in/a.csv', versionId: 'v1' });
  expect(byHand.Key).toEqual((await claimCall(versioned)).Key);
});

test('tells uploads apart by etag and sequencer in a bucket without versions', async () => {
  const { Key } = await claimCall(event({ key: 'in/a.csv', size: 5, etag: 'e1', sequencer: '00A' }));
  expect(Key.sk.S).toBe('upload#e1#00A');
});

test('does not take the version "null" of a bucket without versions for a version', async () => {
  const { Key, ExpressionAttributeValues } = await claimCall(
    event({ key: 'in/a.csv', etag: 'e1', sequencer: '00A', 'version-id': 'null' }),
  );
  expect(Key.sk.S).toBe('upload#e1#00A');
  expect(ExpressionAttributeValues).not.toHaveProperty([':versionId']);
});

test('gives a manual start without a version a record of its own until validation knows the version', async () => {
  expect((await claimCall({ bucket, key: 'in/a.csv' })).Key.sk.S).toBe('manual#run-1');
});

test.each([
  ['an event with a version', versioned],
  ['an event without a version', event({ key: 'in/a.csv', etag: 'e1', sequencer: '00A' })],
  ['a manual start', { bucket, key: 'in/a.csv' }],
  ['a manual start with everything', { bucket, key: 'in/a.csv', versionId: 'v1', force: true, comment: 'ignored' }],
])('uses every name and value that it sends, and sends every one that it uses, for %s', async (_, input) => {
  const call = await claimCall(input);
  const used = new Set(`${call.UpdateExpression} ${call.ConditionExpression}`.match(/[:#]\w+/g));
  const sent = [...Object.keys(call.ExpressionAttributeNames), ...Object.keys(call.ExpressionAttributeValues)];
  expect(new Set(sent)).toEqual(used);
  expect(Object.values(call.ExpressionAttributeValues).every((value) => Object.keys(value).length === 1)).toBe(true);
});

test('sets a lease that ends two hours after the state was entered', async () => {
  const { ExpressionAttributeValues } = await claimCall(versioned);
  const enteredSeconds = Date.parse('2026-11-22T10:00:00Z') / 1000;
  expect(ExpressionAttributeValues[':now']).toEqual({ N: String(enteredSeconds) });
  expect(ExpressionAttributeValues[':leaseExpiresAt']).toEqual({ N: String(enteredSeconds + 7200) });
});

test('is found by the name of its state machine once its lease has ended', async () => {
  const { UpdateExpression, ExpressionAttributeValues } = await claimCall(versioned);
  expect(UpdateExpression).toContain('runningIn = :machine');
  expect(ExpressionAttributeValues[':machine']).toEqual({ S: 'machine' });
});

test('forces only when force is true', async () => {
  const force = async (value: unknown) =>
    (await claimCall({ bucket, key: 'in/a.csv', force: value })).ExpressionAttributeValues[':force'];
  expect(await force(true)).toEqual({ BOOL: true });
  expect(await force(false)).toEqual({ BOOL: false });
  expect(await force(undefined)).toEqual({ BOOL: false });
});

test('passes on what the record says, without what it does not say', async () => {
  const Attributes = {
    pk: { S: 'object#1' },
    sk: { S: 'version#v1' },
    bucket: { S: bucket },
    key: { S: 'in/a.csv' },
    versionId: { S: 'v1' },
  };
  const assigned = await evaluateTemplate(state.Assign, {
    states: { input: { bucket, key: 'in/a.csv' }, result: { Attributes }, context },
  });
  expect(assigned).toEqual({
    claim: {
      bucket,
      key: 'in/a.csv',
      versionId: 'v1',
      force: false,
      record: { pk: 'object#1', sk: 'version#v1' },
    },
  });
});

test.each([
  ['a version that is no text', { versionId: 7 }, '{"versionId":7}'],
  ['no version in the words of JSON', { versionId: null }, '{"versionId":null}'],
  ['an empty version', { versionId: '' }, '{"versionId":""}'],
  ['a list of versions', { versionId: ['v1', 'v2'] }, '{"versionId":["v1","v2"]}'],
  ['a list of one version', { versionId: ['v1'] }, '{"versionId":["v1"]}'],
  ['a version with parts', { versionId: { S: 'v1' } }, '{"versionId":{"S":"v1"}}'],
  ['a text for force', { force: 'true' }, '{"force":"true"}'],
  ['a number for force', { force: 1, versionId: 'v1' }, '{"versionId":"v1","force":1}'],
])('refuses %s before DynamoDB can', async (_, fields, got) => {
  const message = await claimCall({ bucket, key: 'in/a.csv', ...fields }).then(
    () => 'accepted',
    (error: Error) => error.message,
  );
  expect(message.split('\n')).toEqual([
    'A field of the input is not what it can be, at Claim object',
    `  got: ${got}`,
    '  allowed: "versionId" is a text and not empty, "etag" and "sequencer" are texts, "force" is true or false',
    '  fix: start another execution with the version id in quotes, as S3 shows it, or without the field',
  ]);
});

test.each(['version-id', 'etag', 'sequencer'])('refuses an event whose %s is no text', async (field) => {
  const message = await claimCall(event({ key: 'in/a.csv', etag: 'e1', sequencer: '00A', [field]: { S: 'x' } })).then(
    () => 'accepted',
    (error: Error) => error.message,
  );
  expect(message).toMatch(/^A field of the input is not what it can be, at Claim object\n {2}got: /);
});

test('takes no notice of what an event says beside its object', async () => {
  const { Key } = await claimCall({ ...versioned, force: 'perhaps', versionId: 7 });
  expect(Key.sk.S).toBe('version#v1');
});

test.each([
  ['no bucket', { key: 'in/a.csv' }, '{"key":"in/a.csv"}'],
  ['no key', { bucket: 'x' }, '{"bucket":"x"}'],
  ['an empty key', { bucket, key: '' }, '"key":""'],
  ['a key that is no text', { bucket, key: 7 }, '"key":7'],
  ['a list of keys', { bucket, key: ['in/a.csv'] }, '"key":["in/a.csv"]'],
  ['nothing', {}, '{}'],
  ['text', 'in/a.csv', '{}'],
  ['a list', [1, 2], '{}'],
  ['another bucket', { bucket: 'other', key: 'in/a.csv' }, '"bucket":"other"'],
  ['another prefix', { bucket, key: 'out/a.csv' }, '"key":"out/a.csv"'],
  ['another suffix', { bucket, key: 'in/a.CSV' }, '"key":"in/a.CSV"'],
  ['a key shorter than the prefix', { bucket, key: 'i' }, '"key":"i"'],
])('refuses %s and says what it expects', async (_, input, got) => {
  const message = await claimCall(input).then(
    () => 'accepted',
    (error: Error) => error.message,
  );
  const [what, ...lines] = message.split('\n');
  expect(what).toBe('The input names no object of this workflow, at Claim object');
  expect(lines).toEqual([
    expect.stringContaining(got),
    `  allowed: an S3 "Object Created" event, or {"bucket":"${bucket}","key":"in/….csv"}, with "versionId" and "force": true if you like`,
    '  fix: start another execution with the name of an object as it stands in the bucket',
  ]);
});

test('counts a prefix in characters, so that one outside of the basic plane does not shift it', async () => {
  const emoji = definitionOf(makeWorkflow({ source: { prefix: '📂/', suffix: '.é' } }).stack).States['Claim object']!;
  const call = evaluateTemplate(emoji.Arguments, { states: { input: { bucket, key: '📂/a.é' }, context } });
  await expect(call).resolves.toMatchObject({ Key: { sk: { S: 'manual#run-1' } } });
});

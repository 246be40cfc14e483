import { transformInput, type TargetInput } from '../../local/services/input-transformer';

const event = {
  id: '1',
  source: 'aws.s3',
  detail: { object: { key: 'a "b" \\ c', size: 3, 'version-id': 'v' }, list: ['x', 'y'] },
};
const rule = {
  'aws.events.rule-arn': 'arn:rule',
  'aws.events.rule-name': 'rule',
  'aws.events.event.ingestion-time': '2026',
} as const;
const transform = (target: TargetInput): string => transformInput(target, event, rule);
const template = (InputTemplate: string, InputPathsMap = {}): string =>
  transform({ InputTransformer: { InputTemplate, InputPathsMap } });
const paths = {
  key: '$.detail.object.key',
  size: '$.detail.object.size',
  version: '$.detail.object.version-id',
  object: '$.detail.object',
  none: '$.detail.none',
  first: '$.detail.list[0]',
};

test('the whole event, a part of it, or a constant reach the target as JSON', () => {
  expect(JSON.parse(transform({}))).toEqual(event);
  expect(transform({ InputPath: '$.detail.object.size' })).toBe('3');
  expect(transform({ Input: '{"fixed":true}' })).toBe('{"fixed":true}');
});

test('a template fills values in: as JSON outside of quotes, as text inside', () => {
  const filled = template(
    '{"key": <key>, "text": "key is <key>, <size>", "size": <size>, "object": <object>, "v": "<version>", "first": <first>}',
    paths,
  );
  expect(JSON.parse(filled)).toEqual({
    key: event.detail.object.key,
    text: `key is ${event.detail.object.key}, 3`,
    size: 3,
    object: event.detail.object,
    v: 'v',
    first: 'x',
  });
});

test('a template knows the rule and the event itself', () => {
  const filled = template(
    '{"rule": <aws.events.rule-name>, "event": <aws.events.event.json>, "time": "<aws.events.event.ingestion-time>"}',
  );
  expect(JSON.parse(filled)).toEqual({ rule: 'rule', event, time: '2026' });
});

test('what the event lacks becomes an empty text, an unknown placeholder stays', () => {
  expect(template('{"none": <none>, "in": "<none>", "odd": "<odd>"}', paths)).toBe(
    '{"none": "", "in": "", "odd": "<odd>"}',
  );
});

test('a template of plain text gives plain text', () => {
  expect(template('Object <version> has <size> bytes', paths)).toBe('Object v has 3 bytes');
  expect(template('"Object <key>"', paths)).toBe(JSON.stringify(`Object ${event.detail.object.key}`));
});

import { createMatcher } from '../../local/services/event-pattern';

const event = {
  source: 'aws.s3',
  'detail-type': 'Object Created',
  resources: ['arn:aws:s3:::inbox'],
  detail: {
    bucket: { name: 'inbox' },
    object: { key: 'in/Été (1).CSV', size: 42, empty: '', nothing: null },
    'source-ip-address': '192.0.2.77',
    address6: '2001:db8::1',
    flag: true,
    items: [
      { colour: 'red', size: 1 },
      { colour: 'blue', size: 2 },
    ],
  },
};

const key = (...rules: unknown[]) => ({ detail: { object: { key: rules } } });
const size = (...rules: unknown[]) => ({ detail: { object: { size: rules } } });

test.each<[string, unknown]>([
  ['exact values, any of a list', { source: ['x', 'aws.s3'] }],
  [
    'several fields',
    { source: ['aws.s3'], 'detail-type': ['Object Created'], detail: { bucket: { name: ['inbox'] } } },
  ],
  ['one element of a list in the event', { resources: ['arn:aws:s3:::inbox'] }],
  [
    'numbers, booleans, null and the empty text',
    { detail: { object: { size: [42], nothing: [null], empty: [''] }, flag: [true] } },
  ],
  ['prefix', key({ prefix: 'in/' })],
  ['prefix without case', key({ prefix: { 'equals-ignore-case': 'IN/é' } })],
  ['suffix', key({ suffix: '.CSV' })],
  ['suffix without case', key({ suffix: { 'equals-ignore-case': '.csv' } })],
  ['equals-ignore-case', key({ 'equals-ignore-case': 'IN/éTÉ (1).csv' })],
  ['wildcard', key({ wildcard: 'in/*(1)*.CSV' })],
  ['wildcard across slashes and to the end', key({ wildcard: '*' })],
  ['anything-but one text', key({ 'anything-but': 'x' })],
  ['anything-but a list', size({ 'anything-but': [1, 2] })],
  ['anything-but a prefix', key({ 'anything-but': { prefix: 'out/' } })],
  ['anything-but one of several prefixes', key({ 'anything-but': { prefix: ['out/', 'tmp/'] } })],
  ['anything-but a suffix', key({ 'anything-but': { suffix: '.txt' } })],
  ['anything-but without case', key({ 'anything-but': { 'equals-ignore-case': ['a', 'b'] } })],
  ['anything-but a wildcard', key({ 'anything-but': { wildcard: '*/tmp/*' } })],
  ['numeric equality', size({ numeric: ['=', 42.0] })],
  ['numeric range', size({ numeric: ['>', 0, '<=', 42] })],
  ['exists', { detail: { object: { key: [{ exists: true }] } } }],
  ['not exists', { detail: { object: { other: [{ exists: false }] } } }],
  ['not exists below what is not there', { detail: { missing: { other: [{ exists: false }] } } }],
  ['cidr', { detail: { 'source-ip-address': [{ cidr: '192.0.2.0/24' }] } }],
  ['cidr of version 6', { detail: { address6: [{ cidr: '2001:db8::/32' }] } }],
  ['$or', { source: ['aws.s3'], $or: [{ detail: { flag: [false] } }, { detail: { object: { size: [42] } } }] }],
  ['$or inside of detail', { detail: { $or: [{ flag: [false] }, { bucket: { name: ['inbox'] } }] } }],
  ['a list of objects: one of them has all', { detail: { items: { colour: ['blue'], size: [2] } } }],
  ['an operator beside plain values', key('x', { prefix: 'in/' })],
  ['a pattern as text', '{"source": ["aws.s3"]}'],
])('matches %s', (_, pattern) => {
  expect(createMatcher(pattern)(event)).toBe(true);
});

test.each<[string, unknown]>([
  ['another value', { source: ['aws.ec2'] }],
  ['one of two fields wrong', { source: ['aws.s3'], detail: { bucket: { name: ['other'] } } }],
  ['text is not a number', size('42')],
  ['a missing field is not null', { detail: { object: { other: [null] } } }],
  ['prefix with other case', key({ prefix: 'IN/' })],
  ['wildcard is anchored', key({ wildcard: 'n/*' })],
  ['an escaped star is a star', key({ wildcard: 'in/\\*' })],
  ['anything-but on a missing field', { detail: { object: { other: [{ 'anything-but': 'x' }] } } }],
  ['anything-but its own value', size({ 'anything-but': [42] })],
  ['anything-but its prefix', key({ 'anything-but': { prefix: ['x', 'in/'] } })],
  ['numeric out of range', size({ numeric: ['>', 42] })],
  ['numeric of a text', key({ numeric: ['>', 0] })],
  ['exists is about leaves', { detail: { object: [{ exists: true }] } }],
  ['not exists of what is there', key({ exists: false })],
  ['cidr of another net', { detail: { 'source-ip-address': [{ cidr: '198.51.100.0/24' }] } }],
  ['$or with no match', { $or: [{ source: ['x'] }, { source: ['y'] }] }],
  ['a list of objects: no single one has all', { detail: { items: { colour: ['blue'], size: [1] } } }],
  ['names that every object inherits', { detail: { toString: [{ exists: true }] } }],
])('does not match: %s', (_, pattern) => {
  expect(createMatcher(pattern)(event)).toBe(false);
});

test.each<[string, unknown]>([
  ['an empty pattern', {}],
  ['a value that is no list', { source: 'aws.s3' }],
  ['an empty list', { source: [] }],
  ['an unknown operator', key({ contains: 'x' })],
  ['two operators in one', key({ prefix: 'x', suffix: 'y' })],
  ['a numeric comparison without number', size({ numeric: ['>', '1'] })],
  ['an unknown comparison', size({ numeric: ['!=', 1] })],
  ['consecutive wildcards', key({ wildcard: 'a**b' })],
  ['an unknown escape', key({ wildcard: 'a\\b' })],
  ['a broken network', key({ cidr: '10.0.0.0/99' })],
  ['anything-but with nothing', key({ 'anything-but': [] })],
])('rejects %s', (_, pattern) => {
  expect(() => createMatcher(pattern)).toThrow('Event pattern is not valid');
});

/** The intrinsic functions of JSONPath states. */
import { createRandom } from '../../../local/random';
import type { JsonValue } from '../../../local/states-language';
import { IntrinsicCall } from '../../../local/states-language/data/intrinsics';
import { SyntaxProblem } from '../../../local/states-language/data/states-error';

const input: JsonValue = {
  list: [1, 2, 2, 3],
  text: 'a,b;c',
  object: { a: 1, b: { c: 2 } },
  other: { b: 3 },
  index: 1,
  json: '[1]',
};

function call(text: string): JsonValue {
  const surroundings = {
    input,
    context: { Name: 'x-y' },
    variables: { n: 5 },
    random: createRandom('calls'),
    field: 'f.$',
  };
  return IntrinsicCall.parse(text).evaluate(surroundings);
}

test.each<[string, JsonValue]>([
  ["States.Format('{} has {}', 'Ada', $.index)", 'Ada has 1'],
  ["States.Format('{}', $.object)", '{"a":1,"b":{"c":2}}'],
  ["States.Format('it\\'s \\{plain\\} {}', null)", "it's {plain} null"],
  ["States.Array(1, 'a', $.index, true, null, States.Array())", [1, 'a', 1, true, null, []]],
  ['States.ArrayPartition($.list, 3)', [[1, 2, 2], [3]]],
  ['States.ArrayContains($.list, 2)', true],
  ['States.ArrayContains($.list, 9)', false],
  ['States.ArrayRange(1, 9, 4)', [1, 5, 9]],
  ['States.ArrayRange(3, 1, -1)', [3, 2, 1]],
  ['States.ArrayGetItem($.list, $.index)', 2],
  ['States.ArrayLength($.list)', 4],
  ['States.ArrayUnique($.list)', [1, 2, 3]],
  ["States.Base64Decode(States.Base64Encode('hé'))", 'hé'],
  ["States.Hash('abc', 'MD5')", '900150983cd24fb0d6963f7d28e17f72'],
  ['States.JsonMerge($.object, $.other, false)', { a: 1, b: 3 }],
  ['States.StringToJson($.json)', [1]],
  ["States.StringToJson(' ')", null],
  ['States.JsonToString($.object)', '{"a":1,"b":{"c":2}}'],
  ['States.MathAdd(-1.5, 0)', -1],
  ['States.MathAdd($n, 1)', 6],
  ["States.StringSplit($.text, ',;')", ['a', 'b', 'c']],
  ["States.StringSplit(',,', ',')", []],
  ["States.ArrayGetItem(States.StringSplit($$.Name, '-'), 1)", 'y'],
  ['States.ArrayLength($.list[?(@ == 2)])', 2],
])('%s', (text, expected) => {
  expect(call(text)).toEqual(expected);
});

test('chance comes from the seed alone', () => {
  expect(call('States.UUID()')).toBe(call('States.UUID()'));
  expect(call('States.MathRandom(1, 100)')).toBe(call('States.MathRandom(1, 100)'));
  expect(call('States.MathRandom(1, 1000000, 7)')).toBe(call('States.MathRandom(1, 1000000, 7)'));
});

test.each([
  'States.ArrayGetItem($.list, 9)',
  'States.ArrayLength($.text)',
  "States.Format('{}')",
  "States.Format('{} {}', 1)",
  "States.Hash('a', 'CRC')",
  'States.JsonMerge($.object, $.other, true)',
  "States.StringToJson('{')",
  'States.ArrayRange(1, 5000, 1)',
  'States.ArrayPartition($.list, 0)',
  'States.MathRandom(5, 5)',
  "States.Base64Decode('*')",
])('%s fails', (text) => {
  expect(() => call(text)).toThrow(expect.objectContaining({ error: 'States.IntrinsicFailure' }));
});

test('a path that finds nothing fails the state as it does outside a call', () => {
  expect(() => call('States.Array($.no)')).toThrow(expect.objectContaining({ error: 'States.Runtime' }));
});

test.each([
  'States.Nope()',
  'States.UUID(1)',
  'States.MathAdd(1)',
  "States.Format('a",
  "States.Format('\\\"')",
  'States.Array(1,)',
  'States.Array(1) x',
  'States.Array(a)',
  `${'States.Array('.repeat(11)}1${')'.repeat(11)}`,
])('rejects %s', (text) => {
  expect(() => IntrinsicCall.parse(text)).toThrow(SyntaxProblem);
});

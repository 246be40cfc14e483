import { App, Lazy, Stack, Token } from 'aws-cdk-lib';
import { Pass } from 'aws-cdk-lib/aws-stepfunctions';
import fc from 'fast-check';
import { expression, renderExpression, stateVariables } from '../../workflow';
import { renderJsonata } from '../../workflow/state-variables';
import { anyCharacter } from '../any-character';
import { evaluate } from './evaluate';

const $ = stateVariables<{
  object: { key: string; 'version-id': string; tags: readonly string[]; and: string; owner?: { name: string } };
}>();

/** Without the one name that JSONata's object constructor refuses, and the numbers around -1.9e289 that CDK reads as its tokens. */
const plainValue = fc
  .jsonValue({ maxDepth: 3 })
  .filter((value) => !JSON.stringify(value).includes('__proto__') && !numbersIn(value).some(Token.isUnresolved));

function numbersIn(value: unknown): readonly number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

test('writes any plain value so that JSONata reads the same value', async () => {
  await fc.assert(
    fc.asyncProperty(plainValue, async (value) => {
      expect(await evaluate(renderJsonata(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 500 },
  );
});

test('writes any text so that it stays text, whatever it looks like', async () => {
  const hostile = fc.oneof(
    fc.string({ unit: anyCharacter }),
    fc.constantFrom(
      '{% $x %}',
      '%} & $error("x") {%',
      '"',
      "'",
      '\\',
      '\\"',
      '`',
      '\n\r\t\u2028\0',
      '${Token[1]}',
      '"}; $x := 1; {"',
    ),
  );
  await fc.assert(
    fc.asyncProperty(hostile, async (text) => {
      expect(await evaluate(renderJsonata({ text }))).toEqual({ text: JSON.parse(JSON.stringify(text)) });
    }),
    { numRuns: 500 },
  );
});

test('reads any field by its name', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1 }), fc.string(), async (name, value) => {
      fc.pre(!name.includes('`') && name !== '__proto__' && !(name in $.object));
      const field = ($.object as unknown as Record<string, object>)[name]!;
      expect(await evaluate(renderJsonata(field), { object: { [name]: value } })).toBe(value);
    }),
    { numRuns: 300 },
  );
});

test('renders as JSONata wherever CDK takes a text', () => {
  expect(`${$.object.key}`).toBe('{% $object.key %}');
  expect(JSON.stringify({ key: $.object.key })).toBe('{"key":"{% $object.key %}"}');
  expect(`${$.object['version-id']}`).toBe('{% $object.`version-id` %}');
  expect(`${$.object.and}`).toBe('{% $object.`and` %}');
  const stack = new Stack(new App(), 'Test');
  const pass = Pass.jsonata(stack, 'Pass', { outputs: { key: $.object.key } });
  expect(stack.resolve(pass.toStateJson())).toMatchObject({ Output: { key: '{% $object.key %}' } });
});

test('leaves out of an object what is undefined when it runs', async () => {
  const code = renderJsonata({ key: $.object.key, owner: $.object.owner.name });
  expect(await evaluate(code, { object: { key: 'k' } })).toEqual({ key: 'k' });
});

test.each([[[]], [['one']], [['one', 'two']]])('passes on a list of any length as a list', async (...tags) => {
  const object = { tags: tags[0] };
  expect(await evaluate(renderJsonata({ tags: $.object.tags }), { object })).toEqual(object);
});

test('puts an expression written by hand in parentheses before it takes a member of it', async () => {
  const code = renderJsonata(expression<{ a: number }>('false ? {"a": 1} : {"a": 2}').a);
  expect(await evaluate(code)).toBe(2);
});

test('rejects values that have no JSON form, and says where one got in', () => {
  const unknownAtSynth = Lazy.number({ produce: () => 1 });
  for (const value of [Number.NaN, Infinity, unknownAtSynth, () => 1, Symbol('s'), new Date(0), 10n]) {
    expect(() => renderExpression({ value })).toThrow('A state is wired to a value that has no JSONata form');
  }
});

test('rejects a field whose name JSONata cannot write', () => {
  expect(() => ($.object as unknown as Record<string, unknown>)['a`b']).toThrow('cannot be written in JSONata');
});

import type { JsonValue } from '../../local/states-language';
import { Bench, detailsOf, machine } from './machine';

async function holds(rule: object, input: JsonValue): Promise<boolean | string> {
  const execution = await new Bench().run(
    {
      StartAt: 'C',
      States: {
        C: { Type: 'Choice', Choices: [{ ...rule, Next: 'Yes' }], Default: 'No' },
        Yes: { Type: 'Pass', Result: true, End: true },
        No: { Type: 'Pass', Result: false, End: true },
      },
    },
    input,
  );
  return execution.status === 'SUCCEEDED' ? (execution.output as boolean) : (execution.cause ?? '');
}

describe('comparisons', () => {
  test.each<[object, JsonValue, boolean]>([
    [{ Variable: '$.a', StringEquals: 'x' }, { a: 'x' }, true],
    [{ Variable: '$.a', StringLessThan: 'b' }, { a: 'a' }, true],
    [{ Variable: '$.a', NumericEquals: 1 }, { a: '1' }, false],
    [{ Variable: '$.a', NumericGreaterThanEqualsPath: '$.b' }, { a: 2, b: 2 }, true],
    [{ Variable: '$.a', BooleanEqualsPath: '$.b' }, { a: false, b: false }, true],
    [{ Variable: '$.a', TimestampEquals: '2024-01-01T12:00:00Z' }, { a: '2024-01-01T13:00:00+01:00' }, true],
    [{ Variable: '$.a', TimestampLessThan: '2024-01-01T12:00:00Z' }, { a: 'yesterday' }, false],
    [{ Variable: '$.a', IsPresent: false }, {}, true],
    [{ Variable: '$.a', IsNull: true }, { a: null }, true],
    [{ Variable: '$.a', IsTimestamp: true }, { a: '2024-02-30T00:00:00Z' }, false],
    [{ Not: { Variable: '$.a', IsNumeric: true } }, { a: '1' }, true],
    [
      {
        Or: [
          { Variable: '$.a', NumericEquals: 1 },
          { Variable: '$.a', NumericEquals: 2 },
        ],
      },
      { a: 2 },
      true,
    ],
    [
      {
        And: [
          { Variable: '$.a', IsPresent: true },
          { Variable: '$.a', IsString: true },
        ],
      },
      {},
      false,
    ],
  ])('%j of %j is %s', async (rule, input, expected) => {
    expect(await holds(rule, input)).toBe(expected);
  });

  test.each([
    ['log-*.txt', 'log-2024.txt', true],
    ['log-*.txt', 'log-2024.txt.bak', false],
    ['*', 'any\nthing', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['(.+)', 'x', false],
  ])('StringMatches %j of %j is %s', async (pattern, text, expected) => {
    expect(await holds({ Variable: '$.a', StringMatches: pattern }, { a: text })).toBe(expected);
  });

  test.each([
    { Variable: '$.nope', StringEquals: 'x' },
    { Variable: '$.a', NumericEqualsPath: '$.nope' },
    { Variable: '$.nope', IsNull: true },
  ])('%j fails where a path leads nowhere', async (rule) => {
    expect(await holds(rule, { a: 1 })).toContain(
      "Invalid path '$.nope': The choice state's condition path references an invalid value.",
    );
  });
});

describe('Choice', () => {
  test('that matches nothing and has no Default cannot go on', async () => {
    const execution = await new Bench().run(
      machine({ C: { Type: 'Choice', Choices: [{ Condition: '{% false %}', Next: 'S' }] }, S: { Type: 'Succeed' } }),
    );
    expect([execution.error, execution.cause]).toEqual([
      'States.Runtime',
      "An error occurred while executing the state 'C' (entered at the event id #2). Failed to transition out of the state. The state does not point to a next state.",
    ]);
  });

  test('a condition must be true or false', async () => {
    const execution = await new Bench().run(
      machine({
        C: {
          Type: 'Choice',
          Choices: [
            { Condition: '{% false %}', Next: 'S' },
            { Condition: '{% 1 %}', Next: 'S' },
          ],
        },
        S: { Type: 'Succeed' },
      }),
    );
    expect(execution.cause).toContain(
      "The JSONata expression '1' specified for the field 'Choices[1]/Condition' returned an unexpected result type. Expected 'boolean', but was 'number' for value: 1",
    );
  });

  test('a rule has its own output and variables, named by its place when they fail', async () => {
    const run = (Output: object) =>
      new Bench().run(
        machine({
          C: {
            Type: 'Choice',
            Choices: [{ Condition: '{% true %}', Output, Assign: { v: 1 }, Next: 'S' }],
            Output: 'default',
            Assign: { w: 1 },
          },
          S: { Type: 'Pass', Output: { was: '{% $states.input %}', v: '{% $v %}', w: '{% $exists($w) %}' }, End: true },
        }),
      );
    expect((await run({ x: 1 })).output).toEqual({ was: { x: 1 }, v: 1, w: false });
    expect(detailsOf(await run({ x: '{% $nope %}' }), 'EvaluationFailed')['location']).toBe('Choices[0]/Output/x');
  });
});

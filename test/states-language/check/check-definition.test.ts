/** What is refused before it runs, and where each problem is said to be. */
import fc from 'fast-check';
import { checkDefinition, type JsonValue } from '../../../local/states-language';
import aslValidator from 'asl-validator';

/** A machine of one state that ends. */
const machine = (state: Record<string, JsonValue>, more: Record<string, JsonValue> = {}): JsonValue => ({
  StartAt: 'A',
  ...more,
  States: { A: { End: true, ...state } },
});
const jsonata = { QueryLanguage: 'JSONata' };
const task = { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke' };
const mapOf = (more: Record<string, JsonValue>): Record<string, JsonValue> => ({
  Type: 'Map',
  ItemProcessor: { StartAt: 'B', States: { B: { Type: 'Pass', End: true } } },
  ...more,
});

const problems = (definition: JsonValue): string[] =>
  checkDefinition(JSON.stringify(definition)).map(
    ({ severity, code, location, message }) =>
      `${severity === 'WARNING' ? 'WARNING ' : ''}${code} ${location}: ${message}`,
  );
const withoutCode = (definition: JsonValue): string[] =>
  problems(definition).map((problem) => problem.replace('SCHEMA_VALIDATION_FAILED ', ''));

test('finds nothing wrong with what is right', () => {
  expect(problems(machine({ Type: 'Pass' }))).toEqual([]);
});

test('says that a text is no JSON', () => {
  expect(checkDefinition('{')[0]).toMatchObject({ severity: 'ERROR', code: 'INVALID_JSON_DESCRIPTION', location: '' });
  expect(checkDefinition('[]')[0]?.message).toBe('Definition must be a valid JSON object');
});

test('finds all problems at once', () => {
  expect(problems({ StartAt: 'B', States: { A: { Type: 'Task', Next: 'C' } } })).toHaveLength(3);
});

/** What is wrong, the definition, and where and what is reported. */
const rejected: readonly (readonly [string, JsonValue, string])[] = [
  ['no states', {}, ': These fields are required: [States, StartAt]'],
  ['empty states', { StartAt: 'A', States: {} }, '/States: Value cannot be empty'],
  [
    'unknown type',
    machine({ Type: 'Loop' }),
    "/States/A/Type: The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]",
  ],
  [
    'unknown field',
    machine({ Type: 'Pass', Paramters: {} }),
    "/States/A/Paramters: The field 'Paramters' is not supported here",
  ],
  [
    'field of another type of state',
    machine({ Type: 'Pass', Seconds: 1 }),
    "/States/A/Seconds: The field 'Seconds' is not supported here",
  ],
  ['missing resource', machine({ Type: 'Task' }), '/States/A: These fields are required: [Resource]'],
  [
    'long name',
    { StartAt: 'x'.repeat(81), States: { ['x'.repeat(81)]: { Type: 'Succeed' } } },
    `/States/${'x'.repeat(81)}: The name of a state may be 80 characters long`,
  ],
  ['Next and End', machine({ Type: 'Pass', Next: 'A' }), '/States/A: Only one of these fields may be given: Next, End'],
  [
    'neither Next nor End',
    { StartAt: 'A', States: { A: { Type: 'Pass' }, B: { Type: 'Succeed' } } },
    "/States/A: One of the fields 'Next' and 'End' is required",
  ],
  [
    'Parameters in JSONata',
    machine({ ...task, Parameters: {} }, jsonata),
    "/States/A/Parameters: The field 'Parameters' is not supported when the QueryLanguage is JSONata",
  ],
  [
    'Arguments in JSONPath',
    machine({ ...task, Arguments: {} }),
    "/States/A/Arguments: The field 'Arguments' is not supported when the QueryLanguage is JSONPath",
  ],
  [
    'JSONPath inside JSONata',
    machine({ Type: 'Pass', QueryLanguage: 'JSONPath' }, jsonata),
    "/States/A/QueryLanguage: A state cannot use JSONPath in a state machine that uses 'JSONata'",
  ],
  [
    'half an expression',
    machine({ Type: 'Pass', Output: { a: ['{% 1'] } }, jsonata),
    "/States/A/Output/a/0: A JSONata expression must begin with '{%' and end with '%}': \"{% 1\"",
  ],
  [
    'broken expression',
    machine({ Type: 'Pass', Output: '{% 1 + %}' }, jsonata),
    '/States/A/Output: Value is not a valid JSONata expression: S0207 Unexpected end of expression',
  ],
  [
    'result before there is one',
    machine({ ...task, Arguments: '{% $states.result %}' }, jsonata),
    "/States/A/Arguments: '$states.result' is not available in this field",
  ],
  [
    'result of a Pass',
    machine({ Type: 'Pass', Output: '{% $states.result %}' }, jsonata),
    "/States/A/Output: '$states.result' is not available in this field",
  ],
  [
    'error output outside Catch',
    machine({ ...task, Output: '{% $states.errorOutput %}' }, jsonata),
    "/States/A/Output: '$states.errorOutput' is not available in this field",
  ],
  [
    'broken path',
    machine({ Type: 'Pass', InputPath: '$.[' }),
    "/States/A/InputPath: Value is not a valid JSONPath: expected a position, at character 4 of '$.['",
  ],
  [
    'ResultPath with a wildcard',
    machine({ Type: 'Pass', ResultPath: '$.a[*]' }),
    "/States/A/ResultPath: Value is not a Reference Path: '$.a[*]' is not a reference path: it must name one place of the input",
  ],
  [
    'broken template',
    machine({ Type: 'Pass', Parameters: { a: { 'b.$': 'text' } } }),
    "/States/A/Parameters/a: The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call",
  ],
  [
    'unknown intrinsic',
    machine({ Type: 'Pass', Parameters: { 'b.$': 'States.Nope()' } }),
    "/States/A/Parameters: The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call",
  ],
  [
    'field twice',
    machine({ Type: 'Pass', Parameters: { b: 1, 'b.$': '$' } }),
    "/States/A/Parameters: The field 'b.$' and the field 'b' cannot both be given",
  ],
  [
    'heartbeat not below timeout',
    machine({ ...task, TimeoutSeconds: 5, HeartbeatSeconds: 5 }),
    '/States/A/HeartbeatSeconds: HeartbeatSeconds must be less than TimeoutSeconds',
  ],
  [
    'timeout of 0',
    machine({ ...task, TimeoutSeconds: 0 }),
    '/States/A/TimeoutSeconds: Expected value to be an integer of at least 1 and at most 99999999, but was 0',
  ],
  [
    'timeout twice',
    machine({ ...task, TimeoutSeconds: 1, TimeoutSecondsPath: '$.a' }),
    '/States/A: Only one of these fields may be given: TimeoutSeconds, TimeoutSecondsPath',
  ],
  [
    'credentials without role',
    machine({ ...task, Credentials: {} }),
    "/States/A/Credentials: The field 'RoleArn' is required but was missing",
  ],
  [
    'wait for nothing',
    machine({ Type: 'Wait' }),
    '/States/A: One of the fields Seconds, SecondsPath, Timestamp and TimestampPath is required',
  ],
  [
    'no timestamp',
    machine({ Type: 'Wait', Timestamp: '2024-02-30T00:00:00Z' }),
    '/States/A/Timestamp: String does not match RFC3339 timestamp',
  ],
  [
    'empty ErrorEquals',
    machine({ ...task, Retry: [{ ErrorEquals: [] }] }),
    '/States/A/Retry/0/ErrorEquals: Value cannot be empty',
  ],
  [
    'States.ALL among others',
    machine({ ...task, Retry: [{ ErrorEquals: ['States.ALL', 'E'] }] }),
    "/States/A/Retry/0/ErrorEquals: 'States.ALL' must appear alone",
  ],
  [
    'States.ALL before others',
    machine({
      ...task,
      Catch: [
        { ErrorEquals: ['States.ALL'], Next: 'A' },
        { ErrorEquals: ['E'], Next: 'A' },
      ],
    }),
    "/States/A/Catch/0/ErrorEquals: 'States.ALL' must be in the last retrier or catcher",
  ],
  [
    'backoff below 1',
    machine({ ...task, Retry: [{ ErrorEquals: ['E'], BackoffRate: 0.5 }] }),
    '/States/A/Retry/0/BackoffRate: Expected value to be a number of at least 1, but was 0.5',
  ],
  ['retry in a Pass', machine({ Type: 'Pass', Retry: [] }), "/States/A/Retry: The field 'Retry' is not supported here"],
  [
    'catcher to nowhere',
    machine({ ...task, Catch: [{ ErrorEquals: ['E'], Next: 'B' }] }),
    "MISSING_TRANSITION_TARGET /States/A/Catch/0/Next: Missing 'Next' target: B",
  ],
  [
    'start nowhere',
    { StartAt: 'B', States: { A: { Type: 'Succeed' } } },
    "MISSING_TRANSITION_TARGET /StartAt: Missing 'StartAt' target: B",
  ],
  [
    'unreachable state',
    { StartAt: 'A', States: { A: { Type: 'Succeed' }, B: { Type: 'Succeed' } } },
    'MISSING_TRANSITION_TARGET /States/B: State "B" is not reachable.',
  ],
  [
    'no way to the end',
    { StartAt: 'A', States: { A: { Type: 'Pass', Next: 'A' } } },
    'MISSING_END_STATE /States: No state ends the execution: one must be Succeed, Fail or have "End": true',
  ],
  ['no branches', machine({ Type: 'Parallel', Branches: [] }), '/States/A/Branches: Value cannot be empty'],
  [
    'map without processor',
    machine({ Type: 'Map' }),
    "/States/A: The field 'ItemProcessor' is required but was missing",
  ],
  [
    'reader in an inline map',
    machine(mapOf({ ItemReader: { Resource: 'arn:aws:states:::s3:getObject' } })),
    "/States/A/ItemReader: The field 'ItemReader' needs a Map in DISTRIBUTED mode",
  ],
  [
    'percentage above 100',
    machine(mapOf({ ToleratedFailurePercentage: 101 })),
    '/States/A/ToleratedFailurePercentage: Expected value to be a number of at least 0 and at most 100, but was 101',
  ],
  [
    'name used inside a map',
    machine({ Type: 'Map', ItemProcessor: { StartAt: 'A', States: { A: { Type: 'Succeed' } } } }),
    "DUPLICATE_STATE_NAME /States/A/ItemProcessor/States/A: State names must be unique: 'A' is also at /States/A",
  ],
  [
    'transition out of a branch',
    machine({
      Type: 'Parallel',
      Branches: [{ StartAt: 'B', States: { B: { Type: 'Pass', Next: 'A' }, C: { Type: 'Succeed' } } }],
    }),
    "MISSING_TRANSITION_TARGET /States/A/Branches/0/States/B/Next: Missing 'Next' target: A",
  ],
];

test.each(rejected)('rejects %s', (_what, definition, expected) => {
  expect(withoutCode(definition)).toContain(expected);
});

const choice = (rule: Record<string, JsonValue>, more: Record<string, JsonValue> = {}): JsonValue => ({
  StartAt: 'A',
  ...more,
  States: { A: { Type: 'Choice', Choices: [{ Next: 'B', ...rule }] }, B: { Type: 'Succeed' } },
});

test.each<[string, JsonValue, string]>([
  ['no condition', choice({}), '/States/A/Choices/0: A Choice rule must have exactly one condition, but has none'],
  [
    'two conditions',
    choice({ Variable: '$.a', IsNull: true, IsString: true }),
    '/States/A/Choices/0: A Choice rule must have exactly one condition, but has IsNull, IsString',
  ],
  ['no variable', choice({ IsNull: true }), "/States/A/Choices/0: The field 'Variable' is required but was missing"],
  [
    'wrong operand',
    choice({ Variable: '$.a', NumericEquals: '1' }),
    '/States/A/Choices/0/NumericEquals: Expected value to be a number, but was "1"',
  ],
  ['empty And', choice({ And: [] }), '/States/A/Choices/0/And: Value cannot be empty'],
  [
    'wrong inside Not',
    choice({ Not: { Variable: '$.a', BooleanEquals: 1 } }),
    '/States/A/Choices/0/Not/BooleanEquals: Expected value to be a boolean, but was 1',
  ],
  [
    'unknown operator',
    choice({ Variable: '$.a', StringLike: 'x' }),
    "/States/A/Choices/0/StringLike: The field 'StringLike' is not supported here",
  ],
  [
    'Condition in JSONPath',
    choice({ Condition: true }),
    "/States/A/Choices/0/Condition: The field 'Condition' is not supported here",
  ],
  [
    'Variable in JSONata',
    choice({ Variable: '$.a', Condition: true }, jsonata),
    "/States/A/Choices/0/Variable: The field 'Variable' is not supported when the QueryLanguage is JSONata",
  ],
  [
    'no Condition in JSONata',
    choice({}, jsonata),
    "/States/A/Choices/0: The field 'Condition' is required but was missing",
  ],
])('rejects a Choice rule with %s', (_what, definition, expected) => {
  expect(withoutCode(definition)).toContain(expected);
});

describe('warns', () => {
  const warnings = (definition: JsonValue): string[] =>
    problems(definition).filter((problem) => problem.startsWith('WARNING'));

  test('of a variable that no state assigns', () => {
    expect(warnings(machine({ Type: 'Pass', Output: '{% $total %}' }, jsonata))).toEqual([
      "WARNING UNDEFINED_VARIABLE /States/A/Output: No state before this one assigns the variable '$total'",
    ]);
    expect(warnings(machine({ Type: 'Pass', Parameters: { 'a.$': '$total' } }))).toHaveLength(1);
  });

  test('not of one that is bound in the expression, assigned by a state, or a function', () => {
    expect(
      warnings(machine({ Type: 'Pass', Output: '{% ($x := 1; $map([1], function($v){$v + $x})) %}' }, jsonata)),
    ).toEqual([]);
    expect(warnings(machine({ Type: 'Pass', Assign: { total: 1 }, Output: '{% $total %}' }, jsonata))).toEqual([]);
  });

  test('of an outer variable inside a distributed Map, whose children cannot see it', () => {
    const processor = (mode: string): JsonValue => ({
      ProcessorConfig: { Mode: mode },
      StartAt: 'B',
      States: { B: { Type: 'Pass', Output: '{% $total %}', End: true } },
    });
    const definition = (mode: string): JsonValue => ({
      ...jsonata,
      StartAt: 'Sum',
      States: {
        Sum: { Type: 'Pass', Assign: { total: 1 }, Next: 'A' },
        A: { Type: 'Map', ItemProcessor: processor(mode), End: true },
      },
    });
    expect(warnings(definition('INLINE'))).toEqual([]);
    expect(warnings(definition('DISTRIBUTED'))).toHaveLength(1);
  });

  test.each(['name', '$', '$$.a', 'a.b + 1', '$count(items)'])('of %s, which refers to nothing', (expression) => {
    expect(warnings(machine({ Type: 'Pass', Output: `{% ${expression} %}` }, jsonata))).toHaveLength(1);
  });

  test('not of a name behind a path or in a predicate', () => {
    expect(
      warnings(machine({ Type: 'Pass', Output: '{% $states.input.orders[price > 1].(id & name) %}' }, jsonata)),
    ).toEqual([]);
  });
});

test('refuses all that asl-validator refuses', () => {
  const structural = rejected.filter((_entry, index) => index % 4 === 0).map(([, definition]) => definition);
  for (const definition of structural) {
    const { isValid } = aslValidator(definition as Record<string, unknown>);
    if (!isValid) expect(problems(definition)).not.toEqual([]);
  }
}, 60_000);

test('any JSON is checked without breaking', () => {
  const name = fc.constantFrom(
    'StartAt',
    'States',
    'A',
    'Type',
    'Next',
    'Choices',
    'Retry',
    'Catch',
    'ErrorEquals',
    'Branches',
    'ItemProcessor',
    'Output',
    'Parameters',
    'a.$',
    'Variable',
    'And',
    'QueryLanguage',
    '__proto__',
    'constructor',
  );
  const value = fc.constantFrom<JsonValue>(
    'A',
    'Task',
    'Map',
    'Choice',
    'Parallel',
    'Pass',
    'JSONata',
    '$.a',
    '{% $x %}',
    '{% 1',
    1,
    null,
    true,
    [],
    {},
  );
  const { any } = fc.letrec<{ any: JsonValue }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 5 },
      value,
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(name, tie('any'), { maxKeys: 4 }),
    ) as fc.Arbitrary<JsonValue>,
  }));
  fc.assert(
    fc.property(any, (states) => {
      for (const definition of [states, { StartAt: 'A', States: states }, { StartAt: 'A', States: { A: states } }]) {
        expect(Array.isArray(checkDefinition(JSON.stringify(definition)))).toBe(true);
      }
    }),
    { numRuns: 1000 },
  );
});

/** JSONata as AWS runs it: its functions, its limits, its error texts, and that nothing leads out of an expression. */
import fc from 'fast-check';
import { createRandom } from '../../../local/random';
import type { JsonValue } from '../../../local/states-language';
import {
  compileExpression,
  compileTemplate,
  evaluateExpression,
  evaluateTemplate,
  InvalidExpressionError,
  isExpression,
  QueryEvaluationFailure,
  unexpectedType,
} from '../../../local/states-language/data/jsonata';

const input: JsonValue = { name: 'Ada', list: [1, 2, 3], nested: { value: { deep: true } }, empty: [] };

function bindings(states: Record<string, JsonValue> = { input }, variables: Record<string, JsonValue> = {}) {
  return { states, variables, random: createRandom('jsonata'), nowMs: 86_400_000 };
}

function evaluate(
  expression: string,
  states?: Record<string, JsonValue>,
  variables?: Record<string, JsonValue>,
): JsonValue {
  return evaluateExpression(compileExpression(`{% ${expression} %}`), bindings(states, variables), 'Output');
}

/** What the failure says after the words that name expression and field. */
function failure(expression: string): string {
  try {
    const value = evaluate(expression);
    return `gave ${JSON.stringify(value)}`;
  } catch (error) {
    expect(error).toBeInstanceOf(QueryEvaluationFailure);
    const subject = `The JSONata expression '${expression}' specified for the field 'Output' `;
    expect((error as Error).message.startsWith(subject)).toBe(true);
    return (error as Error).message.slice(subject.length);
  }
}

describe('an expression', () => {
  test.each([
    ['{% $x %}', true],
    ['{%$x%}', true],
    ['{% a\nb %}', true],
    [' {% $x %}', false],
    ['{% $x %} ', false],
    ['{%}', false],
    ['$x', false],
    [1, false],
  ])('%j: %s', (value, expected) => {
    expect(isExpression(value)).toBe(expected);
  });

  test('reads $states and variables', () => {
    expect(evaluate('$states.input.name & $greeting', { input }, { greeting: '!' })).toBe('Ada!');
  });

  test('reads no variable by the name of what every JavaScript object has', () => {
    for (const name of ['constructor', '__proto__', 'hasOwnProperty', 'toString']) {
      expect(failure(`$${name}`)).toBe('returned nothing (undefined).');
    }
  });

  test('fails with the words of AWS when it gives nothing', () => {
    expect(failure('$doesNotExist')).toBe('returned nothing (undefined).');
  });

  test('fails with the words of AWS when it throws', () => {
    expect(failure('1()')).toBe('threw an error during evaluation. T1006: Attempted to invoke a non-function');
    expect(failure("'a' - 1")).toBe(
      'threw an error during evaluation. T2001: The left side of the "-" operator must evaluate to a number',
    );
    expect(failure("$error('no stock')")).toBe('threw an error during evaluation. D3137: no stock');
  });

  test('fails with the words of AWS when it gives a function', () => {
    expect(failure('$fn := function($x){$x}')).toBe('returned an unsupported result type.');
    expect(failure("{ 'inside': [$sum] }")).toBe('returned an unsupported result type.');
  });

  test('says what type was expected', () => {
    const expression = compileExpression('{% $items %}');
    expect(unexpectedType(expression, 'Items', 'array', { a: 1 }).message).toBe(
      "The JSONata expression '$items' specified for the field 'Items' returned an unexpected result type. " +
        "Expected 'array', but was 'object' for value: {\"a\":1}",
    );
  });

  test('is refused when it is not JSONata 2.0.6', () => {
    expect(() => compileExpression('{% $a ?? 1 %}')).toThrow(InvalidExpressionError);
    expect(() => compileExpression('{% $a ?: 1 %}')).toThrow(InvalidExpressionError);
    expect(() => compileExpression('{% %}')).toThrow(InvalidExpressionError);
  });

  test('gives plain JSON: no list remembers that it was a sequence', () => {
    const one = evaluate('$states.input.list[$ = 2][]');
    expect(one).toEqual([2]);
    expect(Object.keys(one as object)).toEqual(['0']);
    expect(evaluate('$kept', { input }, { kept: one })).toEqual([2]);
  });

  test('shares what it only passes on, and changes nothing of it', () => {
    const frozen = Object.freeze({ list: Object.freeze([Object.freeze({ a: 1 })]) }) as unknown as JsonValue;
    expect(evaluate('$states.input', { input: frozen })).toBe(frozen);
    expect(evaluate("$states.input ~> |$states.input.list|{'a': 2}|", { input: frozen })).toEqual({ list: [{ a: 1 }] });
    expect(evaluate("$states.input ~> |list|{'a': 2}|", { input: frozen })).toEqual({ list: [{ a: 2 }] });
  });
});

describe("AWS's functions", () => {
  test.each([
    ['$partition([1..5], 2)', [[1, 2], [3, 4], [5]]],
    [
      '$partition([1..4], 2.9)',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['$partition([], 2)', []],
    ['$range(0, 10, 3)', [0, 3, 6, 9]],
    ['$range(3, 1, -1)', [3, 2, 1]],
    ['$hash("abc", "MD5")', '900150983cd24fb0d6963f7d28e17f72'],
    ['$hash("abc", "SHA-1")', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
    ['$length($hash("abc", "SHA-512"))', 128],
    ['$parse("{\\"a\\":[1]}").a', [1]],
    ['$random(7) = $random(7)', true],
    ['$random() >= 0 and $random() < 1', true],
    ['$contains($uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)', true],
    ['$now()', '1970-01-02T00:00:00.000Z'],
    ['$millis()', 86_400_000],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression)).toEqual(expected);
  });

  test('refuse what they cannot take', () => {
    expect(failure('$hash("a", "CRC")')).toContain('Unsupported hash algorithm');
    expect(failure('$parse("{")')).toContain('Unable to parse JSON');
    expect(failure('$partition([1], 0)')).toContain('must be a positive integer');
    expect(failure('$range(1, 2, 0)')).toContain('must not be zero');
  });

  test('$eval does not exist', () => {
    expect(failure("$eval('1 + 1')")).toContain('T1006');
  });

  test('chance comes from the seed alone', () => {
    expect(evaluate('[$random(), $uuid(), $shuffle([1..20])]')).toEqual(
      evaluate('[$random(), $uuid(), $shuffle([1..20])]'),
    );
  });
});

describe('a runaway expression is stopped', () => {
  const timeout = 'threw an error during evaluation. Expression evaluation timeout: Check for infinite loop';

  test('that calls itself for ever in tail position', () => {
    expect(failure('($f := function($n){$f($n + 1)}; $f(1))')).toBe(timeout);
  });

  test('that is caught in a regular expression', () => {
    expect(failure(`$contains('${'a'.repeat(60)}!', /^(a+)+$/)`)).toBe(timeout);
  });

  test('that compares millions of pairs', () => {
    expect(failure('$count($distinct([1..100000]))')).toBe(timeout);
  });

  test('that nests calls without end', () => {
    expect(failure('($f := function($n){1 + $f($n)}; $f(1))')).toContain('Stack overflow error');
  });

  test('that fills the memory', () => {
    expect(failure("$reduce([1..40], function($text){$text & $text}, 'x')")).toContain('D3050');
    expect(failure("$reduce([1..40], function($text, $i){$text & $text}, 'x')")).toContain('memory limit');
    expect(failure('[[1..9000000], [1..9000000], [1..9000000]]')).toContain('memory limit');
    expect(failure("$pad('x', 1000000000)")).toContain('memory limit');
  });

  test('and the next one runs as if nothing had happened', () => {
    expect(evaluate('1 + 1')).toBe(2);
  });

  test('while tail recursion may be deep', () => {
    expect(
      evaluate('($sum := function($n, $total){$n = 0 ? $total : $sum($n - 1, $total + $n)}; $sum(20000, 0))'),
    ).toBe(200_010_000);
  });
});

describe('an expression cannot reach the host', () => {
  const host = [
    'constructor',
    '__proto__',
    'prototype',
    'implementation',
    'environment',
    'signature',
    'body',
    'apply',
    'call',
    'bind',
  ];
  const owners = [
    '$states',
    '$states.input',
    '$states.input.list',
    '$sum',
    'function($x){$x}',
    '$map',
    '($r := /a/; $r)',
    "$match('a', /a/)",
    '($r := /a/; $r("aa").next)',
    '$sum(?)',
    '($uppercase ~> $lowercase)',
    "'text'",
    '1',
    '{}',
    '[]',
  ];

  test.each(owners.flatMap((owner) => host.map((member) => [owner, member] as const)))(
    '%s has no %s',
    (owner, member) => {
      for (const expression of [
        `(${owner}).${member}`,
        `$lookup(${owner}, '${member}')`,
        `(${owner}).\`${member}\`.\`constructor\``,
      ]) {
        expect(failure(expression)).not.toMatch(/^gave/);
      }
    },
  );

  test.each([
    ["$states.input.__lookupGetter__('__proto__')()", undefined],
    ["$states.constructor('return process')()", undefined],
    ["$map.implementation.constructor('return process')()", undefined],
    ["($p := function($x){$x}; $p.environment.bind('sum', 1))", undefined],
    ['$keys($sum)', undefined],
    ['$spread($sum)', undefined],
    ['$merge([$sum])', undefined],
    ['$each($sum, function($v, $k){$k})', undefined],
    ['$sift($sum, function($v){true})', undefined],
    ['$sum.*', undefined],
    ['$string($sum)', ''],
    ["$string({'f': $sum})", '{"f":""}'],
    ['$string(function($x){$x})', ''],
    ["{'toJSON': $sum}", undefined],
    ["$string({'toJSON': function(){'called'}})", '{"toJSON":""}'],
    ['process', undefined],
    ['$process', undefined],
    ['$globalThis', undefined],
    ['$require', undefined],
    ['$setTimeout(function(){1}, 0)', undefined],
  ])('%s', (expression, expected) => {
    const result = failure(expression);
    if (expected === undefined) expect(result).not.toMatch(/^gave/);
    else expect(result).toBe(`gave ${JSON.stringify(expected)}`);
  });

  test('nor change what objects inherit', () => {
    evaluate("$merge([{ '__proto__': { 'polluted': true } }, {}])");
    evaluate("$states.input ~> |$|{ '__proto__': { 'polluted': true } }|");
    evaluate('$parse(\'{"__proto__": {"polluted": true}}\')');
    evaluate("$sift({ '__proto__': 1 }, function($v){true})");
    evaluate('($__proto__ := 1; $hasOwnProperty := 2; $sum([$__proto__, $hasOwnProperty]))');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(Object.keys(evaluate("{ '__proto__': 1 }") as object)).toEqual(['__proto__']);
  });

  test('and data cannot pose as a function', () => {
    const forged = {
      _jsonata_function: true,
      _jsonata_lambda: true,
      implementation: 'x',
      body: { type: 'value', value: 1 },
      arguments: [],
    };
    expect(() => evaluate('$states.input.f()', { input: { f: forged } })).toThrow(QueryEvaluationFailure);
    expect(evaluate('$states.input.f.body.value', { input: { f: forged } })).toBe(1);
  });

  test('whatever it is made of: it gives JSON or fails as an expression fails', () => {
    const word = fc.constantFrom(
      ...[
        '$states',
        '.',
        'constructor',
        '__proto__',
        'input',
        '(',
        ')',
        '[',
        ']',
        '{',
        '}',
        "'a'",
        ':',
        ',',
        '$sum',
        '$map',
        '$lookup',
      ],
      ...[
        'function($x){$x}',
        '$x',
        ':=',
        ';',
        '~>',
        '|',
        '($r := /a/; $r)',
        '?',
        '1',
        '-',
        '=',
        '&',
        '*',
        '**',
        '%',
        '@$v',
        '#$i',
        '^',
        '<',
        'name',
        '$each',
      ],
    );
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 12 }), (words) => {
        const text = `{% ${words.join('')} %}`;
        try {
          const value = evaluateExpression(compileExpression(text), bindings(), 'Output');
          expect(JSON.parse(JSON.stringify(value))).toEqual(value);
        } catch (error) {
          expect(error instanceof QueryEvaluationFailure || error instanceof InvalidExpressionError).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a template', () => {
  const field = (template: JsonValue): JsonValue => evaluateTemplate(compileTemplate(template), bindings(), 'Output');

  test('evaluates expressions at any depth, and keys never', () => {
    expect(field({ a: [1, '{% $states.input.name %}', { '{% 1 %}': '{% 2 %}' }], b: ' {% 1 %} ' })).toEqual({
      a: [1, 'Ada', { '{% 1 %}': 2 }],
      b: ' {% 1 %} ',
    });
  });

  test('stands for itself where there is nothing to evaluate', () => {
    const template = { a: [1, { b: 'text' }] };
    expect(field(template)).toBe(template);
  });

  test.each([
    [{ result: '{% $no %}' }, 'Output/result'],
    [{ list: [1, { deep: '{% $no %}' }] }, 'Output/list[1]/deep'],
    ['{% $no %}', 'Output'],
  ])('tells where an expression failed: %j', (template, location) => {
    expect(() => field(template)).toThrow(expect.objectContaining({ location }));
  });

  test('fails for nothing where the same inside an object constructor drops the member', () => {
    expect(() => field({ k: '{% $states.input.missing %}' })).toThrow(QueryEvaluationFailure);
    expect(field("{% { 'k': $states.input.missing } %}")).toEqual({});
  });
});

/** JSONPath, payload templates and reference paths as the service reads them. */
import fc from 'fast-check';
import { createRandom } from '../../../local/random';
import type { JsonValue } from '../../../local/states-language';
import { JsonPath } from '../../../local/states-language/data/json-path';
import { PayloadTemplate } from '../../../local/states-language/data/payload-template';
import { ReferencePath } from '../../../local/states-language/data/reference-path';
import { StatesError, SyntaxProblem } from '../../../local/states-language/data/states-error';

const input: JsonValue = {
  store: {
    books: [
      { title: 'Emma', price: 8, tags: ['classic'] },
      { title: 'Dune', price: 12.5, tags: ['classic', 'space'] },
      { title: 'Ubik', price: 9, stock: 0 },
    ],
    'opening hours': '9-5',
    owner: null,
  },
  'delivery-partner': 'UQS',
};
const context: JsonValue = { Execution: { Name: 'run-1' } };
const variables = { order: { id: 7 } };

const read = (path: string): JsonValue => JsonPath.parse(path).read(input, context, variables);

test.each<[string, JsonValue]>([
  ['$', input],
  ['$.delivery-partner', 'UQS'],
  ["$['store']['opening hours']", '9-5'],
  ['$.store.owner', null],
  ['$.store.books[0].title', 'Emma'],
  ['$.store.books[-1].title', 'Ubik'],
  ['$.store.books[*].title', ['Emma', 'Dune', 'Ubik']],
  ['$.store.books[0,2].title', ['Emma', 'Ubik']],
  ['$.store.books[1:].title', ['Dune', 'Ubik']],
  ['$.store.books[:1].title', ['Emma']],
  ['$.store.books[-2:].title', ['Dune', 'Ubik']],
  ['$..title', ['Emma', 'Dune', 'Ubik']],
  ['$..books[0].title', ['Emma']],
  ['$.store.books[?(@.price < 10)].title', ['Emma', 'Ubik']],
  ["$.store.books[?(@.title == 'Dune')].price", [12.5]],
  ["$.store.books[?(@.price > 8 && @.tags contains 'space')].title", ['Dune']],
  ["$.store.books[?(@.price > 10 || @.title == 'Emma')].title", ['Emma', 'Dune']],
  ['$.store.books[?(@.stock)].title', ['Ubik']],
  ['$.store.books[?(!(@.tags))].title', ['Ubik']],
  ['$.store.books[?(@.title =~ /d.*/i)].title', ['Dune']],
  ["$.store.books[?(@.title in ['Emma', 'Ubik'])].price", [8, 9]],
  ['$.store.books[?(@.tags.length() == 2)].title', ['Dune']],
  ['$.store.books.length()', 3],
  ['$..price.max()', 12.5],
  ['$.missing[*]', []],
  ['$.missing[1:3].title', []],
  ["$.store['owner','opening hours']", [null, '9-5']],
  ['$$.Execution.Name', 'run-1'],
  ['$order.id', 7],
])('%s', (path, expected) => {
  expect(read(path)).toEqual(expected);
});

test.each([
  ['$.missing', "Invalid path '$.missing' : No results for path: $['missing']"],
  ['$.no.such.path', "Invalid path '$.no.such.path' : Missing property in path $['no']"],
  ['$.store.books[9]', "Invalid path '$.store.books[9]' : No results for path: $['store']['books'][9]"],
  ['$.store.owner[0]', "Invalid path '$.store.owner[0]' : The path $['store']['owner'] is null"],
  ['$.constructor', "Invalid path '$.constructor' : No results for path: $['constructor']"],
  ['$.__proto__', "Invalid path '$.__proto__' : No results for path: $['__proto__']"],
])('%s fails with the words of the service', (path, message) => {
  expect(() => read(path)).toThrow(expect.objectContaining({ name: 'StatesError', error: 'States.Runtime', message }));
});

test.each(['', 'a', '.a', '$a.', '$.', '$[', '$[a]', "$['a", '$.a[?(@.b ==)]', '$.a b', '$.a.nope()', '$..'])(
  'rejects %j as a path',
  (path) => {
    expect(() => JsonPath.parse(path)).toThrow(SyntaxProblem);
  },
);

describe('a reference path', () => {
  const insert = (path: string, target: JsonValue): JsonValue => ReferencePath.parse(path).insert(target, 'R');

  test.each<[string, JsonValue, JsonValue]>([
    ['$', { a: 1 }, 'R'],
    ['$.b', { a: 1 }, { a: 1, b: 'R' }],
    ['$.a', { a: 1, b: 2 }, { a: 'R', b: 2 }],
    ['$.a.b.c', {}, { a: { b: { c: 'R' } } }],
    ['$.a.b', { a: 5 }, { a: { b: 'R' } }],
    ["$['x y']", {}, { 'x y': 'R' }],
    ['$.a[1]', { a: [1, 2] }, { a: [1, 'R'] }],
    ['$.a', 'text', { a: 'R' }],
  ])('%s in %j', (path, target, expected) => {
    expect(insert(path, target)).toEqual(expected);
  });

  test('leaves the input as it was', () => {
    const target = { a: { b: 1 } };
    insert('$.a.c', target);
    expect(target).toEqual({ a: { b: 1 } });
  });

  test.each(['$.a[*]', '$..a', '$.a[1:2]', '$$.a', '$variable.a', '$.a[?(@.b)]'])('rejects %s', (path) => {
    expect(() => ReferencePath.parse(path)).toThrow(SyntaxProblem);
  });

  test('fails where a list has no such place', () => {
    expect(() => insert('$.a[5]', { a: [] })).toThrow(
      expect.objectContaining({ error: 'States.ResultPathMatchFailure' }),
    );
  });
});

describe('a payload template', () => {
  const make = (template: JsonValue): JsonValue =>
    PayloadTemplate.parse(template).evaluate(input, context, variables, createRandom('template'));

  test('replaces what ends in .$ at any depth', () => {
    expect(
      make({
        a: 1,
        'b.$': '$order.id',
        c: { 'd.$': '$$.Execution.Name' },
        e: [{ 'f.$': '$.delivery-partner' }, '$.x'],
      }),
    ).toEqual({
      a: 1,
      b: 7,
      c: { d: 'run-1' },
      e: [{ f: 'UQS' }, '$.x'],
    });
  });

  test('stands for itself where nothing is asked for', () => {
    const template = { a: { b: [1] } };
    expect(make(template)).toBe(template);
  });

  test('names the path, the field and the input that lacks it', () => {
    const template = PayloadTemplate.parse({ outer: { 'value.$': '$.no' } });
    expect(() => template.evaluate({ a: 1 }, {}, {}, createRandom(''))).toThrow(
      `The JSONPath '$.no' specified for the field 'value.$' could not be found in the input '{"a":1}'`,
    );
  });

  test('rejects a .$ field that is neither path nor call', () => {
    expect(() => PayloadTemplate.parse({ 'a.$': 'text' })).toThrow(
      "The value for the field 'a.$' must be a valid JSONPath",
    );
    expect(() => PayloadTemplate.parse({ 'a.$': 1 })).toThrow(SyntaxProblem);
  });
});

describe('random paths and templates', () => {
  const piece = fc.constantFrom(
    ...[
      '$',
      '$$',
      '.',
      '..',
      'store',
      'books',
      '[0]',
      '[*]',
      '[-1]',
      '[1:]',
      "['title']",
      '[?(@.price > 8)]',
      '.length()',
      '[?(@.a)]',
    ],
    ...[
      '(',
      ')',
      '[',
      ']',
      "'",
      ' ',
      '@',
      '*',
      'constructor',
      '__proto__',
      'States.Format(',
      "'{}'",
      ',',
      'States.UUID()',
      '1',
      '\\',
    ],
  );
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));

  test('are parsed or refused, and then read or fail, and nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), fc.jsonValue({ maxDepth: 4 }), (path, value) => {
        for (const run of [
          () => JsonPath.parse(path).read(value as JsonValue, context, variables),
          () => ReferencePath.parse(path).insert(value as JsonValue, 1),
          () =>
            PayloadTemplate.parse({ 'a.$': path }).evaluate(value as JsonValue, context, variables, createRandom('x')),
        ]) {
          try {
            expect(JSON.stringify(run())).toBeDefined();
          } catch (error) {
            expect(error instanceof SyntaxProblem || error instanceof StatesError).toBe(true);
          }
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('a value put somewhere is found there', () => {
    const name = fc.string({ minLength: 1, maxLength: 6 }).filter((candidate) => !/['\\]/.test(candidate));
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), (names, value) => {
        const path = `$${names.map((part) => `['${part}']`).join('')}`;
        const changed = ReferencePath.parse(path).insert({}, value as JsonValue);
        expect(JsonPath.parse(path).read(changed, {}, {})).toEqual(value);
      }),
    );
  });
});

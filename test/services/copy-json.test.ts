/** Copies of JSON values are held against what the text of JSON carries. */
import * as fc from 'fast-check';
import { copyJson } from '../../local/services/copy-json';

test('a copy is what its text would have carried', () => {
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, undefined, true, '', '__proto__', -0, Number.NaN, Number.POSITIVE_INFINITY),
      fc.double(),
      fc.string({ unit: 'binary' }),
      fc.date({ noInvalidDate: true }),
      fc.array(tie('value')),
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor')), tie('value')),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(fc.string(), value), (given) => {
      const text = JSON.stringify(given);
      const copy = copyJson(given);
      expect(JSON.stringify(copy)).toBe(text);
      expect(copy).toEqual(JSON.parse(text));
    }),
  );
});

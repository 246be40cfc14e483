import fc from 'fast-check';
import { fromItem, toItem, type PlainItem } from '../../tasks/attribute-values';

const { tree: plainValue } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('tree'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

describe('attribute values', () => {
  it('give back what was put in', () => {
    const item = fc.dictionary(fc.string(), plainValue, { noNullPrototype: true });
    fc.assert(fc.property(item, (plain) => expect(fromItem(toItem(plain as PlainItem))).toEqual(plain)));
  });

  it('leave out what is undefined, at any depth', () => {
    expect(toItem({ a: undefined, b: { c: undefined, d: 1 } })).toEqual({ b: { M: { d: { N: '1' } } } });
  });

  it('refuse numbers that a table cannot hold', () => {
    expect(() => toItem({ a: Number.NaN })).toThrow('DynamoDB cannot hold the number NaN');
  });
});

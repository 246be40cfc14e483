/** DynamoDB's expressions against a naive model of them. */
import fc from 'fast-check';
import { DynamoDbService, type AttributeValue } from '../../local/services/dynamodb';
import { VirtualClock } from '../../local/virtual-clock';

type Plain = number | string | boolean | null | readonly Plain[] | { readonly [name: string]: Plain };
type PlainItem = Readonly<Record<string, Plain>>;

/** A condition as data: rendered to an expression for the service, and decided here. */
type ConditionModel =
  | {
      readonly kind: 'compare';
      readonly name: string;
      readonly comparator: '=' | '<>' | '<' | '<=' | '>' | '>=';
      readonly value: number | string;
    }
  | { readonly kind: 'exists' | 'missing'; readonly name: string }
  | { readonly kind: 'begins'; readonly name: string; readonly value: string }
  | { readonly kind: 'contains'; readonly name: string; readonly value: string }
  | { readonly kind: 'in'; readonly name: string; readonly values: readonly (number | string)[] }
  | { readonly kind: 'size'; readonly name: string; readonly value: number }
  | { readonly kind: 'and' | 'or'; readonly left: ConditionModel; readonly right: ConditionModel }
  | { readonly kind: 'not'; readonly inner: ConditionModel };

const names = ['a', 'b', 'status', 'date'];
const scalar = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom('', 'x', 'xy', 'y'));
const name = fc.constantFrom(...names);
const condition = fc.letrec<{ node: ConditionModel }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'condition' },
    fc.record({
      kind: fc.constant('compare' as const),
      name,
      comparator: fc.constantFrom('=', '<>', '<', '<=', '>', '>='),
      value: scalar,
    }),
    fc.record({ kind: fc.constantFrom('exists' as const, 'missing' as const), name }),
    fc.record({ kind: fc.constant('begins' as const), name, value: fc.constantFrom('', 'x', 'xy') }),
    fc.record({ kind: fc.constant('contains' as const), name, value: fc.constantFrom('x', 'y') }),
    fc.record({ kind: fc.constant('in' as const), name, values: fc.array(scalar, { minLength: 1, maxLength: 3 }) }),
    fc.record({ kind: fc.constant('size' as const), name, value: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), left: tie('node'), right: tie('node') }),
    fc.record({ kind: fc.constant('not' as const), inner: tie('node') }),
  ),
})).node;
const item: fc.Arbitrary<PlainItem> = fc.dictionary(
  name,
  fc.oneof(scalar, fc.boolean(), fc.constant(null), fc.array(scalar, { maxLength: 3 })),
);

function toAttribute(value: Plain): AttributeValue {
  if (value === null) return { NULL: true };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'boolean') return { BOOL: value };
  if (Array.isArray(value)) return { L: value.map(toAttribute) };
  return { M: Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toAttribute(inner)])) };
}

function fromAttribute(value: AttributeValue): Plain {
  if ('N' in value) return Number(value.N);
  if ('S' in value) return value.S;
  if ('BOOL' in value) return value.BOOL;
  if ('L' in value) return value.L.map(fromAttribute);
  return null;
}

/** Renders a condition with every name and value as a placeholder. */
function render(model: ConditionModel) {
  const values: Record<string, AttributeValue> = {};
  const usedNames: Record<string, string> = {};
  const nameOf = (plain: string): string => {
    usedNames[`#${plain}`] = plain;
    return `#${plain}`;
  };
  const valueOf = (plain: Plain): string => {
    const placeholder = `:v${Object.keys(values).length}`;
    values[placeholder] = toAttribute(plain);
    return placeholder;
  };
  const text = (node: ConditionModel): string => {
    switch (node.kind) {
      case 'compare':
        return `${nameOf(node.name)} ${node.comparator} ${valueOf(node.value)}`;
      case 'exists':
        return `attribute_exists(${nameOf(node.name)})`;
      case 'missing':
        return `attribute_not_exists (${nameOf(node.name)})`;
      case 'begins':
        return `begins_with(${nameOf(node.name)}, ${valueOf(node.value)})`;
      case 'contains':
        return `contains(${nameOf(node.name)},${valueOf(node.value)})`;
      case 'in':
        return `${nameOf(node.name)} in (${node.values.map(valueOf).join(', ')})`;
      case 'size':
        return `size(${nameOf(node.name)}) <= ${valueOf(node.value)}`;
      case 'not':
        return `NOT (${text(node.inner)})`;
      default:
        return `(${text(node.left)}) ${node.kind === 'and' ? 'AND' : 'or'} (${text(node.right)})`;
    }
  };
  const expression = text(model);
  return {
    expression,
    ExpressionAttributeNames: usedNames,
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
  };
}

function decide(model: ConditionModel, record: PlainItem): boolean {
  const value = 'name' in model ? record[model.name] : undefined;
  switch (model.kind) {
    case 'exists':
      return value !== undefined;
    case 'missing':
      return value === undefined;
    case 'compare': {
      if (model.comparator === '<>') return value !== model.value;
      if (typeof value !== typeof model.value) return false;
      const [left, right] = [value as number, model.value as number];
      return { '=': left === right, '<': left < right, '<=': left <= right, '>': left > right, '>=': left >= right }[
        model.comparator
      ];
    }
    case 'begins':
      return typeof value === 'string' && value.startsWith(model.value);
    case 'contains':
      return (typeof value === 'string' || Array.isArray(value)) && value.includes(model.value);
    case 'in':
      return model.values.some((candidate) => candidate === value);
    case 'size':
      return (typeof value === 'string' || Array.isArray(value)) && value.length <= model.value;
    case 'and':
      return decide(model.left, record) && decide(model.right, record);
    case 'or':
      return decide(model.left, record) || decide(model.right, record);
    case 'not':
      return !decide(model.inner, record);
  }
}

function createTable(): DynamoDbService {
  const service = new DynamoDbService({ clock: new VirtualClock(), region: 'eu-west-1', accountId: '1' });
  service.createTable({ name: 't', partitionKey: 'pk', attributeTypes: { pk: 'S' }, indexes: [] });
  return service;
}

function putPlain(service: DynamoDbService, record: PlainItem): void {
  const attributes = Object.fromEntries(Object.entries(record).map(([key, value]) => [key, toAttribute(value)]));
  service.operations.PutItem({ TableName: 't', Item: { ...attributes, pk: { S: 'k' } } });
}

test('conditions decide as the naive model does', () => {
  fc.assert(
    fc.property(condition, item, (model, record) => {
      const service = createTable();
      putPlain(service, record);
      const { expression, ...placeholders } = render(model);
      const { Count } = service.operations.Scan({ TableName: 't', FilterExpression: expression, ...placeholders });
      expect(Count === 1).toBe(decide(model, record));
    }),
    { numRuns: 1500 },
  );
});

test('updates of single attributes come out as the naive model says', () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), value: scalar }),
    fc.record({ kind: fc.constant('remove' as const) }),
    fc.record({ kind: fc.constant('default' as const), value: scalar }),
    fc.record({ kind: fc.constant('increment' as const), by: fc.integer({ min: -5, max: 5 }) }),
  );
  fc.assert(
    fc.property(fc.dictionary(name, scalar), fc.dictionary(name, action, { minKeys: 1 }), (record, actions) => {
      const service = createTable();
      putPlain(service, record);
      const sets: string[] = [];
      const removes: string[] = [];
      const values: Record<string, AttributeValue> = {};
      const expected: Record<string, Plain> = { ...record };
      let isRefused = false;
      for (const [attribute, change] of Object.entries(actions)) {
        const placeholder = `:${attribute}`;
        if (change.kind === 'remove') {
          removes.push(`#${attribute}`);
          delete expected[attribute];
        } else if (change.kind === 'increment') {
          values[placeholder] = { N: String(change.by) };
          sets.push(`#${attribute} = #${attribute} + ${placeholder}`);
          const current = record[attribute];
          if (typeof current === 'number') expected[attribute] = current + change.by;
          else isRefused = true;
        } else {
          values[placeholder] = toAttribute(change.value);
          sets.push(
            `#${attribute} = ${change.kind === 'set' ? placeholder : `if_not_exists(#${attribute}, ${placeholder})`}`,
          );
          expected[attribute] = change.kind === 'default' ? (record[attribute] ?? change.value) : change.value;
        }
      }
      const update = () =>
        service.operations.UpdateItem({
          TableName: 't',
          Key: { pk: { S: 'k' } },
          UpdateExpression: [
            sets.length > 0 && `SET ${sets.join(', ')}`,
            removes.length > 0 && `REMOVE ${removes.join(', ')}`,
          ]
            .filter(Boolean)
            .join(' '),
          ExpressionAttributeNames: Object.fromEntries(Object.keys(actions).map((key) => [`#${key}`, key])),
          ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
        });
      if (isRefused) {
        expect(update).toThrow(/incorrect data type|does not exist/);
        return;
      }
      update();
      const { pk, ...left } = service.items('t')[0]!;
      expect(pk).toEqual({ S: 'k' });
      expect(Object.fromEntries(Object.entries(left).map(([key, value]) => [key, fromAttribute(value)]))).toEqual(
        expected,
      );
    }),
    { numRuns: 500 },
  );
});

test('numbers add up exactly beyond what a double can hold', () => {
  const service = createTable();
  const decimal = fc.tuple(fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }), fc.integer({ min: 0, max: 12 }));
  const write = ([digits, places]: readonly [bigint, number]): string => {
    const text = (digits < 0n ? -digits : digits).toString().padStart(places + 1, '0');
    return `${digits < 0n ? '-' : ''}${text.slice(0, text.length - places)}.${text.slice(text.length - places)}0`;
  };
  fc.assert(
    fc.property(decimal, decimal, (left, right) => {
      service.operations.PutItem({ TableName: 't', Item: { pk: { S: 'k' }, n: { N: write(left) } } });
      service.operations.UpdateItem({
        TableName: 't',
        Key: { pk: { S: 'k' } },
        UpdateExpression: 'SET n = n - :n',
        ExpressionAttributeValues: { ':n': { N: write(right) } },
      });
      const places = Math.max(left[1], right[1]);
      const scaled = left[0] * 10n ** BigInt(places - left[1]) - right[0] * 10n ** BigInt(places - right[1]);
      const expected = write([scaled, places])
        .replace(/\.?0+$/, '')
        .replace(/^-?$/, '0');
      expect(service.items('t')[0]!['n']).toEqual({ N: expected === '-0' ? '0' : expected });
    }),
  );
});

test('no text makes the parser do anything but answer or refuse', () => {
  const service = createTable();
  const fragment = fc.constantFrom(
    'a',
    '#n',
    ':v',
    '(',
    ')',
    '=',
    '<',
    'AND',
    'OR',
    'NOT',
    'BETWEEN',
    'IN',
    ',',
    '.',
    '[',
    '0',
    ']',
    'size',
    'contains',
    ' ',
    '\n',
    'é',
    '"',
  );
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 12 }), (fragments) => {
      try {
        service.operations.Scan({ TableName: 't', FilterExpression: fragments.join(' ') });
      } catch (error) {
        expect((error as Error).name).toBe('ValidationException');
      }
    }),
    { numRuns: 1000 },
  );
});

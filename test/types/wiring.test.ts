/** Wrong wiring does not compile: tsc checks this file, and every `@ts-expect-error` in it must be needed. */
import { assignment, expression, stateVariables, type Expression, type Wired } from '../../workflow/state-variables';

interface Order {
  readonly id: string;
  readonly note?: string;
  readonly lines: readonly { readonly product: string; readonly count: number }[];
  readonly customer?: { readonly name: string };
}

const $ = stateVariables<{ order: Order; tries: number }>();
const accepts = <Value>(_value: Wired<Value>): void => undefined;

function rightWiring(): void {
  accepts<string>('plain');
  accepts<string>($.order.id);
  accepts<string | undefined>($.order.note);
  accepts<string | undefined>($.order.customer.name);
  accepts<Order>($.order);
  accepts<Order>({ id: $.order.id, note: $.order.note, lines: $.order.lines });
  accepts<Order>({ id: 'o-1', lines: [{ product: $.order.id, count: $.tries }] });
  accepts<{ readonly kind: 'a' | 'b' }>({ kind: 'a' });
  accepts<string[]>(['a', $.order.id]);
  accepts<Order>({ id: expression<string>('$uuid()'), lines: [] });
  assignment($, { tries: 1, order: $.order });
}

function wrongWiring(): void {
  // @ts-expect-error there is no such variable
  $.basket;
  // @ts-expect-error an order has no such field
  $.order.price;
  // @ts-expect-error a number where a text is wanted
  accepts<string>($.tries);
  // @ts-expect-error an optional field where a required one is wanted
  accepts<string>($.order.note);
  // @ts-expect-error a field of something optional is optional
  accepts<string>($.order.customer.name);
  // @ts-expect-error a required field is missing
  accepts<Order>({ id: 'o-1' });
  // @ts-expect-error a field too many
  accepts<Order>({ id: 'o-1', lines: [], price: 3 });
  // @ts-expect-error the wrong field, deep inside
  accepts<Order>({ id: 'o-1', lines: [{ product: $.order.id, count: $.order.id }] });
  // @ts-expect-error the whole object where a field is wanted
  accepts<string>($.order);
  // @ts-expect-error an array inside a written array would be flattened
  accepts<string[][]>([expression<string[]>('$x')]);
  // @ts-expect-error a variable of that name has another type
  assignment($, { tries: 'one' });
  // @ts-expect-error there is no such variable to assign
  assignment($, { tires: 1 });
}

test('right wiring compiles, wrong wiring does not', () => {
  expect([rightWiring, wrongWiring]).toHaveLength(2);
  const rendered: Expression<string> = $.order.id;
  expect(`${rendered}`).toBe('{% $order.id %}');
});

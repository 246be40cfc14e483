/** Wrong wiring does not compile: tsc checks this file, and every `@ts-expect-error` in it must be needed. */
import type { Construct } from 'constructs';
import { z } from 'zod';
import { defineTask, objectReference } from '../../tasks';
import {
  assignment,
  expression,
  ObjectWorkflow,
  stateVariables,
  TaskFunction,
  TaskState,
  type Expression,
  type ObjectWorkflowProps,
  type Wired,
} from '../../workflow';

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

const countLines = defineTask({
  name: 'count-lines',
  description: 'Counts the lines of an object.',
  input: z.object({ object: objectReference, encoding: z.string().optional() }),
  output: z.object({ lines: z.number() }),
  settings: z.object({ maximumLines: z.number() }),
  run: async () => ({ lines: 1 }),
});
const archive = defineTask({
  name: 'archive',
  description: 'Archives a text.',
  input: z.object({ text: z.string() }),
  output: z.object({}),
  run: async () => ({}),
});

function rightTasks(scope: Construct, props: ObjectWorkflowProps): void {
  const counter = new TaskFunction(scope, 'CountLines', { task: countLines, settings: { maximumLines: 10 } });
  const archiver = new TaskFunction(scope, 'Archive', { task: archive });
  const { object, claim } = ObjectWorkflow.variables;
  const counts = stateVariables<{ lines: number }>();
  new TaskState(scope, 'Count lines', {
    function: counter,
    input: { object, encoding: 'utf-8' },
    assign: (result) => assignment(counts, { lines: result.lines }),
  });
  new TaskState(scope, 'Archive', { function: archiver, input: { text: claim.bucket } });
  new ObjectWorkflow(scope, 'Workflow', { ...props, validators: [counter] });
}

function wrongTasks(scope: Construct, props: ObjectWorkflowProps): void {
  // @ts-expect-error settings that the task requires are missing
  const counter = new TaskFunction(scope, 'CountLines', { task: countLines });
  // @ts-expect-error a setting of the wrong type
  new TaskFunction(scope, 'CountLines', { task: countLines, settings: { maximumLines: '10' } });
  const archiver = new TaskFunction(scope, 'Archive', { task: archive });
  const { object, claim, results } = ObjectWorkflow.variables;
  const words = stateVariables<{ lines: string }>();
  // @ts-expect-error an input that the task requires is missing
  new TaskState(scope, 'Count lines', { function: counter, input: {} });
  // @ts-expect-error the claim is not yet an object: it has no size
  new TaskState(scope, 'Count lines', { function: counter, input: { object: claim } });
  // @ts-expect-error a task's result has no such field
  new TaskState(scope, 'Count lines', { function: counter, input: { object }, assign: (result) => result.words });
  new TaskState(scope, 'Count lines', {
    function: counter,
    input: { object },
    // @ts-expect-error the result is a number, the variable a text
    assign: (result) => assignment(words, { lines: result.lines }),
  });
  // @ts-expect-error an object in a bucket without versions has no version id
  new TaskState(scope, 'Archive', { function: archiver, input: { text: object.versionId } });
  // @ts-expect-error a number where a text is wanted
  new TaskState(scope, 'Archive', { function: archiver, input: { text: results.fileCount } });
  // @ts-expect-error a validator gets an object, not a text
  new ObjectWorkflow(scope, 'Workflow', { ...props, validators: [archiver] });
}

test('right wiring compiles, wrong wiring does not', () => {
  expect([rightWiring, wrongWiring, rightTasks, wrongTasks]).toHaveLength(4);
  const rendered: Expression<string> = $.order.id;
  expect(`${rendered}`).toBe('{% $order.id %}');
});

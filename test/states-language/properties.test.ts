/** What must hold for every machine: it ends, it fails only with the language's errors, and a seed tells its whole story. */
import fc from 'fast-check';
import type { Execution, JsonValue, TaskResponse } from '../../local/states-language';
import { createRandom } from '../../local/random';
import { Bench } from './machine';

const expressions = fc.constantFrom(
  '{% $states.input %}',
  '{% $states.input.missing %}',
  '{% $count($states.input) %}',
  '{% [1..3] %}',
  '{% $random() %}',
  '{% $uuid() %}',
  '{% $states.context.State.Name %}',
  '{% $error("broken") %}',
);
const payload = fc.oneof(
  expressions,
  fc.jsonValue({ maxDepth: 2 }).filter((value) => !/{%|%}/.test(JSON.stringify(value))),
  fc.dictionary(fc.constantFrom('a', 'b'), expressions),
);
const errorName = fc.constantFrom('States.TaskFailed', 'States.Timeout', 'E1', 'E2');
const retriers = fc.array(
  fc.record({
    ErrorEquals: fc.array(errorName, { minLength: 1, maxLength: 2 }),
    MaxAttempts: fc.nat(3),
    IntervalSeconds: fc.integer({ min: 1, max: 100 }),
    JitterStrategy: fc.constantFrom('FULL', 'NONE'),
  }),
  { maxLength: 2 },
);

/** States as they are drawn: targets are numbers, to be made names of the same graph. */
interface DrawnState {
  readonly fields: object;
  readonly targets: readonly number[];
  readonly graphs: readonly DrawnGraph[];
}
interface DrawnGraph {
  readonly states: readonly DrawnState[];
  readonly last: DrawnState;
}

const drawn = (fields: fc.Arbitrary<object>, graphs: fc.Arbitrary<DrawnGraph[]> = fc.constant([])) =>
  fc.record({ fields, targets: fc.array(fc.nat(9), { maxLength: 2 }), graphs });

const ends = fc.oneof(
  drawn(fc.record({ Type: fc.constant('Succeed') })),
  drawn(fc.record({ Type: fc.constant('Fail'), Error: errorName })),
);

const { graph } = fc.letrec<{ graph: DrawnGraph; state: DrawnState }>((tie) => ({
  graph: fc.record({ states: fc.array(tie('state'), { maxLength: 3 }), last: ends }),
  state: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'state' },
    drawn(
      fc.record({
        Type: fc.constant('Pass'),
        Output: payload,
        Assign: fc.dictionary(fc.constantFrom('v', 'w'), payload),
      }),
    ),
    drawn(fc.record({ Type: fc.constant('Wait'), Seconds: fc.oneof(fc.nat(1000), expressions) })),
    drawn(
      fc.record({
        Type: fc.constant('Choice'),
        Condition: fc.oneof(expressions, fc.constant('{% $random() > 0.5 %}')),
      }),
    ),
    drawn(
      fc.record({
        Type: fc.constant('Task'),
        Resource: fc.constantFrom(
          'arn:aws:states:::lambda:invoke',
          'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
        ),
        Arguments: fc.dictionary(fc.constantFrom('a', 'b'), payload),
        TimeoutSeconds: fc.integer({ min: 1, max: 99 }),
        Retry: retriers,
      }),
    ),
    drawn(
      fc.record({ Type: fc.constant('Parallel'), Retry: retriers }),
      fc.array(tie('graph'), { minLength: 1, maxLength: 2 }),
    ),
    drawn(
      fc.record({
        Type: fc.constant('Map'),
        Items: fc.oneof(expressions, fc.constant([1, 2])),
        MaxConcurrency: fc.nat(2),
        Retry: retriers,
      }),
      fc.tuple(tie('graph')),
    ),
  ),
}));

/** Makes a definition that the service would accept: unique names, all states reachable, an end. */
function definitionOf({ states, last }: DrawnGraph, prefix = 'S'): object {
  const all = [...states, last];
  const nameOf = (index: number): string => `${prefix}${index % all.length}`;
  const entries = all.map(({ fields, targets, graphs }, index) => {
    const { Type, Condition, ...rest } = fields as { Type: string; Condition?: string };
    const inner = graphs.map((child, branch) => definitionOf(child, `${nameOf(index)}.${branch}.`));
    const next = { Next: nameOf(index + 1) };
    const catches = { Catch: targets.map((target) => ({ ErrorEquals: ['E1'], Next: nameOf(target) })) };
    const parts: Record<string, object> = {
      Choice: { Choices: [{ Condition, Next: nameOf(targets[0] ?? 0) }], Default: next.Next },
      Task: { ...next, ...catches },
      Parallel: { ...next, ...catches, Branches: inner },
      Map: { ...next, ...catches, ItemProcessor: inner[0] },
      Pass: next,
      Wait: next,
    };
    return [nameOf(index), { Type, ...rest, ...parts[Type] }];
  });
  return { StartAt: nameOf(0), States: Object.fromEntries(entries) as object };
}

/** A machine that goes round for ever is stopped here instead of at its 25,000th event. */
const eventLimit = 400;

/** Runs a machine with tasks that answer, fail or stay away by the seed. */
async function run(graphOfStates: DrawnGraph, input: JsonValue, seed: string): Promise<Execution> {
  const chance = createRandom(`answers/${seed}`);
  const answers: TaskResponse[] = [
    { kind: 'succeeded', output: { ok: true } },
    { kind: 'failed', failure: { error: 'E1', cause: 'c' } },
    { kind: 'submitted', output: null },
  ];
  const bench: Bench = new Bench(
    async () => {
      await bench.clock.sleep(chance.integer(20) * 1000);
      return answers[chance.integer(answers.length)]!;
    },
    { seed, onEvent: (_, { id }) => id > eventLimit && execution.stop() },
  );
  const execution = bench.start(
    { QueryLanguage: 'JSONata', TimeoutSeconds: 100_000, ...definitionOf(graphOfStates) },
    input,
  );
  await bench.clock.runUntilIdle();
  return execution;
}

const languageErrors = /^(E1|E2|States\.(ALL|TaskFailed|Timeout|Runtime|QueryEvaluationError|DataLimitExceeded))$/;

describe('any machine', () => {
  test('ends, and fails only with errors of the language', async () => {
    await fc.assert(
      fc.asyncProperty(graph, fc.jsonValue({ maxDepth: 2 }), fc.string(), async (states, input, seed) => {
        const execution = await run(states, input as JsonValue, seed);
        expect(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']).toContain(execution.status);
        if (execution.error !== undefined) expect(execution.error).toMatch(languageErrors);
        checkHistory(execution);
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  test('does the same again with the same seed', async () => {
    await fc.assert(
      fc.asyncProperty(graph, fc.string(), async (states, seed) => {
        const first = await run(states, {}, seed);
        const second = await run(states, {}, seed);
        expect(second.history).toEqual(first.history);
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});

/** Ids count up from one, every event follows an earlier one, time never goes back, and the last event is the end. */
function checkHistory({ history }: Execution): void {
  const wrong = history.filter(
    ({ id, previousEventId, timestamp }, index) =>
      id !== index + 1 || previousEventId >= id || timestamp < (history[index - 1]?.timestamp ?? 0),
  );
  expect(wrong).toEqual([]);
  expect(history.at(-1)!.type).toMatch(/^Execution(Succeeded|Failed|TimedOut|Aborted)$/);
}

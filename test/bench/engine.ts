/** What the engine costs: transitions per second and memory, next to the floor of evaluating the same expressions in a bare loop. */
import jsonata from 'jsonata';
import { createRandom } from '../../local/random';
import { parseDefinition, StatesLanguageEngine, type Definition, type JsonValue } from '../../local/states-language';
import { compileExpression, evaluateExpression } from '../../local/states-language/data/jsonata';
import { PayloadTemplate } from '../../local/states-language/data/payload-template';
import { VirtualClock } from '../../local/virtual-clock';

type Language = 'JSONata' | 'JSONPath';

interface Machine {
  readonly name: string;
  readonly definition: JsonValue;
  readonly input: JsonValue;
  /** States that one execution enters. */
  readonly transitions: number;
  /** The same work without an engine; absent where there are no expressions to speak of. */
  readonly floor?: { readonly ours: () => void; readonly package?: () => Promise<void> };
}

const runs = 7;
/** Each run repeats a machine until so much time has gone by, so that small machines are measured too. */
const runMs = 250;

export async function main(): Promise<void> {
  process.stdout.write(`Node ${process.version}; medians of ${runs} runs\n\n`);
  line('machine', 'transitions/s', 'µs/transition', 'floor (jsonata)', 'floor (ours)', 'times jsonata', 'MB kept');
  for (const machine of machines()) {
    const perExecutionMs = await medianMs(() => execute(machine), machine.transitions > 5000 ? 3 : runs);
    const packageMs = machine.floor?.package && (await medianMs(machine.floor.package, runs));
    const ourMs = machine.floor && (await medianMs(async () => machine.floor?.ours(), runs));
    line(
      machine.name,
      Math.round((machine.transitions / perExecutionMs) * 1000),
      ((perExecutionMs * 1000) / machine.transitions).toFixed(2),
      microseconds(packageMs, machine),
      microseconds(ourMs, machine),
      packageMs === undefined ? '' : (perExecutionMs / packageMs).toFixed(2),
      (await keptMegabytes(machine)).toFixed(1),
    );
  }
  await compareWithAwsLocal();
}

function line(...cells: readonly (string | number)[]): void {
  const padded = cells.map((cell, index) => (index === 0 ? String(cell).padEnd(34) : String(cell).padStart(16)));
  process.stdout.write(`${padded.join('')}\n`);
}

function microseconds(ms: number | undefined, machine: Machine): string {
  return ms === undefined ? '' : ((ms * 1000) / machine.transitions).toFixed(2);
}

// ---- measuring --------------------------------------------------------------------------------------

async function medianMs(run: () => Promise<unknown>, count: number): Promise<number> {
  await run();
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const startMs = performance.now();
    let repeats = 0;
    do {
      await run();
      repeats++;
    } while (performance.now() - startMs < runMs);
    times.push((performance.now() - startMs) / repeats);
  }
  return times.sort((left, right) => left - right)[Math.floor(count / 2)] as number;
}

const parsed = new Map<Machine, Definition>();

async function execute(machine: Machine) {
  const definition = parsed.get(machine) ?? parseDefinition(machine.definition);
  parsed.set(machine, definition);
  const clock = new VirtualClock();
  const engine = new StatesLanguageEngine({
    clock,
    random: createRandom(machine.name),
    runTask: (request) => Promise.resolve({ kind: 'succeeded', output: request.parameters }),
  });
  const execution = engine.start({
    definition,
    input: machine.input,
    identity: {
      executionArn: 'arn:aws:states:us-east-1:111111111111:execution:bench:1',
      executionName: '1',
      stateMachineArn: 'arn:aws:states:us-east-1:111111111111:stateMachine:bench',
      stateMachineName: 'bench',
      roleArn: 'arn:aws:iam::111111111111:role/bench',
      type: 'STANDARD',
    },
  });
  await clock.runUntilIdle();
  if (execution.status !== 'SUCCEEDED')
    throw new Error(`${machine.name}: ${execution.status} ${execution.cause ?? ''}`);
  return execution;
}

/** What a finished execution keeps: its history, above all. */
async function keptMegabytes(machine: Machine): Promise<number> {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) return Number.NaN;
  collect();
  const before = process.memoryUsage().heapUsed;
  const execution = await execute(machine);
  collect();
  const kept = process.memoryUsage().heapUsed - before;
  return execution.history.length > 0 ? kept / 2 ** 20 : Number.NaN;
}

// ---- machines ---------------------------------------------------------------------------------------

function machines(): readonly Machine[] {
  return [
    ...(['JSONata', 'JSONPath'] as const).flatMap((language) => [
      passChain(20, language),
      choiceLoop(100, language),
      choiceLoop(1000, language),
      map(100, 3, language),
    ]),
    distributedMap(10_000),
  ];
}

function passChain(length: number, language: Language): Machine {
  const states = Object.fromEntries(
    Array.from({ length }, (_state, index) => [
      `S${index}`,
      {
        Type: 'Pass',
        ...(language === 'JSONata'
          ? { Output: { value: '{% $states.input.value + 1 %}' } }
          : { Parameters: { 'value.$': 'States.MathAdd($.value, 1)' } }),
        ...(index === length - 1 ? { End: true } : { Next: `S${index + 1}` }),
      },
    ]),
  );
  return {
    name: `${length} Pass states, ${language}`,
    definition: { QueryLanguage: language, StartAt: 'S0', States: states },
    input: { value: 0 },
    transitions: length,
    floor: floorOf(length, language, ['$states.input.value + 1'], { 'value.$': 'States.MathAdd($.value, 1)' }),
  };
}

function choiceLoop(turns: number, language: Language): Machine {
  const isJsonata = language === 'JSONata';
  const rule: JsonValue = isJsonata
    ? { Condition: `{% $states.input.value < ${turns} %}`, Next: 'Add' }
    : { Variable: '$.value', NumericLessThan: turns, Next: 'Add' };
  const add: { readonly [name: string]: JsonValue } = isJsonata
    ? { Output: { value: '{% $states.input.value + 1 %}' } }
    : { Parameters: { 'value.$': 'States.MathAdd($.value, 1)' } };
  return {
    name: `Choice loop of ${turns} turns, ${language}`,
    definition: {
      QueryLanguage: language,
      StartAt: 'More',
      States: {
        More: { Type: 'Choice', Choices: [rule], Default: 'Done' },
        Add: { Type: 'Pass', ...add, Next: 'More' },
        Done: { Type: 'Succeed' },
      },
    },
    input: { value: 0 },
    transitions: 2 * turns + 2,
    floor: floorOf(turns, language, [`$states.input.value < ${turns}`, '$states.input.value + 1'], {
      'value.$': 'States.MathAdd($.value, 1)',
    }),
  };
}

function map(items: number, states: number, language: Language): Machine {
  const inner = passChain(states, language).definition as { StartAt: string; States: JsonValue };
  return {
    name: `Map of ${items} × ${states}, ${language}`,
    definition: {
      QueryLanguage: language,
      StartAt: 'Each',
      States: {
        Each: {
          Type: 'Map',
          ...(language === 'JSONata' ? { Items: '{% $states.input.items %}' } : { ItemsPath: '$.items' }),
          ItemProcessor: { StartAt: inner.StartAt, States: inner.States },
          End: true,
        },
      },
    },
    input: { items: Array.from({ length: items }, (_item, index) => ({ value: index })) },
    transitions: items * states + 1,
    floor: floorOf(items * states, language, ['$states.input.value + 1'], { 'value.$': 'States.MathAdd($.value, 1)' }),
  };
}

function distributedMap(items: number): Machine {
  const inner = passChain(3, 'JSONata').definition as { StartAt: string; States: JsonValue };
  return {
    name: `distributed Map of ${items} × 3`,
    definition: {
      QueryLanguage: 'JSONata',
      StartAt: 'Each',
      States: {
        Each: {
          Type: 'Map',
          Items: `{% [1..${items}].{ 'value': $ } %}`,
          MaxConcurrency: 100,
          ItemProcessor: {
            ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
            StartAt: inner.StartAt,
            States: inner.States,
          },
          Output: '{% $count($states.result) %}',
          End: true,
        },
      },
    },
    input: {},
    transitions: items * 3 + 1,
  };
}

/** The same expressions, as often, without an engine: with the jsonata package and with our evaluator; in JSONPath only ours. */
function floorOf(
  times: number,
  language: Language,
  expressions: readonly string[],
  template: JsonValue,
): Machine['floor'] {
  const random = createRandom('floor');
  if (language === 'JSONPath') {
    const compiled = PayloadTemplate.parse(template);
    return {
      ours: () => {
        let value: JsonValue = { value: 0 };
        for (let turn = 0; turn < times; turn++) value = compiled.evaluate(value, {}, {}, random);
      },
    };
  }
  const theirs = expressions.map((text) => jsonata(text));
  const ours = expressions.map((text) => compileExpression(`{% ${text} %}`));
  return {
    ours: () => {
      let value: JsonValue = 0;
      for (let turn = 0; turn < times; turn++) {
        for (const expression of ours) {
          const states = { input: { value: turn } };
          value = evaluateExpression(expression, { states, variables: {}, random, nowMs: 0 }, 'Output');
        }
      }
      return void value;
    },
    package: async () => {
      for (let turn = 0; turn < times; turn++) {
        for (const expression of theirs) await expression.evaluate(undefined, { states: { input: { value: turn } } });
      }
    },
  };
}

// ---- the neighbour ------------------------------------------------------------------------------------

/** Runs the JSONPath machines on aws-local-stepfunctions, when somebody has installed it. */
async function compareWithAwsLocal(): Promise<void> {
  const neighbour = 'aws-local-stepfunctions';
  let StateMachine: new (definition: unknown) => { run: (input: unknown) => { result: Promise<unknown> } };
  try {
    ({ StateMachine } = (await import(neighbour)) as { StateMachine: typeof StateMachine });
  } catch {
    process.stdout.write(`\n${neighbour} is not installed: nothing to compare with\n`);
    return;
  }
  process.stdout.write('\n');
  line('machine', 'ours: µs', 'theirs: µs', 'theirs / ours');
  for (const machine of machines().filter(({ name }) => name.endsWith('JSONPath'))) {
    const { QueryLanguage: _language, ...definition } = machine.definition as Record<string, JsonValue>;
    const theirs = new StateMachine(definition);
    const ourMs = await medianMs(() => execute(machine), runs);
    const theirMs = await medianMs(() => theirs.run(machine.input).result, runs);
    line(machine.name, (ourMs * 1000).toFixed(0), (theirMs * 1000).toFixed(0), (theirMs / ourMs).toFixed(1));
  }
}

import { Bench, callback, chain, detailsOf, failed, lambda, machine, submitted, succeeded, types } from './machine';

const wait = machine({ W: { Type: 'Wait', Seconds: 30, End: true } });
const task = (fields: object = {}) => ({
  Type: 'Task',
  Resource: lambda,
  Arguments: '{% $states.input %}',
  End: true,
  ...fields,
});

describe('an execution', () => {
  test('is there before its first state is entered', async () => {
    const bench = new Bench();
    const execution = bench.start(machine({ S: { Type: 'Succeed' } }), { a: 1 });
    expect(types(execution)).toEqual(['ExecutionStarted']);
    await execution.ended;
    expect(execution.output).toEqual({ a: 1 });
  });

  test('writes inputs and outputs into its history as the JSON text that the API gives', async () => {
    const execution = await new Bench().run(machine({ S: { Type: 'Pass', Assign: { x: [1] }, End: true } }), { a: 1 });
    expect(detailsOf(execution, 'ExecutionStarted')).toEqual({
      input: '{"a":1}',
      inputDetails: { truncated: false },
      roleArn: 'arn:aws:iam::111111111111:role/Orders',
    });
    expect(detailsOf(execution, 'PassStateExited')).toMatchObject({
      name: 'S',
      output: '{"a":1}',
      assignedVariables: { x: '[1]' },
    });
  });

  test('tells each event to its host as it happens', async () => {
    const seen: string[] = [];
    await new Bench(undefined, {
      onEvent: (arn, { id, type }) => seen.push(`${arn.split(':').at(-1)} ${id} ${type}`),
    }).run(machine({ S: { Type: 'Succeed' } }));
    expect(seen).toEqual([
      'run-1 1 ExecutionStarted',
      'run-1 2 SucceedStateEntered',
      'run-1 3 SucceedStateExited',
      'run-1 4 ExecutionSucceeded',
    ]);
  });

  test('shows itself in the context object', async () => {
    const execution = await new Bench().run(
      machine({ S: { Type: 'Pass', Output: '{% $states.context %}', End: true } }),
      { a: 1 },
    );
    expect(execution.output).toMatchObject({
      Execution: { Input: { a: 1 }, Name: 'run-1', RedriveCount: 0, StartTime: '2026-01-01T09:00:00.000Z' },
      StateMachine: { Name: 'Orders' },
      State: { Name: 'S', EnteredTime: '2026-01-01T09:00:00.000Z' },
    });
  });
});

describe('stop', () => {
  test('ends it as ABORTED with the given error, following no event', async () => {
    const bench = new Bench();
    const execution = bench.start(wait);
    bench.clock.schedule(3000, () => execution.stop({ error: 'Manual', cause: 'probe' }));
    await bench.clock.runUntilIdle();
    expect([
      execution.status,
      execution.error,
      execution.cause,
      execution.stoppedAtMs! - execution.startedAtMs,
    ]).toEqual(['ABORTED', 'Manual', 'probe', 3000]);
    expect(chain(execution)).toEqual(['1<-0 ExecutionStarted', '2<-0 WaitStateEntered', '3<-0 ExecutionAborted']);
  });

  test('without a reason leaves empty details', async () => {
    const execution = new Bench().start(wait);
    execution.stop();
    await execution.ended;
    expect(detailsOf(execution, 'ExecutionAborted')).toEqual({});
  });

  test('after the end changes nothing', async () => {
    const execution = await new Bench().run(machine({ S: { Type: 'Succeed' } }));
    execution.stop({ error: 'Late' });
    expect(execution.status).toBe('SUCCEEDED');
  });

  test('leaves no timer behind', async () => {
    const bench = new Bench();
    const execution = bench.start(wait);
    await bench.clock.runUntilIdle(bench.clock.nowMs() + 1000);
    execution.stop();
    await bench.clock.runUntilIdle();
    expect(bench.clock.nowMs() - execution.startedAtMs).toBe(1000);
  });
});

describe('TimeoutSeconds of the machine', () => {
  test('ends it as TIMED_OUT; the error is in the history only, and no catcher gets it', async () => {
    const states = {
      A: task({ Resource: callback, Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B' }] }),
      B: { Type: 'Succeed' },
    };
    const execution = await new Bench(() => submitted).run(machine(states, { TimeoutSeconds: 5 }));
    expect([execution.status, execution.error, execution.stoppedAtMs! - execution.startedAtMs]).toEqual([
      'TIMED_OUT',
      undefined,
      5000,
    ]);
    expect(execution.history.at(-1)).toMatchObject({
      previousEventId: 0,
      type: 'ExecutionTimedOut',
      executionTimedOutEventDetails: { error: 'States.Timeout' },
    });
  });
});

describe('limits', () => {
  const loop = machine({
    A: { Type: 'Choice', Choices: [{ Condition: '{% true %}', Next: 'A' }], Default: 'B' },
    B: { Type: 'Succeed' },
  });

  test('the 25,000th event of a Standard execution is its failure', async () => {
    const execution = await new Bench().run(loop);
    expect(execution.history).toHaveLength(25_000);
    expect([execution.history.at(-1)!.type, execution.error, execution.cause]).toEqual([
      'ExecutionFailed',
      'States.Runtime',
      'The execution reached the maximum number of history events (25000).',
    ]);
  });

  test('an Express loop without a wait times out', async () => {
    const execution = await new Bench().run(loop, {}, 'EXPRESS');
    expect(execution.status).toBe('TIMED_OUT');
  });

  test('an Express execution has five minutes', async () => {
    const execution = await new Bench().run(machine({ W: { Type: 'Wait', Seconds: 600, End: true } }), {}, 'EXPRESS');
    expect([execution.status, execution.stoppedAtMs! - execution.startedAtMs]).toEqual(['TIMED_OUT', 300_000]);
  });

  test.each([
    ['fits', 262_142, 'SUCCEEDED'],
    ['is one byte too long', 262_143, 'FAILED'],
  ])('a state output that %s', async (_, length, status) => {
    const execution = await new Bench().run(machine({ S: { Type: 'Pass', Output: 'x'.repeat(length), End: true } }));
    expect(execution.status).toBe(status);
  });

  test('sizes are bytes of UTF-8, not characters', async () => {
    const pass = (text: string) => machine({ S: { Type: 'Pass', Output: { list: [text] }, End: true } });
    expect((await new Bench().run(pass('€'.repeat(87_375)))).status).toBe('SUCCEEDED');
    const execution = await new Bench().run(pass('€'.repeat(87_381)));
    expect(execution.cause).toBe(
      "The state/task 'S' returned a result with a size exceeding the maximum number of bytes service limit.",
    );
  });
});

describe('redrive', () => {
  test('goes on with the task that failed, with what it was given', async () => {
    let isFixed = false;
    const bench = new Bench(({ parameters }) => (isFixed ? succeeded(parameters) : failed('Broken')));
    const states = {
      A: { Type: 'Pass', Output: { n: 1 }, Assign: { v: 'kept' }, Next: 'B' },
      B: task({ Arguments: { v: '{% $v %}' }, Retry: [{ ErrorEquals: ['States.ALL'], MaxAttempts: 1 }] }),
    };
    const execution = await bench.run(machine(states));
    expect(execution.status).toBe('FAILED');
    isFixed = true;
    execution.redrive();
    expect([execution.status, execution.redriveCount, execution.error]).toEqual(['RUNNING', 1, undefined]);
    await execution.ended;
    expect(execution.output).toEqual({ v: 'kept' });
    expect(chain(execution).slice(10)).toEqual([
      '11<-10 ExecutionFailed',
      '12<-11 ExecutionRedriven',
      '13<-12 TaskScheduled',
      '14<-13 TaskStarted',
      '15<-14 TaskSucceeded',
      '16<-15 TaskStateExited',
      '17<-16 ExecutionSucceeded',
    ]);
    expect(bench.requests.at(-1)!.attempt).toBe(0);
  });

  test('runs only those branches again that did not succeed', async () => {
    let isFixed = false;
    const bench: Bench = new Bench(({ stateName }) =>
      stateName === 'Bad' && !isFixed ? failed('Broken') : succeeded(stateName),
    );
    const branches = ['Good', 'Bad'].map((name) => ({ StartAt: name, States: { [name]: task() } }));
    const execution = await bench.run(machine({ P: { Type: 'Parallel', Branches: branches, End: true } }));
    isFixed = true;
    execution.redrive();
    await execution.ended;
    expect(execution.output).toEqual(['Good', 'Bad']);
    expect(bench.requests.map(({ stateName }) => stateName)).toEqual(['Good', 'Bad', 'Bad']);
  });

  test('runs only those iterations again that did not succeed', async () => {
    let isFixed = false;
    const bench: Bench = new Bench(({ iterations }) =>
      iterations[0]!.index === 1 && !isFixed ? failed('Broken') : succeeded(iterations[0]!.index),
    );
    const processor = { StartAt: 'T', States: { T: task() } };
    const execution = await bench.run(
      machine({ M: { Type: 'Map', Items: [0, 1, 2], MaxConcurrency: 1, ItemProcessor: processor, End: true } }),
    );
    expect(execution.status).toBe('FAILED');
    isFixed = true;
    execution.redrive();
    await execution.ended;
    expect(execution.output).toEqual([0, 1, 2]);
    expect(bench.requests.map(({ iterations }) => iterations[0]!.index)).toEqual([0, 1, 1, 2]);
  });

  test('enters a Fail state again and fails again', async () => {
    const execution = await new Bench().run(machine({ F: { Type: 'Fail', Error: 'E' } }));
    execution.redrive();
    await execution.ended;
    expect(types(execution).slice(-3)).toEqual(['ExecutionRedriven', 'FailStateEntered', 'ExecutionFailed']);
  });

  test('goes on after a stop, and tells its count in the context object', async () => {
    const bench: Bench = new Bench(({ parameters }) =>
      bench.requests.length === 1 ? new Promise(() => undefined) : succeeded(parameters),
    );
    const execution = bench.start(machine({ T: task({ Arguments: '{% $states.context.Execution.RedriveCount %}' }) }));
    await bench.clock.runUntilIdle(bench.clock.nowMs() + 1000);
    execution.stop();
    await execution.ended;
    execution.redrive();
    await execution.ended;
    expect(execution.output).toBe(1);
  });

  test('may follow a stop at once', async () => {
    const bench: Bench = new Bench(({ parameters }) =>
      bench.requests.length === 1 ? new Promise(() => undefined) : succeeded(parameters),
    );
    const execution = bench.start(
      machine({
        P: { Type: 'Parallel', Branches: [{ StartAt: 'T', States: { T: task({ Arguments: 'again' }) } }], End: true },
      }),
    );
    await bench.clock.runUntilIdle(bench.clock.nowMs() + 1000);
    execution.stop();
    execution.redrive();
    await execution.ended;
    expect(execution.output).toEqual(['again']);
    expect(types(execution).slice(6, 9)).toEqual(['ExecutionAborted', 'ExecutionRedriven', 'TaskScheduled']);
  });

  test("starts the machine's clock anew", async () => {
    const execution = await new Bench().run(
      machine({ W: { Type: 'Wait', Seconds: 30, End: true } }, { TimeoutSeconds: 10 }),
    );
    expect(execution.status).toBe('TIMED_OUT');
    execution.redrive();
    expect(execution.status).toBe('RUNNING');
  });

  test.each(['STANDARD', 'EXPRESS'] as const)('is refused for what succeeded (%s)', async (type) => {
    const execution = await new Bench().run(machine({ S: { Type: 'Succeed' } }), {}, type);
    expect(() => execution.redrive()).toThrow(expect.objectContaining({ code: 'ExecutionNotRedrivable' }));
  });

  test('is refused after 14 days', async () => {
    const bench = new Bench();
    const execution = await bench.run(machine({ F: { Type: 'Fail' } }));
    await bench.clock.runUntilIdle(bench.clock.nowMs() + 14 * 24 * 3600 * 1000 + 1);
    expect(() => execution.redrive()).toThrow('14 days');
  });
});

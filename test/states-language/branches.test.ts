/** Parallel and inline Map. Histories: recorded on AWS, and measured there in September 2026 (floci-io/floci#3167). */
import { Bench, chain, detailsOf, failed, lambda, machine, succeeded, types } from './machine';

const pass = { Type: 'Pass', End: true };
const boom = { Type: 'Fail', Error: 'MyError', Cause: 'my cause' };
const branch = (state: object, name = 'S') => ({ StartAt: name, States: { [name]: state } });
const waits = (seconds: number) => branch({ Type: 'Wait', Seconds: seconds, End: true });
const call = (fields: object = {}) => ({ Type: 'Task', Resource: lambda, Arguments: {}, End: true, ...fields });

describe('Parallel', () => {
  test('gives the outputs in the order of its branches, whichever ends first', async () => {
    const states = {
      P: {
        Type: 'Parallel',
        End: true,
        Branches: [3, 1, 2].map((seconds) =>
          branch({ Type: 'Wait', Seconds: seconds, Output: seconds, End: true }, `S${seconds}`),
        ),
      },
    };
    const execution = await new Bench().run(machine(states));
    expect(execution.output).toEqual([3, 1, 2]);
    expect(execution.stoppedAtMs! - execution.startedAtMs).toBe(3000);
  });

  test('goes on from the last event of a branch, past ParallelStateSucceeded', async () => {
    const execution = await new Bench().run(
      machine({ P: { Type: 'Parallel', Branches: [branch(pass)], Next: 'After' }, After: pass }),
    );
    expect(chain(execution).slice(1)).toEqual([
      '2<-0 ParallelStateEntered',
      '3<-2 ParallelStateStarted',
      '4<-3 PassStateEntered',
      '5<-4 PassStateExited',
      '6<-5 ParallelStateSucceeded',
      '7<-5 ParallelStateExited',
      '8<-7 PassStateEntered',
      '9<-8 PassStateExited',
      '10<-9 ExecutionSucceeded',
    ]);
  });

  test('fails with the error of its branch', async () => {
    const execution = await new Bench().run(machine({ P: { Type: 'Parallel', Branches: [branch(boom)], End: true } }));
    expect([execution.error, execution.cause]).toEqual(['MyError', 'my cause']);
    expect(chain(execution).slice(3)).toEqual([
      '4<-3 FailStateEntered',
      '5<-4 ParallelStateFailed',
      '6<-5 ExecutionFailed',
    ]);
  });

  test('starts again for each retry and reports its failure once', async () => {
    const retry = [{ ErrorEquals: ['States.ALL'], MaxAttempts: 1 }];
    const execution = await new Bench().run(
      machine({ P: { Type: 'Parallel', Branches: [branch(boom)], Retry: retry, End: true } }),
    );
    expect(chain(execution).slice(2)).toEqual([
      '3<-2 ParallelStateStarted',
      '4<-3 FailStateEntered',
      '5<-4 ParallelStateStarted',
      '6<-5 FailStateEntered',
      '7<-6 ParallelStateFailed',
      '8<-7 ExecutionFailed',
    ]);
  });

  test('cuts off its other branches when one fails', async () => {
    const bench: Bench = new Bench(async ({ stateName }) => {
      await bench.clock.sleep(stateName === 'Slow' ? 60_000 : 1000);
      return stateName === 'Slow' ? succeeded(1) : failed('Broken');
    });
    const branches = [
      { StartAt: 'Slow', States: { Slow: call() } },
      { StartAt: 'Bad', States: { Bad: call() } },
      waits(30),
    ];
    const execution = await bench.run(machine({ P: { Type: 'Parallel', Branches: branches, End: true } }));
    expect(execution.stoppedAtMs! - execution.startedAtMs).toBe(1000);
    expect(types(execution)).toEqual(
      expect.arrayContaining(['TaskStateAborted', 'WaitStateAborted', 'ParallelStateFailed']),
    );
    expect(bench.requests.every(({ signal }) => signal.aborted)).toBe(true);
  });

  test('says that a task whose failure ends its branch is aborted, and goes on from the failure', async () => {
    const states = {
      P: {
        Type: 'Parallel',
        Branches: [branch(call())],
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Handled' }],
        End: true,
      },
      Handled: pass,
    };
    const execution = await new Bench(() => failed('Broken')).run(machine(states));
    expect(chain(execution).slice(6, 10)).toEqual([
      '7<-6 TaskFailed',
      '8<-7 TaskStateAborted',
      '9<-7 ParallelStateFailed',
      '10<-9 ParallelStateExited',
    ]);
  });

  test('ends the execution at once when a branch meets States.Runtime: nothing on the way reports or catches it', async () => {
    const fast = { Type: 'Pass', Parameters: { 'm.$': '$.nope' }, End: true };
    const execution = await new Bench().run(
      {
        StartAt: 'P',
        States: {
          P: {
            Type: 'Parallel',
            Branches: [branch(fast)],
            Retry: [{ ErrorEquals: ['States.ALL'] }],
            Catch: [{ ErrorEquals: ['States.ALL'], Next: 'P' }],
            End: true,
          },
        },
      },
      { x: 'a' },
    );
    expect(chain(execution).slice(3)).toEqual(['4<-3 PassStateEntered', '5<-4 ExecutionFailed']);
    expect(execution.cause).toBe(
      "An error occurred while executing the state 'S' (entered at the event id #4). The JSONPath '$.nope' specified for the field 'm.$' could not be found in the input '{\"x\":\"a\"}'",
    );
  });

  test('fails a second time when its catcher fails', async () => {
    const states = {
      P: {
        Type: 'Parallel',
        Branches: [branch(boom)],
        Catch: [
          { ErrorEquals: ['Other'], Next: 'Done' },
          { ErrorEquals: ['States.ALL'], Output: { v: '{% $states.input.missing %}' }, Next: 'Done' },
        ],
        End: true,
      },
      Done: pass,
    };
    const execution = await new Bench().run(machine(states));
    expect(chain(execution).slice(3)).toEqual([
      '4<-3 FailStateEntered',
      '5<-4 ParallelStateFailed',
      '6<-4 EvaluationFailed',
      '7<-6 ParallelStateFailed',
      '8<-7 ExecutionFailed',
    ]);
    expect(detailsOf(execution, 'EvaluationFailed')['location']).toBe('Catch[1]/Output/v');
  });

  test('branches see the variables from outside, and keep their own', async () => {
    const states = {
      Set: { Type: 'Pass', Assign: { outer: 1 }, Next: 'P' },
      P: {
        Type: 'Parallel',
        Branches: [
          {
            StartAt: 'A',
            States: {
              A: { Type: 'Pass', Assign: { inner: '{% $outer + 1 %}' }, Next: 'B' },
              B: { Type: 'Pass', Output: '{% $inner %}', End: true },
            },
          },
          branch({ Type: 'Pass', Output: '{% $exists($inner) %}', End: true }),
        ],
        Next: 'After',
      },
      After: { Type: 'Pass', Output: { results: '{% $states.input %}', isLeaked: '{% $exists($inner) %}' }, End: true },
    };
    const execution = await new Bench().run(machine(states));
    expect(execution.output).toEqual({ results: [2, false], isLeaked: false });
  });
});

describe('inline Map', () => {
  const map = (state: object, fields: object = {}) =>
    machine({
      M: { Type: 'Map', Items: '{% $states.input.items %}', ItemProcessor: branch(state), End: true, ...fields },
    });

  test('runs at most MaxConcurrency iterations at a time', async () => {
    const execution = await new Bench().run(map({ Type: 'Wait', Seconds: 10, End: true }, { MaxConcurrency: 2 }), {
      items: [1, 2, 3, 4, 5],
    });
    expect(execution.stoppedAtMs! - execution.startedAtMs).toBe(30_000);
    expect(execution.output).toEqual([1, 2, 3, 4, 5]);
  });

  test('runs 40 iterations at a time when it is not told', async () => {
    const items = Array.from({ length: 41 }, (_, index) => index);
    const execution = await new Bench().run(map({ Type: 'Wait', Seconds: 10, End: true }), { items });
    expect(execution.stoppedAtMs! - execution.startedAtMs).toBe(20_000);
  });

  test('gives each iteration its item and index, as selected and in the context object', async () => {
    const fields = {
      ItemSelector: {
        index: '{% $states.context.Map.Item.Index %}',
        item: '{% $states.context.Map.Item.Value %}',
        all: '{% $count($states.input.items) %}',
      },
    };
    const state = {
      Type: 'Pass',
      Output: { selected: '{% $states.input %}', inside: '{% $states.context.Map.Item.Value %}' },
      End: true,
    };
    const execution = await new Bench().run(map(state, fields), { items: ['a', 'b'] });
    expect(execution.output).toEqual([
      { selected: { index: 0, item: 'a', all: 2 }, inside: 'a' },
      { selected: { index: 1, item: 'b', all: 2 }, inside: 'b' },
    ]);
  });

  test('tells the host which iteration a task belongs to', async () => {
    const inner = {
      StartAt: 'Inner',
      States: { Inner: { Type: 'Map', Items: [7], ItemProcessor: branch(call()), End: true } },
    };
    const bench = new Bench();
    await bench.run(
      machine({ Outer: { Type: 'Map', Items: [1, 2], MaxConcurrency: 1, ItemProcessor: inner, End: true } }),
    );
    expect(bench.requests.map(({ iterations }) => iterations)).toEqual([
      [
        { map: 'Outer', index: 0 },
        { map: 'Inner', index: 0 },
      ],
      [
        { map: 'Outer', index: 1 },
        { map: 'Inner', index: 0 },
      ],
    ]);
  });

  test('an iteration that fails ends the others', async () => {
    const bench: Bench = new Bench(async ({ iterations }) => {
      await bench.clock.sleep(1000 * (1 + iterations[0]!.index));
      return iterations[0]!.index === 1 ? failed('Broken') : succeeded(null);
    });
    const execution = await bench.run(map(call()), { items: [1, 2, 3] });
    expect(execution.error).toBe('Broken');
    expect(types(execution)).toEqual(
      expect.arrayContaining(['MapIterationSucceeded', 'MapIterationFailed', 'MapIterationAborted', 'MapStateFailed']),
    );
    expect(execution.stoppedAtMs! - execution.startedAtMs).toBe(2000);
  });

  test('an iteration that meets States.Runtime leaves no event of failure but the last', async () => {
    const execution = await new Bench().run(
      {
        StartAt: 'M',
        States: {
          M: {
            Type: 'Map',
            ItemsPath: '$.items',
            MaxConcurrency: 1,
            ItemProcessor: branch({ Type: 'Pass', Parameters: { 'm.$': '$.nope' }, End: true }),
            End: true,
          },
        },
      },
      { items: [1, 2] },
    );
    expect(chain(execution).slice(2)).toEqual([
      '3<-2 MapStateStarted',
      '4<-3 MapIterationStarted',
      '5<-4 PassStateEntered',
      '6<-5 ExecutionFailed',
    ]);
  });

  test('an ItemSelector that fails fails the state, and can be caught', async () => {
    const states = {
      M: {
        Type: 'Map',
        Items: [1, 2],
        ItemSelector: { x: '{% $states.input.missing %}' },
        ItemProcessor: branch(pass),
        Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'Done' }],
        End: true,
      },
      Done: { Type: 'Succeed' },
    };
    const execution = await new Bench().run(machine(states));
    expect(execution.status).toBe('SUCCEEDED');
    expect(types(execution).slice(1, 4)).toEqual(['MapStateEntered', 'EvaluationFailed', 'MapStateFailed']);
    expect(detailsOf(execution, 'EvaluationFailed')['location']).toBe('ItemSelector/x');
  });
});

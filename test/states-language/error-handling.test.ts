import fc from 'fast-check';
import { createRandom } from '../../local/random';
import { delayMs } from '../../local/states-language/error-handling';
import { Bench, chain, detailsOf, failed, lambda, machine, succeeded, types } from './machine';

const task = (fields: object) => {
  const states = { Work: { Type: 'Task', Resource: lambda, Arguments: {}, End: true, ...fields } };
  return machine('Catch' in fields ? { ...states, Rescue: { Type: 'Succeed' } } : states);
};
const all = ['States.ALL'];

describe('Retry', () => {
  test('waits one, two and four seconds and gives up after three retries when nothing is said', async () => {
    const bench = new Bench(() => failed('Broken'));
    const execution = await bench.run(task({ Retry: [{ ErrorEquals: all }] }));
    expect(bench.requests.map(({ attempt }) => attempt)).toEqual([0, 1, 2, 3]);
    expect(execution.stoppedAtMs! - execution.startedAtMs).toBe(7000);
    expect(execution.error).toBe('Broken');
  });

  test('each retrier counts for itself, and only within one visit of the state', async () => {
    const answers = ['A', 'B', 'A', 'B', 'A'];
    let visit = 0;
    const bench = new Bench(() => {
      const name = answers.shift();
      return name === undefined ? succeeded(++visit) : failed(name);
    });
    const retry = [
      { ErrorEquals: ['A'], MaxAttempts: 2 },
      { ErrorEquals: ['B'], MaxAttempts: 2 },
    ];
    const execution = await bench.run(task({ Retry: retry, Catch: [{ ErrorEquals: all, Next: 'Rescue' }] }));
    expect(execution.status).toBe('SUCCEEDED');
    expect(bench.requests).toHaveLength(5);
    expect(detailsOf(execution, 'SucceedStateEntered')['input']).toBe('{"Error":"A","Cause":""}');
  });

  test('the first retrier that matches decides, even when it is used up', async () => {
    const bench = new Bench(() => failed('A'));
    await bench.run(
      task({
        Retry: [
          { ErrorEquals: ['A'], MaxAttempts: 0 },
          { ErrorEquals: all, MaxAttempts: 5 },
        ],
      }),
    );
    expect(bench.requests).toHaveLength(1);
  });

  test('MaxDelaySeconds caps the wait', async () => {
    const execution = await new Bench(() => failed('A')).run(
      task({
        Retry: [{ ErrorEquals: all, IntervalSeconds: 10, BackoffRate: 10, MaxDelaySeconds: 20, MaxAttempts: 3 }],
      }),
    );
    expect(execution.stoppedAtMs! - execution.startedAtMs).toBe(50_000);
  });

  test('States.TaskFailed stands for everything but timeouts', async () => {
    const bench = new Bench(() => failed('A'));
    const retry = [{ ErrorEquals: ['States.TaskFailed'], MaxAttempts: 1 }];
    await bench.run(task({ Retry: retry }));
    expect(bench.requests).toHaveLength(2);
    const slow: Bench = new Bench(() => new Promise(() => undefined));
    await slow.run(task({ Retry: retry, TimeoutSeconds: 1 }));
    expect(slow.requests).toHaveLength(1);
  });

  test('full jitter draws from nought to the whole interval', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 0, max: 20 }),
        (seed, intervalSeconds, retries) => {
          const retrier = { errorEquals: all, intervalSeconds, maxAttempts: 99, backoffRate: 2, maxDelaySeconds: 3600 };
          const random = createRandom(seed);
          const longest = delayMs({ ...retrier, jitter: 'NONE' }, retries, random);
          const drawn = delayMs({ ...retrier, jitter: 'FULL' }, retries, random);
          expect(drawn).toBeGreaterThanOrEqual(0);
          expect(drawn).toBeLessThanOrEqual(longest);
          expect(longest).toBe(Math.min(3600, intervalSeconds * 2 ** retries) * 1000);
        },
      ),
    );
  });
});

describe('Catch', () => {
  test('takes the first catcher that matches, with its own output and variables', async () => {
    const execution = await new Bench(() => failed('Card.Refused', 'no money')).run(
      machine({
        Work: {
          Type: 'Task',
          Resource: lambda,
          Arguments: {},
          Output: '{% $error("not evaluated") %}',
          End: true,
          Catch: [
            { ErrorEquals: ['Other'], Next: 'Rescue' },
            {
              ErrorEquals: ['Card.Refused'],
              Assign: { why: '{% $states.errorOutput.Cause %}' },
              Output: { from: '{% $states.input %}' },
              Next: 'Rescue',
            },
          ],
        },
        Rescue: { Type: 'Pass', Output: '{% $merge([$states.input, {"why": $why}]) %}', End: true },
      }),
      { order: 7 },
    );
    expect(execution.output).toEqual({ from: { order: 7 }, why: 'no money' });
  });

  test('in JSONPath puts the error where ResultPath says', async () => {
    const execution = await new Bench(() => failed('E', 'c')).run(
      {
        StartAt: 'Work',
        States: {
          Work: {
            Type: 'Task',
            Resource: lambda,
            End: true,
            Catch: [{ ErrorEquals: all, ResultPath: '$.error', Next: 'Rescue' }],
          },
          Rescue: { Type: 'Succeed' },
        },
      },
      { order: 7 },
    );
    expect(execution.output).toEqual({ order: 7, error: { Error: 'E', Cause: 'c' } });
  });

  test('never gets States.Runtime, and neither does a retrier', async () => {
    const execution = await new Bench().run({
      StartAt: 'Work',
      States: {
        Work: {
          Type: 'Task',
          Resource: lambda,
          Parameters: { 'x.$': '$.missing' },
          End: true,
          Retry: [{ ErrorEquals: all }],
          Catch: [{ ErrorEquals: ['States.Runtime'], Next: 'Rescue' }],
        },
        Rescue: { Type: 'Succeed' },
      },
    });
    expect(types(execution)).toEqual(['ExecutionStarted', 'TaskStateEntered', 'ExecutionFailed']);
  });

  test('gets a query that failed before the task was called', async () => {
    const execution = await new Bench().run(
      task({
        Arguments: { x: '{% $states.input.missing %}' },
        Retry: [{ ErrorEquals: all, MaxAttempts: 1 }],
        Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'Rescue' }],
      }),
    );
    expect(execution.status).toBe('SUCCEEDED');
    expect(chain(execution).slice(1, 5)).toEqual([
      '2<-0 TaskStateEntered',
      '3<-2 EvaluationFailed',
      '4<-3 EvaluationFailed',
      '5<-4 TaskStateExited',
    ]);
  });

  test('gets a result that is too large', async () => {
    const execution = await new Bench(() => succeeded('ü'.repeat(131_073))).run(
      task({ Catch: [{ ErrorEquals: ['States.DataLimitExceeded'], Next: 'Rescue' }] }),
    );
    expect(detailsOf(execution, 'TaskFailed')['cause']).toBe(
      "The state/task 'lambda' returned a result with a size exceeding the maximum number of bytes service limit.",
    );
    expect(execution.status).toBe('SUCCEEDED');
  });
});

describe('what no handler may hide', () => {
  test('a host that throws ends the execution with the error that was thrown', async () => {
    const bench = new Bench(() => {
      throw Object.assign(new Error('textract:analyze is not simulated'), { name: 'Simulator.Unsupported' });
    });
    const execution = await bench.run(
      task({ Retry: [{ ErrorEquals: all }], Catch: [{ ErrorEquals: all, Next: 'Rescue' }] }),
    );
    expect([execution.status, execution.error, execution.cause]).toEqual([
      'FAILED',
      'Simulator.Unsupported',
      'textract:analyze is not simulated',
    ]);
    expect(bench.requests).toHaveLength(1);
  });

  test('a task that cannot be started at all leaves no event of its own', async () => {
    const bench = new Bench(undefined, { checkTask: () => 'The activity arn does not exist.' });
    const execution = await bench.run(task({ Catch: [{ ErrorEquals: all, Next: 'Rescue' }] }));
    expect(types(execution)).toEqual(['ExecutionStarted', 'TaskStateEntered', 'ExecutionFailed']);
    expect(execution.cause).toBe(
      "An error occurred while executing the state 'Work' (entered at the event id #2). The activity arn does not exist.",
    );
  });
});

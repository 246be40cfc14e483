import { Bench, callback, chain, detailsOf, failed, lambda, machine, submitted, succeeded, types } from './machine';

const waiting = (fields: object = {}) =>
  machine({
    Ask: {
      Type: 'Task',
      Resource: callback,
      Arguments: { token: '{% $states.context.Task.Token %}' },
      End: true,
      ...fields,
    },
  });

describe('tasks that wait for a token', () => {
  test('time out with the execution, after a year, when nobody completes them', async () => {
    const bench = new Bench(() => submitted);
    const execution = await bench.run(waiting());
    expect(execution.status).toBe('TIMED_OUT');
  });

  test('succeed with the output that came with the token, not with what the call answered', async () => {
    const bench = new Bench(() => submitted);
    const execution = bench.start(waiting());
    bench.clock.schedule(60_000, () => bench.engine.taskTokens.succeed(bench.requests[0]!.taskToken!, { paid: true }));
    await bench.clock.runUntilIdle();
    expect(execution.output).toEqual({ paid: true });
    expect(execution.stoppedAtMs! - execution.startedAtMs).toBe(60_000);
    expect(types(execution)).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskSubmitted',
      'TaskSucceeded',
      'TaskStateExited',
      'ExecutionSucceeded',
    ]);
  });

  test('see the token they are called with in the context object', async () => {
    const bench = new Bench(() => submitted);
    bench.start(waiting());
    await bench.clock.runUntil(() => bench.requests.length === 1, bench.clock.nowMs() + 1);
    expect(bench.requests[0]!.parameters).toEqual({ token: bench.requests[0]!.taskToken });
  });

  test('can be completed from inside the call, and then complete after TaskSubmitted', async () => {
    const bench: Bench = new Bench((request) => {
      bench.engine.taskTokens.succeed(request.taskToken!, 'early');
      return submitted;
    });
    const execution = await bench.run(waiting());
    expect(execution.output).toBe('early');
    expect(types(execution).slice(3, 6)).toEqual(['TaskStarted', 'TaskSubmitted', 'TaskSucceeded']);
  });

  test('fail with the error and cause that came with the token', async () => {
    const bench = new Bench(() => submitted);
    const execution = bench.start(
      waiting({ Catch: [{ ErrorEquals: ['Card.Refused'], Output: '{% $states.errorOutput %}', Next: 'Ask' }] }),
    );
    bench.clock.schedule(1000, () => {
      bench.engine.taskTokens.fail(bench.requests[0]!.taskToken!, { error: 'Card.Refused', cause: 'no money' });
    });
    bench.clock.schedule(2000, () => bench.engine.taskTokens.succeed(bench.requests[1]!.taskToken!, 'paid'));
    await bench.clock.runUntilIdle();
    expect(detailsOf(execution, 'TaskStateExited')['output']).toBe('{"Error":"Card.Refused","Cause":"no money"}');
    expect(execution.output).toBe('paid');
  });

  test('fail at once when the call fails', async () => {
    const execution = await new Bench(() => failed('Exception', 'broken')).run(waiting());
    expect(execution.error).toBe('Exception');
    expect(types(execution)).not.toContain('TaskSubmitted');
  });

  test('a .sync task can be completed by its token, too', async () => {
    const bench = new Bench(() => submitted);
    const execution = bench.start(
      machine({
        Run: { Type: 'Task', Resource: 'arn:aws:states:::states:startExecution.sync', Arguments: {}, End: true },
      }),
    );
    bench.clock.schedule(10, () => bench.engine.taskTokens.succeed(bench.requests[0]!.taskToken!, 'done'));
    await bench.clock.runUntilIdle();
    expect(execution.output).toBe('done');
  });

  test('a .sync task completes with its job', async () => {
    const bench: Bench = new Bench(
      () =>
        ({ ...submitted, completion: bench.clock.sleep(5000).then(() => succeeded({ Status: 'SUCCEEDED' })) }) as never,
    );
    const execution = await bench.run(
      machine({
        Run: { Type: 'Task', Resource: 'arn:aws:states:::states:startExecution.sync', Arguments: {}, End: true },
      }),
    );
    expect(execution.output).toEqual({ Status: 'SUCCEEDED' });
  });
});

describe('tokens', () => {
  test('are new for each attempt, and the old one is then refused', async () => {
    const bench = new Bench(() => submitted);
    const execution = bench.start(
      waiting({
        HeartbeatSeconds: 60,
        Retry: [{ ErrorEquals: ['States.HeartbeatTimeout'], IntervalSeconds: 1, MaxAttempts: 1 }],
      }),
    );
    await bench.clock.runUntil(() => bench.requests.length === 2);
    const [first, second] = bench.requests.map(({ taskToken }) => taskToken!);
    expect(first).not.toBe(second);
    expect(() => bench.engine.taskTokens.succeed(first!, 1)).toThrow(expect.objectContaining({ code: 'TaskTimedOut' }));
    bench.engine.taskTokens.succeed(second!, 2);
    await bench.clock.runUntilIdle();
    expect(execution.output).toBe(2);
  });

  test('are refused once they have been used, and when they never were tokens', async () => {
    const bench: Bench = new Bench(() => submitted);
    bench.start(waiting());
    await bench.clock.runUntil(() => bench.requests.length === 1);
    const token = bench.requests[0]!.taskToken!;
    bench.engine.taskTokens.succeed(token, 1);
    expect(() => bench.engine.taskTokens.heartbeat(token)).toThrow(expect.objectContaining({ code: 'TaskTimedOut' }));
    for (const text of ['NoSuchTaskToken', '', token.slice(0, -4), `${token.slice(0, -6)}AAAAAA`]) {
      expect(() => bench.engine.taskTokens.fail(text, {})).toThrow(expect.objectContaining({ code: 'InvalidToken' }));
    }
  });

  test('of a stopped execution are refused', async () => {
    const bench = new Bench(() => submitted);
    const execution = bench.start(waiting());
    await bench.clock.runUntil(() => bench.requests.length === 1);
    execution.stop();
    await execution.ended;
    expect(bench.requests[0]!.signal.aborted).toBe(true);
    expect(() => bench.engine.taskTokens.succeed(bench.requests[0]!.taskToken!, 1)).toThrow(
      expect.objectContaining({ code: 'TaskTimedOut' }),
    );
  });
});

describe('timeouts', () => {
  test('a heartbeat that does not come reports States.Timeout without a cause', async () => {
    const execution = await new Bench(() => submitted).run(waiting({ HeartbeatSeconds: 5, TimeoutSeconds: 600 }));
    expect(execution.stoppedAtMs! - execution.startedAtMs).toBe(5000);
    expect(detailsOf(execution, 'TaskTimedOut')).toEqual({
      error: 'States.Timeout',
      resource: 'invoke.waitForTaskToken',
      resourceType: 'lambda',
    });
    expect([execution.error, execution.cause]).toEqual(['States.Timeout', undefined]);
  });

  test('a heartbeat starts the clock anew, but not the clock of the whole task', async () => {
    const bench = new Bench(() => submitted);
    const execution = bench.start(waiting({ HeartbeatSeconds: 5, TimeoutSeconds: 12 }));
    const beat = () => bench.engine.taskTokens.heartbeat(bench.requests[0]!.taskToken!);
    for (const atMs of [4000, 8000, 11_000]) bench.clock.schedule(atMs, beat);
    await bench.clock.runUntilIdle();
    expect(execution.stoppedAtMs! - execution.startedAtMs).toBe(12_000);
    expect(types(execution)).not.toContain('TaskHeartbeat');
  });

  test.each(['States.HeartbeatTimeout', 'States.Timeout', 'States.ALL'])(
    'an expired heartbeat is matched by %s',
    async (name) => {
      const execution = await new Bench(() => submitted).run({
        ...waiting({ HeartbeatSeconds: 5, Catch: [{ ErrorEquals: [name], Next: 'Late' }] }),
        States: {
          Ask: {
            Type: 'Task',
            Resource: callback,
            HeartbeatSeconds: 5,
            Catch: [
              { ErrorEquals: ['States.TaskFailed'], Next: 'Wrong' },
              { ErrorEquals: [name], Next: 'Late' },
            ],
            End: true,
          },
          Late: { Type: 'Succeed' },
          Wrong: { Type: 'Fail' },
        },
      });
      expect(execution.output).toEqual({ Error: 'States.Timeout', Cause: '' });
    },
  );

  test('an expired TimeoutSeconds is not a heartbeat', async () => {
    const execution = await new Bench(() => submitted).run(
      waiting({ TimeoutSeconds: 5, Retry: [{ ErrorEquals: ['States.HeartbeatTimeout'] }] }),
    );
    expect(types(execution).filter((type) => type === 'TaskScheduled')).toHaveLength(1);
  });

  test('HeartbeatSeconds may grow with the number of retries: four events each', async () => {
    const bench = new Bench(() => submitted);
    const execution = bench.start(
      waiting({
        HeartbeatSeconds: '{% [60, 120, 240][$min([2, $states.context.State.RetryCount])] %}',
        Retry: [{ ErrorEquals: ['States.HeartbeatTimeout'], IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 3 }],
      }),
    );
    await bench.clock.runUntilIdle();
    expect(
      execution.history
        .filter(({ type }) => type === 'TaskScheduled')
        .map((event) => (event['taskScheduledEventDetails'] as { heartbeatInSeconds: number }).heartbeatInSeconds),
    ).toEqual([60, 120, 240, 240]);
    expect(execution.stoppedAtMs! - execution.startedAtMs).toBe((60 + 120 + 240 + 240 + 3) * 1000);
    expect(chain(execution).slice(5, 11)).toEqual([
      '6<-5 TaskTimedOut',
      '7<-6 TaskScheduled',
      '8<-7 TaskStarted',
      '9<-8 TaskSubmitted',
      '10<-9 TaskTimedOut',
      '11<-10 TaskScheduled',
    ]);
  });

  test('the clock runs while the call does', async () => {
    const bench: Bench = new Bench(async () => {
      await bench.clock.sleep(10_000);
      return succeeded('late');
    });
    const execution = await bench.run(
      machine({ Call: { Type: 'Task', Resource: lambda, Arguments: {}, TimeoutSeconds: 3, End: true } }),
    );
    expect(execution.error).toBe('States.Timeout');
    expect(bench.requests[0]!.signal.aborted).toBe(true);
  });
});

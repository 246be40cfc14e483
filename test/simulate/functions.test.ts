import { simulate, type Simulation } from '../../local';
import { addFunction, addStateMachine, createApp, typedHandler } from './small-app';

/** A machine of one task that invokes a function with the execution's input. */
const invoke = (functionArn: string, retry?: object[]) => ({
  QueryLanguage: 'JSONata',
  StartAt: 'Invoke',
  States: {
    Invoke: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke',
      Arguments: { FunctionName: functionArn, Payload: '{% $states.input %}' },
      Output: '{% $states.result.Payload %}',
      End: true,
      ...(retry && { Retry: retry }),
    },
  },
});

let simulation: Simulation | undefined;
afterEach(() => simulation?.close());

test('a typed handler runs in process with the environment, the clock and the ids of the simulation', async () => {
  const { app, stack } = createApp();
  const handler = addFunction(
    stack,
    'Typed',
    typedHandler(`
      runtime.writeLog('hello');
      return { event, now: runtime.nowMs(), id: runtime.newId(), greeting: runtime.environment.GREETING,
        remaining: invocation.getRemainingTimeInMillis(), account: runtime.environment.ACCOUNT };`),
    { GREETING: 'good day', ACCOUNT: stack.account },
  );
  addStateMachine(stack, 'Machine', invoke(handler.functionArn));
  const lines: string[] = [];
  simulation = await simulate(app, { onEvent: (event) => event.kind === 'log' && lines.push(event.line) });
  const execution = simulation.startExecution({ name: 'Ada' });
  await simulation.settle();
  expect(execution.status).toBe('SUCCEEDED');
  expect(execution.output).toEqual({
    event: { name: 'Ada' },
    now: Date.UTC(2026, 0, 1, 9),
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    greeting: 'good day',
    remaining: 10_000,
    account: '111122223333',
  });
  expect(lines).toEqual(['hello']);
});

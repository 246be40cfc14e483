/** Runs one attempt of a Task state: calls the host, waits for what completes the task, keeps its clocks. */
import { isObject } from './data/json-value';
import type { TaskResource, TaskState } from './definition';
import type { JsonValue, TaskFailure, TaskRequest, TaskResponse } from './engine';
import { dataLimitExceeded, hostFailure, StateFailed, type Failure } from './failure';
import type { EventDetails } from './history';
import { isTooLarge } from './payload-size';
import type { Attempt } from './settle';
import type { TaskAttempt } from './step';

/** Runs the attempt and records its events.
 * @returns the task's result
 * @throws StateFailed when it fails or takes too long */
export async function runTaskAttempt(visit: Attempt, attempt: TaskAttempt): Promise<JsonValue> {
  if (visit.state.type !== 'Task') throw new Error(`${visit.state.name} is not a Task state`);
  return new RunningTask(visit, visit.state, attempt).run();
}

/** A reason of its own for every task would cost more than most tasks do. */
const nobodyWaits = new Error('Nobody waits for the result of this task any more');

/** How an attempt ended. */
type TaskEnd =
  | { readonly kind: 'succeeded'; readonly output: JsonValue }
  | { readonly kind: 'failed'; readonly failure: TaskFailure; readonly phase: 'start' | 'submit' | 'run' }
  /** Something that is no answer of a service: the host could not do it at all. */
  | { readonly kind: 'impossible'; readonly failure: Failure }
  | { readonly kind: 'timed-out'; readonly failure: Failure };

class RunningTask {
  private readonly resource: TaskResource;
  private readonly events: TaskEvents;
  private readonly cleanUps: (() => void)[] = [];
  private settle: (end: TaskEnd) => void = () => undefined;
  private restartHeartbeat: () => void = () => undefined;
  private isSubmitted = false;
  private isAwaited = true;
  private abort: AbortController | undefined;
  /** A completion that came while the call was still running: it counts once the task is submitted. */
  private earlyEnd: TaskEnd | undefined;

  constructor(
    private readonly visit: Attempt,
    state: TaskState,
    private readonly attempt: TaskAttempt,
  ) {
    this.resource = state.resource;
    this.events = taskEvents(state.resource);
  }

  async run(): Promise<JsonValue> {
    const { thread } = this.visit;
    const request = this.request();
    const refusal = thread.services.host.checkTask?.(request);
    if (refusal !== undefined) {
      throw new StateFailed({ error: 'States.Runtime', cause: this.visit.place + refusal, isFatal: true });
    }
    thread.append(this.events.scheduled, this.scheduledDetails());
    const end = await thread.lifetime.wait<TaskEnd>((resolve) => {
      this.settle = resolve;
      this.start(request);
      return () => {
        for (const cleanUp of this.cleanUps) cleanUp();
        this.isAwaited = false;
        this.abort?.abort(nobodyWaits);
      };
    });
    return this.report(end);
  }

  private request(): TaskRequest {
    const openSignal = (): AbortSignal => this.openSignal();
    const { thread, state, retryCount, taskToken } = this.visit;
    const { executionArn, executionName, roleArn } = thread.services.identity;
    const { credentialsRoleArn } = this.attempt;
    return {
      resource: this.resource.text,
      resourceType: this.resource.type,
      action: this.resource.action,
      pattern: this.resource.pattern,
      parameters: this.attempt.parameters,
      ...(taskToken !== undefined && { taskToken }),
      ...(credentialsRoleArn !== undefined && { credentialsRoleArn }),
      stateName: state.name,
      attempt: retryCount,
      iterations: thread.iterations.map(({ map, index }) => ({ map, index })),
      execution: { arn: executionArn, name: executionName, roleArn },
      // Few hosts ask for it, and making one costs more than most tasks do.
      get signal() {
        return openSignal();
      },
    };
  }

  private openSignal(): AbortSignal {
    this.abort ??= new AbortController();
    if (!this.isAwaited) this.abort.abort(nobodyWaits);
    return this.abort.signal;
  }

  private scheduledDetails(): EventDetails {
    const { parameters, timeoutSeconds, heartbeatSeconds, credentialsRoleArn } = this.attempt;
    const limits = {
      timeoutInSeconds: timeoutSeconds,
      heartbeatInSeconds: this.resource.kind === 'function' ? undefined : heartbeatSeconds,
      taskCredentials: credentialsRoleArn === undefined ? undefined : { roleArn: credentialsRoleArn },
    };
    if (this.resource.kind !== 'service') return { input: parameters, resource: this.resource.text, ...limits };
    const region = this.visit.thread.services.identity.executionArn.split(':')[3];
    return { parameters, region, ...this.events.resource, ...limits };
  }

  /** The clocks start with the task, so that they run while the call does (aws-facts §5.8). */
  private start(request: TaskRequest): void {
    const { thread, taskToken } = this.visit;
    const { host, tokens } = thread.services;
    if (taskToken !== undefined) this.cleanUps.push(tokens.open(taskToken, this.waitingTask()));
    if (this.resource.kind !== 'activity') this.reportStarted();
    this.startClock(this.attempt.timeoutSeconds, { error: 'States.Timeout' });
    new Promise<TaskResponse>((resolve) => resolve(host.runTask(request))).then(
      (response) => this.receive(response),
      (error: unknown) => this.end({ kind: 'impossible', failure: hostFailure(error) }),
    );
  }

  private reportStarted(details?: EventDetails): void {
    this.visit.thread.append(this.events.started, this.resource.kind === 'service' ? this.events.resource : details);
    const restart = this.startClock(this.attempt.heartbeatSeconds, {
      error: 'States.Timeout',
      alias: 'States.HeartbeatTimeout',
    });
    this.restartHeartbeat = restart;
  }

  /** @returns a function that starts the clock anew */
  private startClock(seconds: number | undefined, failure: Failure): () => void {
    if (seconds === undefined) return () => undefined;
    const { clock } = this.visit.thread.services.host;
    const start = () => clock.schedule(seconds * 1000, () => this.end({ kind: 'timed-out', failure }));
    let timer = start();
    this.cleanUps.push(() => timer.cancel());
    return () => {
      timer.cancel();
      timer = start();
    };
  }

  private waitingTask() {
    return {
      stateMachineArn: this.visit.thread.services.identity.stateMachineArn,
      succeed: (output: JsonValue) => this.complete({ kind: 'succeeded', output }),
      fail: (failure: TaskFailure) => this.complete({ kind: 'failed', failure, phase: 'run' }),
      heartbeat: () => this.restartHeartbeat(),
    };
  }

  /** What came back from the call. */
  private receive(response: TaskResponse): void {
    if (this.hasEnded) return;
    const waitsForToken = this.resource.pattern === 'WAIT_FOR_TASK_TOKEN' && this.resource.kind === 'service';
    if (response.kind === 'failed') {
      this.end({ kind: 'failed', failure: response.failure, phase: response.phase ?? 'run' });
    } else if (response.kind === 'submitted' || waitsForToken) this.submit(response);
    else {
      if (this.resource.kind === 'activity') this.reportStarted();
      this.end(response);
    }
  }

  /** The call has been made; the task goes on until its token or its job completes it. */
  private submit(response: Exclude<TaskResponse, { kind: 'failed' }>): void {
    if (this.resource.kind === 'activity') {
      // For an activity "submitted" means that a worker has taken it; the output may name the worker.
      const workerName = isObject(response.output) ? response.output['workerName'] : undefined;
      this.reportStarted(workerName === undefined ? undefined : { workerName });
    } else {
      this.visit.thread.append('TaskSubmitted', { ...this.events.resource, output: response.output });
    }
    this.isSubmitted = true;
    if (this.earlyEnd !== undefined) return this.end(this.earlyEnd);
    if (response.kind !== 'submitted') return;
    response.completion?.then(
      (completion) => this.receiveCompletion(completion),
      (error: unknown) => this.end({ kind: 'impossible', failure: hostFailure(error) }),
    );
  }

  private receiveCompletion(completion: TaskResponse): void {
    if (completion.kind === 'failed') this.end({ ...completion, phase: completion.phase ?? 'run' });
    else this.end({ kind: 'succeeded', output: completion.output });
  }

  /** Completes by token. The token is used up, whether or not the call has come back. */
  private complete(end: TaskEnd): void {
    const [closeToken] = this.cleanUps;
    closeToken?.();
    if (this.isSubmitted) this.end(end);
    else this.earlyEnd = end;
  }

  private hasEnded = false;

  private end(end: TaskEnd): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.settle(end);
  }

  private report(end: TaskEnd): JsonValue {
    const { thread } = this.visit;
    const { resource, timedOut, succeeded } = this.events;
    switch (end.kind) {
      case 'impossible':
        throw new StateFailed(end.failure);
      case 'timed-out':
        thread.append(timedOut, { ...resource, error: end.failure.error });
        throw new StateFailed(end.failure);
      case 'failed':
        return this.fail(end.failure, end.phase);
      case 'succeeded':
        if (isTooLarge(end.output)) return this.fail(dataLimitExceeded(this.subject), 'run');
        thread.append(succeeded, { ...resource, output: end.output });
        return end.output;
    }
  }

  private fail({ error, cause }: TaskFailure, phase: 'start' | 'submit' | 'run'): never {
    this.visit.thread.append(this.events.failed[phase], { ...this.events.resource, error, cause });
    throw new StateFailed({ ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) });
  }

  /** What the service calls the task in its texts. */
  private get subject(): string {
    return this.resource.kind === 'service' ? this.resource.type : this.resource.text;
  }
}

interface TaskEvents {
  readonly scheduled: string;
  readonly started: string;
  readonly succeeded: string;
  readonly timedOut: string;
  readonly failed: { readonly start: string; readonly submit: string; readonly run: string };
  /** Part of the details of each event of a service task. */
  readonly resource: { readonly resource?: string; readonly resourceType?: string };
}

function taskEvents({ kind, type, action }: TaskResource): TaskEvents {
  const prefix = { service: 'Task', function: 'LambdaFunction', activity: 'Activity' }[kind];
  return {
    scheduled: `${prefix}Scheduled`,
    started: `${prefix}Started`,
    succeeded: `${prefix}Succeeded`,
    timedOut: `${prefix}TimedOut`,
    failed: {
      start: kind === 'activity' ? 'ActivityScheduleFailed' : `${prefix}StartFailed`,
      submit: kind === 'service' ? 'TaskSubmitFailed' : `${prefix}Failed`,
      run: `${prefix}Failed`,
    },
    resource: kind === 'service' ? { resource: action, resourceType: type } : {},
  };
}

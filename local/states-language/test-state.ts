/** TestState: runs one state of a definition by itself, with what a task, map or parallel would give mocked.
 * Behaviour as recorded on AWS between November 2025 and February 2026. */
import { createRandom, type RandomSource } from '../random';
import { ServiceError, UnsupportedError } from '../services/service';
import { requireValidDefinition } from './check/validate-state-machine-definition';
import { combineResult, effectiveInput, effectiveParameters, exitThroughCatcher, selectResult } from './data-flow';
import { isList, isObject } from './data/json-value';
import type { MapState, State } from './definition';
import type { JsonValue } from './engine';
import { decide } from './error-handling';
import { evaluationError, StateFailed, type Failure } from './failure';
import { Fields } from './fields';
import { checkMockResult, type FieldValidationMode } from './mock-result';
import { parseState } from './parse-definition';
import type { Step } from './step';
import { formatTimestamp } from './timestamp';
import { transition } from './transition';
import type { Variables, Visit } from './visit';

/** Parameters of TestState, as the API names them. */
export interface TestStateRequest {
  readonly definition: string;
  readonly stateName?: string;
  readonly roleArn?: string;
  readonly input?: string;
  readonly variables?: string;
  readonly context?: string;
  readonly inspectionLevel?: 'INFO' | 'DEBUG' | 'TRACE';
  readonly revealSecrets?: boolean;
  readonly mock?: {
    readonly result?: string;
    readonly errorOutput?: { readonly error?: string; readonly cause?: string };
    readonly fieldValidationMode?: FieldValidationMode;
  };
  readonly stateConfiguration?: {
    readonly retrierRetryCount?: number;
    readonly errorCausedByState?: string;
    readonly mapIterationFailureCount?: number;
    readonly mapItemReaderData?: string;
  };
}

/** What TestState answers. Values are JSON text, as in the API. */
export interface TestStateResponse {
  readonly status: 'SUCCEEDED' | 'FAILED' | 'RETRIABLE' | 'CAUGHT_ERROR';
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
  readonly nextState?: string;
  readonly inspectionData?: Readonly<Record<string, unknown>>;
}

/** Tests one state.
 * @throws ServiceError ValidationException or InvalidDefinition
 * @throws UnsupportedError for a Task without a mock: no service is called from here
 * @example testState({ definition: '{ "Type": "Pass", "End": true }', input: '{}' }).status // 'SUCCEEDED' */
export function testState(request: TestStateRequest, nowMs = 0): TestStateResponse {
  const state = findState(request);
  validate(request, state);
  return new StateTest(request, state, nowMs).run();
}

function findState({ definition, stateName }: TestStateRequest): State {
  requireValidDefinition(stateName === undefined ? machineAround(definition) : definition, 'STANDARD');
  const fields = Fields.of(parse(definition), '');
  if (stateName === undefined) return parseState('StateName', fields, 'JSONPath');
  const found = findFields(fields, stateName, 'JSONPath');
  if (found === undefined) throw refused(`State not found in definition: ${stateName}`);
  return parseState(stateName, found.fields, found.language);
}

/** A machine of this one state, in which its transitions lead somewhere. */
function machineAround(definition: string): string {
  const state = parseOrRefuse(definition);
  if (!isObject(state)) return definition;
  const rules = ['Choices', 'Catch'].flatMap((name) => {
    const list = state[name];
    return isList(list) ? list : [];
  });
  const targets = [
    state['Next'],
    state['Default'],
    ...rules.map((rule) => (isObject(rule) ? rule['Next'] : undefined)),
  ];
  const others = targets.filter((target) => typeof target === 'string');
  const States = { ...Object.fromEntries(others.map((name) => [name, { Type: 'Succeed' }])), StateName: state };
  return JSON.stringify({ StartAt: 'StateName', States });
}

function parseOrRefuse(definition: string): JsonValue | undefined {
  try {
    return parse(definition);
  } catch {
    return undefined;
  }
}

type Found = { readonly fields: Fields; readonly language: 'JSONPath' | 'JSONata' };

/** States inside Map and Parallel can be tested by their name, too. */
function findFields(graph: Fields, name: string, inherited: Found['language']): Found | undefined {
  const language = graph.word('QueryLanguage', ['JSONPath', 'JSONata']) ?? inherited;
  const states = graph.requiredObject('States');
  for (const stateName of Object.keys(states.value)) {
    const fields = states.requiredObject(stateName);
    if (stateName === name) return { fields, language };
    const inner = [fields.object('ItemProcessor'), fields.object('Iterator'), ...fields.list('Branches')];
    for (const child of inner) {
      const found = child && findFields(child, name, language);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function validate({ mock, revealSecrets, context }: TestStateRequest, state: State): void {
  const isComposite = state.type === 'Map' || state.type === 'Parallel';
  if (mock === undefined && isComposite) {
    throw new ServiceError(
      'InvalidDefinition',
      'TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]',
    );
  }
  if (mock === undefined) return;
  if (!isComposite && state.type !== 'Task') {
    throw refused(`State type '${state.type}' is not supported when a mock is specified`);
  }
  if (revealSecrets) throw refused('TestState does not support RevealSecrets when a mock is specified.');
  if (context !== undefined) validateContext(parse(context), state);
  if (mock.result !== undefined) validateResult(parse(mock.result), state, mock.fieldValidationMode ?? 'STRICT');
}

function validateContext(context: JsonValue, state: State): void {
  const hasTask = isObject(context) && context['Task'] !== undefined;
  const mayHaveTask = state.type === 'Task' && state.resource.pattern !== 'REQUEST_RESPONSE';
  if (!hasTask || mayHaveTask) return;
  throw refused(
    "Invalid Context object provided: Context object contains 'Task' when state is not a Task state " +
      "with a '.sync' or '.waitForTaskToken' service integration pattern",
  );
}

function validateResult(result: JsonValue, state: State, mode: FieldValidationMode): void {
  if (state.type === 'Task') {
    const problem = checkMockResult(result, state.resource, mode);
    if (problem !== undefined) throw refused(`Mock result schema validation error: ${problem}`);
  }
  if (state.type === 'Map' && state.distributed?.resultWriter !== undefined) {
    if (!isObject(result)) throw refused('Mocked result must be a JSON object.');
  } else if (state.type === 'Map' || state.type === 'Parallel') {
    if (!isList(result)) throw refused('Mocked result must be an array.');
    if (state.type === 'Parallel' && result.length !== state.branches.length) {
      throw refused('Mocked result must contain the same number of items as number of Parallel branches.');
    }
  }
}

function refused(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}

function parse(text: string): JsonValue {
  return JSON.parse(text) as JsonValue;
}

/** One test. */
class StateTest implements Visit {
  readonly input: JsonValue;
  readonly variables: Variables;
  readonly context: JsonValue;
  readonly random: RandomSource = createRandom('test-state');
  private readonly inspection: Record<string, unknown> = {};
  /** Values that came in as text go out as the very same text (recorded). */
  private readonly texts = new Map<JsonValue, string>();

  constructor(
    private readonly request: TestStateRequest,
    readonly state: State,
    readonly nowMs: number,
  ) {
    this.input = this.parseText(request.input ?? '{}');
    this.variables = parse(request.variables ?? '{}') as Variables;
    this.context = request.context === undefined ? this.defaultContext() : parse(request.context);
  }

  run(): TestStateResponse {
    this.inspect('input', this.input);
    if (Object.keys(this.variables).length > 0) this.inspect('variables', this.variables);
    const response = this.outcome();
    if ((this.request.inspectionLevel ?? 'INFO') === 'INFO') return response;
    return { ...response, inspectionData: this.inspection };
  }

  private outcome(): TestStateResponse {
    try {
      const step = transition(this, 'entered');
      this.inspectEntry(step);
      return this.respond(this.finish(step));
    } catch (thrown) {
      return this.fail(this.mockedOrEvaluated(thrown));
    }
  }

  /** Gives a state that asks for something the mock instead. */
  private finish(step: Step): Step {
    const { mock } = this.request;
    if (step.kind === 'exit' || step.kind === 'fail') return step;
    if (step.kind === 'wait') return transition(this, { result: null });
    if (mock === undefined) {
      throw new UnsupportedError('a call of a real service', `TestState of ${this.state.name}`, 'give a mock');
    }
    if (mock.errorOutput !== undefined) throw new MockedFailure(mock.errorOutput);
    if (this.state.type === 'Map') this.checkTolerance(this.state);
    const result = this.parseText(mock.result ?? 'null');
    if (step.kind === 'task') this.inspect('result', result);
    this.inspectPath(result);
    return transition(this, { result });
  }

  private checkTolerance({ toleratedFailureCount: tolerated }: MapState): void {
    const failures = this.request.stateConfiguration?.mapIterationFailureCount;
    const limit = this.inspection['toleratedFailureCount'];
    if (tolerated === undefined || failures === undefined || typeof limit !== 'number' || failures <= limit) return;
    throw new MockedFailure({
      error: 'States.ExceedToleratedFailureThreshold',
      cause: 'The specified tolerated failure threshold was exceeded',
    });
  }

  private respond(step: Step): TestStateResponse {
    if (step.kind === 'fail') return { status: 'FAILED', ...step.failure };
    if (step.kind !== 'exit') throw new Error(`${this.state.name} asks for something twice`);
    return {
      status: 'SUCCEEDED',
      output: this.text(step.output),
      ...(step.next !== undefined && { nextState: step.next }),
    };
  }

  private mockedOrEvaluated(thrown: unknown): Failure {
    if (thrown instanceof MockedFailure) return thrown.failure;
    const { error, cause, isFatal } = evaluationError(thrown, '');
    return { error, cause, isFatal };
  }

  private fail(failure: Failure): TestStateResponse {
    const { error, cause } = failure;
    const reported = { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) };
    const decision = decide(failure, this.state, this.retryCounts(), this.random);
    switch (decision.kind) {
      case 'retry':
        this.inspection['errorDetails'] = {
          retryBackoffIntervalSeconds: decision.delayMs / 1000,
          retryIndex: decision.index,
        };
        return { status: 'RETRIABLE', ...reported };
      case 'catch': {
        this.inspection['errorDetails'] = { catchIndex: decision.index };
        const exit = exitThroughCatcher(this, decision.catcher, decision.index, failure);
        return {
          status: 'CAUGHT_ERROR',
          ...reported,
          output: this.text(exit.output),
          nextState: decision.catcher.next,
        };
      }
      case 'fail':
        return { status: 'FAILED', ...reported };
    }
  }

  /** `retrierRetryCount` says how often the retrier that matches has been used before. */
  private retryCounts(): number[] {
    const count = this.request.stateConfiguration?.retrierRetryCount ?? 0;
    return 'retriers' in this.state ? this.state.retriers.map(() => count) : [];
  }

  /** What can be seen of the way into the state. */
  private inspectEntry(step: Step): void {
    const { state } = this;
    if (step.kind === 'map' || step.kind === 'map-run') this.inspectMap(state as MapState, step);
    if (state.data.language === 'JSONata') {
      if (step.kind === 'task') this.inspect('afterArguments', step.parameters);
      return;
    }
    if (state.type === 'Parallel' || state.type === 'Map') return;
    if (state.type === 'Pass' && state.result !== undefined) {
      this.inspect('result', state.result);
      return this.inspectPath(state.result);
    }
    const input = effectiveInput(this);
    this.inspect('afterInputPath', input);
    if (step.kind === 'task') this.inspect('afterParameters', step.parameters);
    if (state.type !== 'Pass') return;
    const parameters = effectiveParameters(this, input);
    this.inspect('afterParameters', parameters);
    this.inspectPath(parameters);
  }

  private inspectMap(state: MapState, step: Extract<Step, { kind: 'map' | 'map-run' }>): void {
    this.inspection['maxConcurrency'] = step.maxConcurrency;
    if (state.toleratedFailureCount) this.inspection['toleratedFailureCount'] = step.toleratedFailureCount;
    if (state.toleratedFailurePercentage)
      this.inspection['toleratedFailurePercentage'] = step.toleratedFailurePercentage;
  }

  /** What can be seen of the way out of a JSONPath state. */
  private inspectPath(result: JsonValue): void {
    if (this.state.data.language === 'JSONata') return;
    const selected = selectResult(this, result);
    this.inspect('afterResultSelector', selected);
    this.inspect('afterResultPath', combineResult(this, selected));
  }

  private inspect(name: string, value: JsonValue): void {
    this.inspection[name] = this.text(value);
  }

  private parseText(text: string): JsonValue {
    const value = parse(text);
    if (typeof value === 'object' && value !== null) this.texts.set(value, text);
    return value;
  }

  private text(value: JsonValue): string {
    return this.texts.get(value) ?? JSON.stringify(value);
  }

  private defaultContext(): JsonValue {
    const time = formatTimestamp(this.nowMs);
    const machine = this.random.uuid();
    const name = this.random.uuid();
    const place = { Name: 'StateName', EnteredTime: time };
    return {
      Execution: {
        Id: `arn:aws:states:us-east-1:111111111111:express:${machine}:${name}`,
        Input: this.input,
        Name: name,
        RoleArn: this.request.roleArn ?? null,
        StartTime: time,
      },
      StateMachine: { Id: `arn:aws:states:us-east-1:111111111111:stateMachine:${machine}`, Name: machine },
      State: 'retriers' in this.state ? { ...place, RetryCount: 0 } : place,
    };
  }
}

/** The failure that a mock asks for. */
class MockedFailure extends StateFailed {}

/** The context object: what `$$` and `$states.context` show of an execution. */
import type { ExecutionIdentity, JsonValue } from '../engine';

/** What the context object is made of; ISO-8601 times. */
export interface ContextFacts {
  readonly identity: ExecutionIdentity;
  readonly input: JsonValue;
  readonly startTime: string;
  /** Absent where the service tells none: synchronous Express executions, and all before redrive existed. */
  readonly redriveCount?: number;
  readonly redriveTime?: string;
  readonly state: { readonly name: string; readonly enteredTime: string; readonly retryCount?: number };
  readonly taskToken?: string;
  /** The item of the innermost Map around the state. */
  readonly mapItem?: {
    readonly index: number;
    readonly value: JsonValue;
    readonly key?: string;
    readonly source?: string;
  };
}

/** Makes the context object, shaped as recorded on AWS. */
export function contextObject(facts: ContextFacts): JsonValue {
  const { identity, state, mapItem } = facts;
  return {
    Execution: {
      Id: identity.executionArn,
      Input: facts.input,
      StartTime: facts.startTime,
      Name: identity.executionName,
      RoleArn: identity.roleArn,
      ...(facts.redriveCount === undefined ? {} : { RedriveCount: facts.redriveCount }),
      ...(facts.redriveTime === undefined ? {} : { RedriveTime: facts.redriveTime }),
    },
    StateMachine: { Id: identity.stateMachineArn, Name: identity.stateMachineName },
    State: {
      Name: state.name,
      EnteredTime: state.enteredTime,
      // Only states that can be retried have a count.
      ...(state.retryCount === undefined ? {} : { RetryCount: state.retryCount }),
    },
    ...(facts.taskToken === undefined ? {} : { Task: { Token: facts.taskToken } }),
    ...(mapItem === undefined ? {} : { Map: { Item: mapItemOf(mapItem) } }),
  };
}

function mapItemOf(item: NonNullable<ContextFacts['mapItem']>): JsonValue {
  return {
    Index: item.index,
    Value: item.value,
    ...(item.key === undefined ? {} : { Key: item.key }),
    ...(item.source === undefined ? {} : { Source: item.source }),
  };
}

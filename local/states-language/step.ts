/** What a state asks for next. A state only asks: the thread that runs it does it. */
import type { ItemReader, ResultWriter, StateGraph } from './definition';
import type { JsonValue } from './engine';
import type { Failure } from './failure';
import type { Variables } from './visit';

/** What a state does after it was entered or resumed. */
export type Step =
  /** It is done. */
  | {
      readonly kind: 'exit';
      readonly output: JsonValue;
      readonly assigned: Variables | undefined;
      readonly next: string | undefined;
    }
  /** It fails on purpose: the Fail state. */
  | { readonly kind: 'fail'; readonly failure: Failure }
  | Effect;

/** Something that takes time. Its result resumes the state. */
export type Effect =
  | { readonly kind: 'wait'; readonly untilMs: number }
  | TaskAttempt
  | { readonly kind: 'parallel'; readonly branches: readonly StateGraph[]; readonly input: JsonValue }
  | InlineMap
  | DistributedMap;

export interface TaskAttempt {
  readonly kind: 'task';
  readonly parameters: JsonValue;
  readonly timeoutSeconds: number | undefined;
  readonly heartbeatSeconds: number | undefined;
  readonly credentialsRoleArn: string | undefined;
}

/** What both kinds of Map need. */
interface MapEffect {
  /** 0 leaves it to the service. */
  readonly maxConcurrency: number;
  readonly toleratedFailureCount: number | undefined;
  readonly toleratedFailurePercentage: number | undefined;
}

export interface InlineMap extends MapEffect {
  readonly kind: 'map';
  readonly items: readonly JsonValue[];
  /** What ItemSelector makes of each item. */
  readonly inputs: readonly JsonValue[];
}

export interface DistributedMap extends MapEffect {
  readonly kind: 'map-run';
  /** What ItemSelector makes of each item; undefined when an item reader brings them. */
  readonly inputs: readonly JsonValue[] | undefined;
  /** Applies ItemSelector to an item that was read. */
  readonly inputOf: (item: JsonValue, index: number) => JsonValue;
  readonly reader: (ItemReader & ObjectLocation & { readonly maxItemCount: number | undefined }) | undefined;
  readonly batcher: BatchLimits | undefined;
  readonly writer: (ResultWriter & ObjectLocation) | undefined;
}

/** An evaluated ItemBatcher. */
export interface BatchLimits {
  readonly maxItemCount: number | undefined;
  readonly maxBytes: number | undefined;
  readonly batchInput: JsonValue | undefined;
}

/** Evaluated `Arguments` of a reader or writer. */
export interface ObjectLocation {
  readonly parameters: JsonValue;
}

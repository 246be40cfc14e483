/** One visit of one state: all that the state can know while it is entered and resumed. */
import type { RandomSource } from '../random';
import type { State } from './definition';
import type { JsonValue } from './engine';

/** Variables by name. Never written to: an assignment makes a new object. */
export type Variables = Readonly<Record<string, JsonValue>>;

/** What a state is told about its surroundings. */
export interface Visit<VisitedState extends State = State> {
  readonly state: VisitedState;
  /** The state's raw input. */
  readonly input: JsonValue;
  readonly variables: Variables;
  /** `$$` or `$states.context`, as it is for this attempt. */
  readonly context: JsonValue;
  readonly random: RandomSource;
  readonly nowMs: number;
}

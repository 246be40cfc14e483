/** Checks how the states of one graph lead to each other: targets, reachability, a way to the end. */
import { isList, isObject, type JsonObject } from '../data/json-value';
import type { JsonValue } from '../engine';
import { within, type Report } from './report';

interface Transition {
  readonly target: string;
  readonly location: string;
  /** The field that names it. */
  readonly field: string;
}

/** Checks the transitions of a graph. */
export function checkGraph(graph: JsonObject, states: JsonObject, location: string, report: Report): void {
  const statesAt = within(location, 'States');
  const transitions = new Map(
    Object.entries(states).map(([name, state]) => [name, transitionsOf(state, within(statesAt, name))]),
  );
  const startAt = graph['StartAt'];
  const start =
    typeof startAt === 'string' ? [{ target: startAt, location: within(location, 'StartAt'), field: 'StartAt' }] : [];
  for (const { target, location: place, field } of [...start, ...[...transitions.values()].flat()]) {
    if (!Object.hasOwn(states, target)) {
      report.error(place, `Missing '${field}' target: ${target}`, 'MISSING_TRANSITION_TARGET');
    }
  }
  if (typeof startAt !== 'string' || !Object.hasOwn(states, startAt)) return;
  const reached = reachable([startAt], (name) => (transitions.get(name) ?? []).map(({ target }) => target));
  for (const name of Object.keys(states)) {
    if (!reached.has(name)) {
      report.error(within(statesAt, name), `State "${name}" is not reachable.`, 'MISSING_TRANSITION_TARGET');
    }
  }
  const isAnyEnd = [...reached].some((name) => states[name] !== undefined && isEnd(states[name]));
  if (!isAnyEnd)
    report.error(
      statesAt,
      'No state ends the execution: one must be Succeed, Fail or have "End": true',
      'MISSING_END_STATE',
    );
}

function isEnd(state: JsonValue): boolean {
  return isObject(state) && (state['End'] === true || state['Type'] === 'Succeed' || state['Type'] === 'Fail');
}

function transitionsOf(state: JsonValue, location: string): readonly Transition[] {
  if (!isObject(state)) return [];
  const found: Transition[] = [];
  const add = (target: JsonValue | undefined, place: string, field: string): void => {
    if (typeof target === 'string') found.push({ target, location: within(place, field), field });
  };
  add(state['Next'], location, 'Next');
  add(state['Default'], location, 'Default');
  for (const name of ['Choices', 'Catch']) {
    const members = isList(state[name]) ? state[name] : [];
    members.forEach((member, index) => {
      if (isObject(member)) add(member['Next'], within(within(location, name), index), 'Next');
    });
  }
  return found;
}

function reachable(from: readonly string[], next: (name: string) => readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const waiting = [...from];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    waiting.push(...next(name));
  }
  return reached;
}

/** Finds everything that is wrong with a definition, each problem with its place. */
import { isList, isObject, type JsonObject } from '../data/json-value';
import type { QueryLanguage } from '../definition';
import type { JsonValue, Problem } from '../engine';
import { checkChoiceRule } from './check-choice';
import { checkValue, oneOf, type Surroundings } from './check-values';
import {
  alternatives,
  catcherFields,
  distributedFields,
  graphFields,
  retrierFields,
  ruleFields,
  stateFields,
  type FieldRule,
  type FieldTable,
} from './fields';
import { checkGraph } from './graph';
import { Report, shown, within } from './report';

const nameLimit = 80;

/** Checks a state machine.
 * @param text The definition, as JSON text.
 * @returns all problems; none with severity `ERROR` means that AWS and the engine take it
 * @example checkDefinition('{}')[0]?.message; // 'These fields are required: [States, StartAt]' */
export function checkDefinition(text: string): readonly Problem[] {
  const report = new Report();
  let definition: JsonValue;
  try {
    definition = JSON.parse(text) as JsonValue;
  } catch (error) {
    report.error('', `The definition is not JSON: ${(error as Error).message}`, 'INVALID_JSON_DESCRIPTION');
    return report.problems;
  }
  if (!isObject(definition)) {
    report.error('', 'Definition must be a valid JSON object');
    return report.problems;
  }
  new DefinitionCheck(report).graph(definition, '', 'JSONPath', new Set());
  return report.problems;
}

class DefinitionCheck {
  /** Every state's name with the place of the first that has it: names are unique across scopes. */
  private readonly placesByName = new Map<string, string>();

  constructor(private readonly report: Report) {}

  /** @param outerVariables What states around the graph assign; undefined where children of a distributed Map cannot see it. */
  graph(graph: JsonObject, location: string, outerLanguage: QueryLanguage, outerVariables: ReadonlySet<string>): void {
    const language = languageOf(graph, outerLanguage);
    const states = isObject(graph['States']) ? graph['States'] : {};
    const variables = new Set([...outerVariables, ...Object.values(states).flatMap(assignedVariables)]);
    const here = { report: this.report, language, variables };
    this.fields(graph, graphFields, location, here, language);
    if (Object.keys(states).length === 0) {
      const problem = isObject(graph['States']) ? 'Value cannot be empty' : 'Expected value to be an object';
      if ('States' in graph) this.report.error(within(location, 'States'), problem);
      return;
    }
    for (const [name, state] of Object.entries(states)) {
      this.state(name, state, within(within(location, 'States'), name), language, variables);
    }
    checkGraph(graph, states, location, this.report);
  }

  private state(
    name: string,
    state: JsonValue,
    location: string,
    graphLanguage: QueryLanguage,
    variables: ReadonlySet<string>,
  ): void {
    const { report } = this;
    if (name.length > nameLimit) report.error(location, `The name of a state may be ${nameLimit} characters long`);
    const place = this.placesByName.get(name);
    if (place === undefined) this.placesByName.set(name, location);
    else report.error(location, `State names must be unique: '${name}' is also at ${place}`, 'DUPLICATE_STATE_NAME');
    if (!isObject(state)) return report.error(location, `Expected value to be an object, but was ${shown(state)}`);
    const type = state['Type'];
    const table = typeof type === 'string' && Object.hasOwn(stateFields, type) ? stateFields[type] : undefined;
    if (table === undefined) {
      if (type === undefined) return report.error(location, 'These fields are required: [Type]');
      const place = within(location, 'Type');
      return report.error(place, oneOf(place, Object.keys(stateFields)));
    }
    const language = languageOf(state, graphLanguage);
    if (graphLanguage === 'JSONata' && language === 'JSONPath') {
      report.error(
        within(location, 'QueryLanguage'),
        "A state cannot use JSONPath in a state machine that uses 'JSONata'",
      );
    }
    this.fields(state, table, location, { report, language, variables }, graphLanguage);
    this.together(state, location);
  }

  /** What the fields of a state must be to each other. */
  private together(state: JsonObject, location: string): void {
    const { report } = this;
    const { TimeoutSeconds: timeout, HeartbeatSeconds: heartbeat } = state;
    if (typeof timeout === 'number' && typeof heartbeat === 'number' && heartbeat >= timeout) {
      report.error(within(location, 'HeartbeatSeconds'), 'HeartbeatSeconds must be less than TimeoutSeconds');
    }
    const isEnding = ['Choice', 'Succeed', 'Fail'].includes(state['Type'] as string);
    if (!isEnding && state['Next'] === undefined && state['End'] !== true) {
      report.error(location, "One of the fields 'Next' and 'End' is required");
    }
    if (
      state['Type'] === 'Wait' &&
      !['Seconds', 'SecondsPath', 'Timestamp', 'TimestampPath'].some((name) => name in state)
    ) {
      report.error(location, 'One of the fields Seconds, SecondsPath, Timestamp and TimestampPath is required');
    }
    const credentials = state['Credentials'];
    if (isObject(credentials) && !('RoleArn' in credentials) && !('RoleArn.$' in credentials)) {
      report.error(within(location, 'Credentials'), "The field 'RoleArn' is required but was missing");
    }
    if (state['Type'] === 'Map') this.map(state, location);
  }

  private map(state: JsonObject, location: string): void {
    const processor = state['ItemProcessor'] ?? state['Iterator'];
    if (processor === undefined)
      return this.report.error(location, "The field 'ItemProcessor' is required but was missing");
    if (isDistributed(processor)) return;
    for (const name of distributedFields) {
      if (name in state)
        this.report.error(within(location, name), `The field '${name}' needs a Map in DISTRIBUTED mode`);
    }
  }

  private fields(
    object: JsonObject,
    table: FieldTable,
    location: string,
    here: Surroundings & { readonly variables: ReadonlySet<string> },
    graphLanguage: QueryLanguage,
  ): void {
    const { report, language } = here;
    const missing = Object.entries(table)
      .filter(([name, { required }]) => required && !(name in object))
      .map(([name]) => name);
    if (missing.length > 0) report.error(location, `These fields are required: [${missing.join(', ')}]`);
    for (const group of alternatives) {
      const given = group.filter((name) => name in object && name in table);
      if (given.length > 1) report.error(location, `Only one of these fields may be given: ${given.join(', ')}`);
    }
    for (const [name, value] of Object.entries(object)) {
      const rule = Object.hasOwn(table, name) ? table[name] : undefined;
      const place = within(location, name);
      if (rule === undefined) report.error(place, `The field '${name}' is not supported here`);
      else if (rule.language !== undefined && rule.language !== language) {
        report.error(place, `The field '${name}' is not supported when the QueryLanguage is ${language}`);
      } else {
        this.field(value, rule, place, here, graphLanguage);
      }
    }
  }

  private field(
    value: JsonValue,
    rule: FieldRule,
    location: string,
    here: Surroundings & { readonly variables: ReadonlySet<string> },
    graphLanguage: QueryLanguage,
  ): void {
    const { kind } = rule;
    switch (kind.is) {
      case 'fields':
        return this.eachObject([value], [location], (object, place) =>
          this.fields(object, kind.fields, place, here, graphLanguage),
        );
      case 'graph':
      case 'graphs': {
        const isOne = kind.is === 'graph';
        const graphs = isOne ? [value] : value;
        if (!isList(graphs))
          return this.report.error(location, `Expected value to be an array, but was ${shown(value)}`);
        if (graphs.length === 0) this.report.error(location, 'Value cannot be empty');
        const places = graphs.map((_graph, index) => (isOne ? location : within(location, index)));
        return this.eachObject(graphs, places, (graph, place) =>
          // Child executions of a distributed Map see none of the variables around it.
          this.graph(graph, place, graphLanguage, isDistributed(graph) ? new Set() : here.variables),
        );
      }
      case 'retriers':
        return this.handlers(value, retrierFields, location, here, graphLanguage);
      case 'catchers':
        return this.handlers(value, catcherFields, location, here, graphLanguage);
      case 'choice rules':
        return this.rules(value, location, here, graphLanguage);
      default:
        return checkValue(value, rule, kind, location, here);
    }
  }

  private eachObject(
    values: readonly JsonValue[],
    places: readonly string[],
    check: (object: JsonObject, place: string) => void,
  ): void {
    values.forEach((value, index) => {
      const place = places[index] as string;
      if (isObject(value)) check(value, place);
      else this.report.error(place, `Expected value to be an object, but was ${shown(value)}`);
    });
  }

  private list(value: JsonValue, location: string): readonly JsonValue[] {
    if (isList(value)) return value;
    this.report.error(location, `Expected value to be an array, but was ${shown(value)}`);
    return [];
  }

  private handlers(
    value: JsonValue,
    table: FieldTable,
    location: string,
    here: Surroundings & { readonly variables: ReadonlySet<string> },
    graphLanguage: QueryLanguage,
  ): void {
    const handlers = this.list(value, location);
    const places = handlers.map((_handler, index) => within(location, index));
    this.eachObject(handlers, places, (handler, place) => {
      this.fields(handler, table, place, here, graphLanguage);
      const errors = handler['ErrorEquals'];
      if (!isList(errors)) return;
      const where = within(place, 'ErrorEquals');
      if (errors.length === 0) this.report.error(where, 'Value cannot be empty');
      if (!errors.includes('States.ALL')) return;
      if (errors.length > 1) this.report.error(where, "'States.ALL' must appear alone");
      if (handler !== handlers.at(-1)) this.report.error(where, "'States.ALL' must be in the last retrier or catcher");
    });
  }

  private rules(
    value: JsonValue,
    location: string,
    here: Surroundings & { readonly variables: ReadonlySet<string> },
    graphLanguage: QueryLanguage,
  ): void {
    const rules = this.list(value, location);
    if (isList(value) && rules.length === 0) this.report.error(location, 'Value cannot be empty');
    const places = rules.map((_rule, index) => within(location, index));
    this.eachObject(rules, places, (rule, place) => {
      const known = Object.entries(rule).filter(([name]) => Object.hasOwn(ruleFields, name));
      this.fields(Object.fromEntries(known), ruleFields, place, here, graphLanguage);
      checkChoiceRule(rule, place, here);
    });
  }
}

function languageOf(object: JsonObject, otherwise: QueryLanguage): QueryLanguage {
  const language = object['QueryLanguage'];
  return language === 'JSONata' || language === 'JSONPath' ? language : otherwise;
}

function isDistributed(processor: JsonValue): boolean {
  const config = isObject(processor) ? processor['ProcessorConfig'] : undefined;
  return isObject(config) && config['Mode'] === 'DISTRIBUTED';
}

/** The variables that a state, its catchers or its rules assign. */
function assignedVariables(state: JsonValue): readonly string[] {
  if (!isObject(state)) return [];
  const parts = [state, ...['Catch', 'Choices'].flatMap((name) => (isList(state[name]) ? state[name] : []))];
  return parts.flatMap((part) => {
    const assign = isObject(part) ? part['Assign'] : undefined;
    return isObject(assign) ? Object.keys(assign).map((name) => name.replace(/\.\$$/, '')) : [];
  });
}

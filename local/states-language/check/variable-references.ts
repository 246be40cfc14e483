/** Which states refer to which variables: `variableReferences` of DescribeStateMachine. */
import { isList, isObject, type JsonObject } from '../data/json-value';
import { compileExpression, InvalidExpressionError, isExpression } from '../data/jsonata';
import { referencesOf } from '../data/jsonata-references';
import { SyntaxProblem } from '../data/states-error';
import type { QueryLanguage } from '../definition';
import type { JsonValue } from '../engine';
import { variablesOfQuery } from './check-values';

/** Finds the variables that each state of a definition refers to, states in Branches and Maps included.
 * @returns names of variables, sorted, by name of state; states without references are left out
 * @example variableReferences(JSON.parse(text)); // { Charge: ['orderId', 'price'] } */
export function variableReferences(definition: JsonValue): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, readonly string[]> = {};
  const visit = (graph: JsonValue | undefined, outer: QueryLanguage): void => {
    if (!isObject(graph) || !isObject(graph['States'])) return;
    const graphLanguage = languageOf(graph, outer);
    for (const [name, state] of Object.entries(graph['States'])) {
      if (!isObject(state)) continue;
      const { Branches: branches, ItemProcessor: processor, Iterator: iterator, ...own } = state;
      const names = [...new Set(namesIn(own, languageOf(state, graphLanguage)))].sort();
      if (names.length > 0) found[name] = names;
      for (const inner of [processor, iterator, ...(isList(branches) ? branches : [])]) visit(inner, graphLanguage);
    }
  };
  visit(definition, 'JSONPath');
  return found;
}

function languageOf(object: JsonObject, otherwise: QueryLanguage): QueryLanguage {
  const language = object['QueryLanguage'];
  return language === 'JSONata' || language === 'JSONPath' ? language : otherwise;
}

function namesIn(value: JsonValue, language: QueryLanguage): readonly string[] {
  if (isList(value)) return value.flatMap((member) => namesIn(member, language));
  if (typeof value === 'string') return language === 'JSONata' && isExpression(value) ? namesInExpression(value) : [];
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    // What a Pass state passes on is never looked into.
    if (language === 'JSONPath' && name === 'Result') return [];
    const isQuery = language === 'JSONPath' && typeof member === 'string' && /\.\$$|Path$|^Variable$/.test(name);
    return isQuery ? namesInQuery(member) : namesIn(member, language);
  });
}

function namesInExpression(text: string): readonly string[] {
  try {
    return referencesOf(compileExpression(text)).variables;
  } catch (error) {
    if (error instanceof InvalidExpressionError) return [];
    throw error;
  }
}

function namesInQuery(text: string): readonly string[] {
  try {
    return variablesOfQuery(text);
  } catch (error) {
    if (error instanceof SyntaxProblem) return [];
    throw error;
  }
}

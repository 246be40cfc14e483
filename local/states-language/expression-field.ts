/** Compiles the JSONata of a definition's fields. */
import { compileExpression, compileTemplate } from './data/jsonata';
import type { Field } from './definition';
import type { JsonValue } from './engine';

/** A field that is one expression.
 * @throws InvalidExpressionError */
export function expressionField(text: string): Extract<Field, { kind: 'expression' }> {
  return { kind: 'expression', expression: compileExpression(text), seesContext: seesContext(text) };
}

/** A field that is JSON with expressions inside it.
 * @throws InvalidExpressionError */
export function templateField(value: JsonValue): Field {
  return { kind: 'template', template: compileTemplate(value), seesContext: seesContext(JSON.stringify(value)) };
}

/** Whether expressions could look at `$states.context`: where `$states` is not followed by one of its other members. */
function seesContext(text: string): boolean {
  return /\$states(?!\s*\.\s*(?:input|result|errorOutput)\b)/.test(text);
}

/** The claim's expressions, as the engine evaluates them: what an announcement becomes before anything is stored. */
import { createHash } from 'node:crypto';
import { createRandom } from '../../local/random';
import {
  compileExpression,
  evaluateExpression,
  QueryEvaluationFailure,
  type CompiledExpression,
} from '../../local/states-language/data/jsonata';
import type { JsonValue } from '../../local/states-language/engine';
import { claim, type Claim } from '../../tasks/object-reference';
import { definitionOf, makeWorkflow } from '../workflow/synthesize';
import { inputFor, type Upload } from './uploads';

/** What came of an announcement: a claim, or the reason why there is none. */
export type ClaimOutcome = { readonly claim: Claim } | { readonly refusal: string };

const context = {
  Execution: { Id: 'arn:aws:states:eu-west-1:111122223333:execution:machine:run-1', Name: 'run-1', RedriveCount: 0 },
  State: { EnteredTime: '2026-11-22T10:00:00.500Z', Name: 'Claim object', RetryCount: 0 },
};
const setting = { random: createRandom('claim'), nowMs: 0 };

type Text = { readonly S: string };

/** Evaluates the state "Claim object" of a synthesized workflow. */
export class ClaimLayer {
  readonly bucket: string;
  private readonly expressions: Readonly<Record<string, CompiledExpression>>;
  private readonly assign: CompiledExpression;
  /** Every update expression that was made: an injected one would be another. */
  readonly updateExpressions = new Set<string>();

  constructor() {
    const state = definitionOf(makeWorkflow().stack).States['Claim object']!;
    this.bucket = /<(Inbox\w+)>/.exec(JSON.stringify(state.Arguments))![0];
    const texts = Object.entries(state.Arguments!).filter(([, value]) => String(value).startsWith('{%'));
    this.expressions = Object.fromEntries(texts.map(([name, text]) => [name, compileExpression(text as string)]));
    this.assign = compileExpression(state.Assign!['claim']!);
  }

  /** @throws Error when an announcement changes what is asked of DynamoDB, or its key is not what was announced */
  take(upload: Upload): ClaimOutcome {
    const input = JSON.parse(JSON.stringify(inputFor(upload, this.bucket))) as JsonValue;
    let call: Record<string, JsonValue>;
    try {
      call = Object.fromEntries(
        Object.entries(this.expressions).map(([name, expression]) => [name, this.evaluate(expression, { input })]),
      );
    } catch (error) {
      if (error instanceof QueryEvaluationFailure) return { refusal: error.message };
      throw error;
    }
    const { pk, sk } = call['Key'] as unknown as { pk: Text; sk: Text };
    const values = call['ExpressionAttributeValues'] as unknown as Record<string, Text>;
    this.updateExpressions.add(call['UpdateExpression'] as string);
    const place = createHash('sha256').update(`${this.bucket}/${upload.key}`).digest('hex');
    same(pk.S, `object#${place}`, 'the partition key');
    same(values[':key']!.S, upload.key, 'the key');
    same(values[':bucket']!.S, this.bucket, 'the bucket');
    const attributes = Object.fromEntries(
      ['bucket', 'key', 'versionId', 'etag', 'sequencer'].flatMap((name) =>
        values[`:${name}`] === undefined ? [] : [[name, values[`:${name}`]!]],
      ),
    );
    const result = { Attributes: { ...attributes, pk, sk } } as unknown as JsonValue;
    const claimed = claim.parse(this.evaluate(this.assign, { input, result }));
    same(claimed.key, upload.key, 'the claimed key');
    return { claim: claimed };
  }

  private evaluate(expression: CompiledExpression, states: { input: JsonValue; result?: JsonValue }): JsonValue {
    return evaluateExpression(expression, { ...setting, states: { ...states, context }, variables: {} }, 'Arguments');
  }
}

/** @throws Error when they differ */
export function same(got: unknown, expected: unknown, what: string): void {
  if (got === expected) return;
  throw new Error(`${what} changed on the way\n  got: ${JSON.stringify(got)}\n  expected: ${JSON.stringify(expected)}`);
}

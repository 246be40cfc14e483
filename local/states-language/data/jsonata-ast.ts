/** The syntax tree that the jsonata package's parser makes, as far as the evaluator reads it. */
import jsonata from 'jsonata';
import type { Signature } from './jsonata-values';

export interface SyntaxNode {
  readonly type: string;
  readonly value: unknown;
  readonly position?: number;
  readonly arguments?: readonly SyntaxNode[];
  readonly body?: SyntaxNode;
  readonly condition?: SyntaxNode;
  readonly consarray?: boolean;
  readonly delete?: SyntaxNode;
  readonly else?: SyntaxNode;
  readonly expr?: SyntaxNode;
  readonly expression?: SyntaxNode;
  readonly expressions?: readonly SyntaxNode[];
  readonly ancestor?: { readonly label: string };
  readonly focus?: string;
  readonly group?: Grouping;
  readonly index?: string;
  readonly keepArray?: boolean;
  readonly keepSingletonArray?: boolean;
  readonly lhs?: SyntaxNode;
  readonly pattern?: SyntaxNode;
  readonly predicate?: readonly SyntaxNode[];
  readonly procedure?: SyntaxNode;
  readonly rhs?: SyntaxNode;
  readonly signature?: Signature;
  readonly slot?: { readonly label: string };
  readonly stages?: readonly SyntaxNode[];
  readonly steps?: readonly SyntaxNode[];
  readonly terms?: readonly { readonly descending: boolean; readonly expression: SyntaxNode }[];
  readonly then?: SyntaxNode;
  readonly thunk?: boolean;
  readonly tuple?: boolean;
  readonly update?: SyntaxNode;
}

/** Pairs of key and value expressions: an object constructor, or `{…}` after a path. */
export interface Grouping {
  readonly lhs: readonly (readonly [SyntaxNode, SyntaxNode])[];
  readonly position?: number;
}

/** Parses an expression with the grammar of jsonata 2.0.6.
 * @throws an object with `code` and `message` when the text is not JSONata */
export function parseExpression(text: string): SyntaxNode {
  return jsonata(text).ast() as unknown as SyntaxNode;
}

/** Makes the validator of a function's arguments from JSONata's signature notation, `<s-n?:s>`. */
export function parseSignature(notation: string): Signature {
  const { signature } = parseExpression(`function()${notation}{1}`);
  if (!signature) throw new Error(`not a JSONata signature: ${notation}`);
  return signature;
}

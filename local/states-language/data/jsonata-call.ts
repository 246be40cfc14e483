/** Calls functions of a JSONata expression, and notes in an error where it came from. */
import type { SyntaxNode } from './jsonata-ast';
import { countStep } from './jsonata-limits';
import { FalseFunction, JsonataFunction, jsonataError, type JsonataError } from './jsonata-values';

/** A call in tail position, left for the caller to make, so that a tail-recursive function needs no stack.
 * Where an expression gets hold of one it is a function, as in the package, and as closed as any. */
export class TailCall extends JsonataFunction {
  readonly #prepare: () => { readonly callee: unknown; readonly args: unknown[] };
  readonly #procedure: SyntaxNode;

  /** @param prepare Evaluates the function and its arguments, when the call is made and not before. */
  constructor(prepare: () => { readonly callee: unknown; readonly args: unknown[] }, procedure: SyntaxNode) {
    super(0, () => TailCall.make(this, null));
    this.#prepare = prepare;
    this.#procedure = procedure;
  }

  static make(call: TailCall, context: unknown): unknown {
    const { callee, args } = call.#prepare();
    try {
      return callOnce(callee, args, context);
    } catch (error) {
      throw locate(error, call.#procedure.value, call.#procedure.position, false);
    }
  }
}

/** Calls a function and then the tail calls that it leaves. */
export function callFunction(callee: unknown, args: unknown[], context: unknown): unknown {
  let result = callOnce(callee, args, context);
  while (result instanceof TailCall) result = TailCall.make(result, context);
  return result;
}

function callOnce(callee: unknown, args: unknown[], context: unknown): unknown {
  countStep();
  if (!(callee instanceof JsonataFunction)) throw jsonataError('T1006');
  return JsonataFunction.call(callee, args, context);
}

/** A function given to another is called without a context of its own. */
export function asArgument(value: unknown): unknown {
  if (!(value instanceof JsonataFunction)) return value;
  return new FalseFunction(JsonataFunction.arityOf(value), (args) => callFunction(value, args, null));
}

/** Notes in an error which operator or function it came from, for its message. */
export function locate(error: unknown, token: unknown, position: number | undefined, overwrite: boolean): unknown {
  if (typeof error !== 'object' || error === null || !('code' in error)) return error;
  const located = error as JsonataError;
  if (overwrite || located.token === undefined) located.token = token;
  if (overwrite || !located.position) located.position = position;
  return located;
}

/** Calls functions of a JSONata expression, and notes in an error where it came from. */
import type { SyntaxNode } from './jsonata-ast';
import { countStep } from './jsonata-limits';
import { JsonataFunction, jsonataError, type JsonataError } from './jsonata-values';

/** A call in tail position, left for the caller to make, so that a tail-recursive function needs no stack. */
export class TailCall {
  constructor(
    readonly callee: unknown,
    readonly args: unknown[],
    readonly procedure: SyntaxNode,
  ) {}
}

/** Calls a function and then the tail calls that it leaves. */
export function callFunction(callee: unknown, args: unknown[], context: unknown): unknown {
  let result = callOnce(callee, args, context);
  while (result instanceof TailCall) {
    const { callee: next, args: nextArgs, procedure } = result;
    try {
      result = callOnce(next, nextArgs, context);
    } catch (error) {
      throw locate(error, procedure.value, procedure.position, false);
    }
  }
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
  return new JsonataFunction(JsonataFunction.arityOf(value), (args) => callFunction(value, args, null));
}

/** Notes in an error which operator or function it came from, for its message. */
export function locate(error: unknown, token: unknown, position: number | undefined, overwrite: boolean): unknown {
  if (typeof error !== 'object' || error === null || !('code' in error)) return error;
  const located = error as JsonataError;
  if (overwrite || located.token === undefined) located.token = token;
  if (overwrite || !located.position) located.position = position;
  return located;
}

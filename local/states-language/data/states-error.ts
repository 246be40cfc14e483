/** A failure of the language's own, with the error name that Retry and Catch know. */

/** Thrown while data moves through a state. `message` is the service's cause, without the words that say in which state. */
export class StatesError extends Error {
  constructor(
    readonly error:
      'States.Runtime' | 'States.ParameterPathFailure' | 'States.ResultPathMatchFailure' | 'States.IntrinsicFailure',
    cause: string,
  ) {
    super(cause);
    this.name = 'StatesError';
  }
}

/** A path, template or function call that is not written in the language. Found when a definition is parsed. */
export class SyntaxProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SyntaxProblem';
  }
}

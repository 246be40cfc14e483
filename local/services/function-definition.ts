/** What is known about a simulated function, and what a run of it can come to. */

/** A function of the template. */
export interface FunctionDefinition {
  readonly name: string;
  readonly arn: string;
  readonly logicalId: string;
  readonly constructPath: string;
  /** `nodejs24.x`; undefined for a container image. */
  readonly runtime: string | undefined;
  /** `index.handler` */
  readonly handler: string;
  /** Directory that holds what would be deployed; undefined when that is not a directory of this machine. */
  readonly codeDirectory: string | undefined;
  /** Read only when the code runs: a value that is not simulated is refused then. */
  readonly environment: () => Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly roleArn: string;
  readonly logGroupName: string;
  /** Queue or topic of the function's own `DeadLetterConfig`. */
  readonly deadLetterTargetArn: string | undefined;
}

/** What a function's run came to. */
export type FunctionOutcome =
  { readonly kind: 'returned'; readonly value: unknown } | { readonly kind: 'failed'; readonly error: FunctionError };

/** A function's error as Lambda's Node runtime reports it. */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

/** @returns the module path and the exported name of `folder/index.handler` */
export function splitHandler(handler: string): [file: string, member: string] {
  const dot = handler.lastIndexOf('.');
  return [handler.slice(0, dot), handler.slice(dot + 1)];
}

/** The error of a function that ran longer than it may. */
export function timedOut(definition: FunctionDefinition): FunctionError {
  return {
    errorType: 'Sandbox.Timedout',
    errorMessage: `RequestId: ${definition.name} Error: Task timed out after ${definition.timeoutSeconds.toFixed(2)} seconds`,
  };
}

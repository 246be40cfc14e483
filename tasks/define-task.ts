/** Defines a typed task: one value that gives the Lambda handler, the local handler, the wiring types and the JSON Schema. */
import * as z from 'zod';
import { createHandler, type TaskHandler } from './handler';
import type { TaskContext } from './task-context';

/** What a task is made of.
 * @see Task for what comes of it */
export interface TaskDefinition<
  Input extends z.ZodType,
  Output extends z.ZodType,
  Settings extends z.ZodType,
  ErrorName extends string,
> {
  /** Kebab-case, unique in a workflow: names the bundle, the function and the log stream. */
  readonly name: string;
  /** What the task does, in one sentence: becomes the function's description and the state's comment. */
  readonly description: string;
  /** What the state passes in. Parsed before `run`, so `run` never sees anything else. */
  readonly input: Input;
  /** What the task's state results in. For a task that `awaitsCallback` this is the callback's output,
   * otherwise what `run` returns; parsed in both cases before it leaves the task. */
  readonly output: Output;
  /** What the function is configured with at synth, as JSON values.
   * @default - nothing */
  readonly settings?: Settings;
  /** The names of the errors that `run` throws on purpose, each with what it means.
   * @default - none besides `commonErrors` */
  readonly errors?: Readonly<Record<ErrorName, string>>;
}

/** A task whose result is what `run` returns. */
export interface ReturningTaskDefinition<
  Input extends z.ZodType,
  Output extends z.ZodType,
  Settings extends z.ZodType,
  ErrorName extends string,
> extends TaskDefinition<Input, Output, Settings, ErrorName> {
  readonly awaitsCallback?: false;
  readonly run: (
    input: z.output<Input>,
    context: TaskContext<z.output<Settings>, ErrorName>,
  ) => Promise<z.input<Output>>;
}

/** A task whose state waits for `SendTaskSuccess` or `SendTaskFailure` with the task token after `run` returned. */
export interface CallbackTaskDefinition<
  Input extends z.ZodType,
  Output extends z.ZodType,
  Settings extends z.ZodType,
  ErrorName extends string,
> extends TaskDefinition<Input, Output, Settings, ErrorName> {
  readonly awaitsCallback: true;
  readonly run: (input: z.output<Input>, context: TaskContext<z.output<Settings>, ErrorName>) => Promise<void>;
}

/** A typed task. Pass it to `TaskFunction` to deploy it, call `handler` from a Lambda entry file,
 * or `handler.withRuntime(…)` to run it here. */
export interface Task<
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
  Settings extends z.ZodType = z.ZodType,
  ErrorName extends string = string,
> {
  readonly name: string;
  readonly description: string;
  readonly input: Input;
  readonly output: Output;
  readonly settings: Settings;
  readonly errors: Readonly<Record<ErrorName, string>>;
  readonly awaitsCallback: boolean;
  /** The Lambda handler, which also runs locally with another runtime. */
  readonly handler: TaskHandler;
  /** The task's contract as JSON Schema (draft 2020-12). */
  readonly jsonSchema: () => { readonly input: object; readonly output: object };
}

/** Defines a task from its contract and its code.
 * @returns a value that Lambda, the CDK construct, the simulator and the documentation share
 * @throws Error when the name is not kebab-case or an error name starts with `States.`
 * @example
 * ```ts
 * import { defineTask } from 'cdk-object-workflow/tasks';
 * import { z } from 'zod';
 *
 * export const countLines = defineTask({
 *   name: 'count-lines',
 *   description: 'Counts the lines of a text.',
 *   input: z.object({ text: z.string() }),
 *   output: z.object({ lines: z.number().int() }),
 *   run: async ({ text }) => ({ lines: text.split('\n').length }),
 * });
 * export const handler = countLines.handler;
 * ``` */
export function defineTask<
  Input extends z.ZodType,
  Output extends z.ZodType,
  Settings extends z.ZodType = z.ZodObject<Record<never, never>>,
  ErrorName extends string = never,
>(
  definition:
    | ReturningTaskDefinition<Input, Output, Settings, ErrorName>
    | CallbackTaskDefinition<Input, Output, Settings, ErrorName>,
): Task<Input, Output, Settings, ErrorName> {
  const errors = definition.errors ?? ({} as Record<ErrorName, string>);
  checkNames(definition.name, Object.keys(errors));
  const settings = definition.settings ?? (z.object({}) as unknown as Settings);
  return {
    name: definition.name,
    description: definition.description,
    input: definition.input,
    output: definition.output,
    settings,
    errors,
    awaitsCallback: definition.awaitsCallback === true,
    handler: createHandler({ ...definition, settings }),
    jsonSchema: () => ({
      input: z.toJSONSchema(definition.input, { io: 'input' }),
      output: z.toJSONSchema(definition.output, { io: 'output' }),
    }),
  };
}

function checkNames(name: string, errorNames: readonly string[]): void {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw new Error(
      `A task has a name that cannot name its function, at defineTask\n  got: ${JSON.stringify(name)}\n  allowed: lower-case words joined by hyphens\n  fix: write it as "count-lines"`,
    );
  }
  const reserved = errorNames.find((errorName) => errorName.startsWith('States.'));
  if (reserved !== undefined) {
    throw new Error(
      `A task declares an error name that AWS reserves, at defineTask ${name}\n  got: "${reserved}"\n  allowed: any name that does not start with "States."\n  fix: name what went wrong, as "Object.Rejected"`,
    );
  }
}

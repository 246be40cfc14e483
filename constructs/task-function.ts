/** The Lambda function of a typed task: its bundle, its settings, its log and its role. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import type { Grant, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Role, ServicePrincipal, type IGrantable, type IPrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  Runtime,
  Tracing,
  type IDestination,
} from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { z } from 'zod';
import type { Task } from '../tasks/define-task';

/** What a task is configured with at synth; required where its settings schema has required members. */
export type TaskSettings<Definition extends Task> = z.input<Definition['settings']>;

type SettingsProps<Definition extends Task> =
  Record<never, never> extends TaskSettings<Definition>
    ? { readonly settings?: TaskSettings<Definition> }
    : { readonly settings: TaskSettings<Definition> };

/** What a task function may have besides its task and settings. */
export interface TaskFunctionOptions {
  /** Where the handler is: a source file, bundled at synth by CDK's `NodejsFunction` (which needs esbuild), or a folder
   * that holds a finished `index.js`. It exports `handler`.
   * @default - the bundle in this package, which only its own tasks have */
  readonly entry?: string;
  /** @default Duration.seconds(45) - less than the first heartbeat of a long operation */
  readonly timeout?: Duration;
  /** @default Size.mebibytes(512) */
  readonly memorySize?: Size;
  /** Where an event goes that the function failed on three times; only events that arrive asynchronously do.
   * @default - nowhere */
  readonly onFailure?: IDestination;
}

/** A task to deploy, with its settings. */
export type TaskFunctionProps<Definition extends Task> = TaskFunctionOptions & {
  readonly task: Definition;
} & SettingsProps<Definition>;

/** Longest time a task function may run by default. A heartbeat must be longer, because its clock starts with the function. */
export const taskFunctionTimeout = Duration.seconds(45);

/** A typed task as a Lambda function: Node.js 24 on arm64, traced, with a log group and a role of its own.
 * @throws Error when the task has no bundle in this package and `entry` is not given
 * @example
 * ```ts
 * new TaskFunction(this, 'CountLines', { task: countLines, entry: join(__dirname, 'count-lines.ts') });
 * ``` */
export class TaskFunction<Definition extends Task = Task> extends Construct implements IGrantable {
  public readonly task: Definition;
  public readonly function: LambdaFunction;
  public readonly role: Role;
  public readonly logGroup: LogGroup;
  public readonly grantPrincipal: IPrincipal;

  constructor(scope: Construct, id: string, props: TaskFunctionProps<Definition>) {
    super(scope, id);
    this.task = props.task;
    this.logGroup = new LogGroup(this, 'Logs', {
      retention: RetentionDays.SIX_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // A role of our own, because the one that CDK makes carries a managed policy for every log group in the account.
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.logGroup.grantWrite(this.role);
    this.grantPrincipal = this.role;
    this.function = this.createFunction(props);
  }

  /** Allows the function an action that this library has no grant for. */
  public allow(...statements: readonly PolicyStatement[]): void {
    for (const statement of statements) this.role.addToPrincipalPolicy(statement);
  }

  /** Allows invoking the function. */
  public grantInvoke(grantee: IGrantable): Grant {
    return this.function.grantInvoke(grantee);
  }

  private createFunction(
    props: TaskFunctionOptions & { readonly task: Task; readonly settings?: unknown },
  ): LambdaFunction {
    const options = {
      description: props.task.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      role: this.role,
      logGroup: this.logGroup,
      tracing: Tracing.ACTIVE,
      timeout: props.timeout ?? taskFunctionTimeout,
      memorySize: (props.memorySize ?? Size.mebibytes(512)).toMebibytes(),
      onFailure: props.onFailure,
      environment: {
        SETTINGS: Stack.of(this).toJsonString(props.settings ?? {}),
        NODE_OPTIONS: '--enable-source-maps',
      },
    };
    const entry = props.entry ?? ownBundle(props.task.name, this.node.path);
    return isFolder(entry)
      ? new LambdaFunction(this, 'Resource', { ...options, code: Code.fromAsset(entry) })
      : new NodejsFunction(this, 'Resource', {
          ...options,
          handler: 'handler',
          entry,
          bundling: { sourceMap: true, sourcesContent: false },
        });
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Our handlers lie beside this folder when it is packaged, and under `dist` when it runs from source. */
function ownBundle(taskName: string, path: string): string {
  const candidates = [join(__dirname, '..', 'handlers', taskName), join(__dirname, '..', 'dist', 'handlers', taskName)];
  const bundle = candidates.find((folder) => existsSync(join(folder, 'index.js')));
  if (bundle !== undefined) return bundle;
  throw new Error(
    `A task has no code to deploy, at ${path}\n  got: task "${taskName}", which has no bundle in this package\n  allowed: a task of this package, or any task with \`entry\`\n  fix: set \`entry\` to the file that exports its handler, or run \`npm run build\` in this package`,
  );
}

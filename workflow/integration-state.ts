/** A Task state that calls a service, rendered by us: CDK's own states cannot hold an expression in `HeartbeatSeconds`. */
import {
  Chain,
  JitterType,
  QueryLanguage,
  State,
  type IChainable,
  type INextable,
} from 'aws-cdk-lib/aws-stepfunctions';
import type { CatchProps, RetryProps, StateGraph } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** One call of a service. Texts in `{% %}` are JSONata. */
export interface IntegrationStateProps {
  /** What the state does: shown beside it in the console. */
  readonly comment: string;
  /** ARN of the integration, as `arn:aws:states:::dynamodb:updateItem`. */
  readonly resource: string;
  /** Parameters of the call. */
  readonly callArguments: unknown;
  /** Variables that the result sets.
   * @default - none */
  readonly assign?: Readonly<Record<string, unknown>>;
  /** The state's output.
   * @default - the result of the call */
  readonly output?: unknown;
  /** Expression or number of seconds.
   * @default - none */
  readonly heartbeatSeconds?: string | number;
  /** What the state machine's role needs for the call.
   * @default - nothing */
  readonly statements?: readonly PolicyStatement[];
}

/** A Task state of a JSONata state machine. Chains, retries and catches like any state of CDK. */
export class IntegrationState extends State implements INextable, IChainable {
  public readonly endStates: INextable[] = [this];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: IntegrationStateProps,
  ) {
    super(scope, id, { comment: props.comment, queryLanguage: QueryLanguage.JSONATA });
  }

  /** Retries the call on these errors. Retriers are tried in the order in which they are added. */
  public addRetry(props: RetryProps): this {
    this._addRetry(props);
    return this;
  }

  /** Goes on with another state on these errors. */
  public addCatch(handler: IChainable, props: CatchProps): this {
    this._addCatch(handler.startState, props);
    return this;
  }

  /** Goes on with that state after success. */
  public next(next: IChainable): Chain {
    this.makeNext(next.startState);
    return Chain.sequence(this, next);
  }

  public override toStateJson(queryLanguage?: QueryLanguage): object {
    const { comment, resource, callArguments, assign, output, heartbeatSeconds } = this.props;
    return {
      Type: 'Task',
      Comment: comment,
      ...this.renderQueryLanguage(queryLanguage),
      Resource: resource,
      Arguments: callArguments,
      HeartbeatSeconds: heartbeatSeconds,
      Assign: assign,
      Output: output,
      ...this.renderRetryCatch(queryLanguage),
      ...this.renderNextEnd(),
    };
  }

  protected override whenBoundToGraph(graph: StateGraph): void {
    super.whenBoundToGraph(graph);
    for (const statement of this.props.statements ?? []) graph.registerPolicyStatement(statement);
  }
}

/** Retries that transient errors get in every state of the workflow. */
export const transientRetryCount = 8;

/** Retries that a function's start gets when Lambda has no room for it: about a quarter of an hour. A burst of uploads uses up an
 * account's concurrency for minutes, and a state that waits for days meets more than one burst. */
export const throttledRetryCount = 30;

/** Waits a random time below 2, 4, 8 … seconds, at most a minute: full jitter keeps executions that failed together apart.
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html (read 2026-11) */
export function retryTransient(errors: readonly string[], maxAttempts = transientRetryCount): RetryProps {
  return {
    errors: [...errors],
    interval: Duration.seconds(2),
    backoffRate: 2,
    maxDelay: Duration.seconds(60),
    maxAttempts,
    jitterStrategy: JitterType.FULL,
  };
}

/** What Lambda itself reports when it has no room for another function. CDK's own default leaves it out. */
export const throttledLambdaErrors: readonly string[] = ['Lambda.TooManyRequestsException'];

/** What Lambda itself reports when a function could not run, did not finish, or died on the way. Tasks may be run again, so all are worth a retry. */
export const transientLambdaErrors: readonly string[] = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  'Runtime.ExitError',
  'Sandbox.Timedout',
];

/** What the DynamoDB integration reports for throttling and faults. The integration names errors after the class of its SDK,
 * which puts `Exception` behind some names that the service has without, and has one name for all that it does not know:
 * a throttled call among them, besides requests that are wrong, for which a few retries are in vain. */
export const transientDynamoDbErrors: readonly string[] = [
  'DynamoDB.ProvisionedThroughputExceededException',
  'DynamoDB.RequestLimitExceeded',
  'DynamoDB.RequestLimitExceededException',
  'DynamoDB.ThrottlingException',
  'DynamoDB.TransactionConflictException',
  'DynamoDB.InternalServerError',
  'DynamoDB.InternalServerErrorException',
  'DynamoDB.SdkClientException',
  'DynamoDB.AmazonDynamoDBException',
];

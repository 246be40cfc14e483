/** The state machine and the log groups around it. */
import { Names, RemovalPolicy, type Duration } from 'aws-cdk-lib';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import {
  DefinitionBody,
  LogLevel,
  QueryLanguage,
  StateMachine,
  StateMachineType,
  type IChainable,
} from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';

/** Makes a Standard state machine in JSONata that is traced and logged, without the data of its executions:
 * it would hold task tokens. */
export function createStateMachine(scope: Construct, story: IChainable, timeout: Duration): StateMachine {
  return new StateMachine(scope, 'StateMachine', {
    definitionBody: DefinitionBody.fromChainable(story),
    queryLanguage: QueryLanguage.JSONATA,
    stateMachineType: StateMachineType.STANDARD,
    comment: 'Takes an object from its upload to its results, their image and their backup, exactly once per version.',
    timeout,
    tracingEnabled: true,
    logs: {
      destination: new LogGroup(scope, 'StateMachineLog', {
        // Each log group of another name adds to one resource policy of the account, which soon is full.
        logGroupName: `/aws/vendedlogs/states/${Names.uniqueResourceName(scope, { maxLength: 120, separator: '-' })}`,
        retention: RetentionDays.SIX_MONTHS,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
      level: LogLevel.ALL,
      includeExecutionData: false,
    },
  });
}

/** Makes the log group that holds the whole output of the commands. */
export function createCommandLog(scope: Construct): LogGroup {
  return new LogGroup(scope, 'CommandLog', {
    retention: RetentionDays.SIX_MONTHS,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}

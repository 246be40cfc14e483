/** CloudWatch Logs' resources: log groups and streams. */
import type { LogsService } from '../../services/logs';
import type { ResourceHandlers } from '../resource';

/** Handlers for the types of CloudWatch Logs. */
export function logsResources(logs: LogsService): ResourceHandlers {
  return {
    'AWS::Logs::LogGroup': (request) => {
      const name = String(request.properties['LogGroupName'] ?? request.generateName(512));
      logs.createGroup(name);
      return { ref: name, attributes: { Arn: `${logs.groupArn(name)}:*` } };
    },
    'AWS::Logs::LogStream': (request) => {
      const logGroupName = String(request.properties['LogGroupName']);
      const logStreamName = String(request.properties['LogStreamName'] ?? request.generateName(512));
      logs.operations.CreateLogStream({ logGroupName, logStreamName });
      return { ref: logStreamName, attributes: {} };
    },
  };
}

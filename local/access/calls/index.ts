/** What every simulated call needs, by service and operation. An operation that is not here is refused by name. */
import type { ServiceName } from '../../services/service';
import { dynamodbRequirements } from './dynamodb';
import { autoScalingRequirements, ec2Requirements } from './ec2';
import {
  eventsRequirements,
  lambdaRequirements,
  logsRequirements,
  monitoringRequirements,
  snsRequirements,
  sqsRequirements,
  stsRequirements,
} from './messaging';
import { backupRequirements, ssmRequirements, statesRequirements } from './operations';
import type { Requirements } from './permission';
import { s3Requirements } from './s3';

/** By service. */
export const requirements: Readonly<Record<ServiceName, Requirements>> = {
  autoscaling: autoScalingRequirements,
  backup: backupRequirements,
  dynamodb: dynamodbRequirements,
  ec2: ec2Requirements,
  events: eventsRequirements,
  lambda: lambdaRequirements,
  logs: logsRequirements,
  monitoring: monitoringRequirements,
  s3: s3Requirements,
  sns: snsRequirements,
  sqs: sqsRequirements,
  ssm: ssmRequirements,
  states: statesRequirements,
  sts: stsRequirements,
};

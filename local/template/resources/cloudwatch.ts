/** CloudWatch alarms of a template. Those whose action is a scaling policy are evaluated; others exist and do nothing. */
import type { AutoScalingService } from '../../services/autoscaling';
import type { MetricAlarm } from '../../services/metric-alarms';
import type { MonitoringService } from '../../services/monitoring';
import { UnsupportedError } from '../../services/service';
import type { CreatedResource, ResourceHandlers, ResourceRequest } from '../resource';

type Properties = Readonly<Record<string, unknown>>;

/** Handlers for alarms. */
export function cloudWatchResources(monitoring: MonitoringService, autoScaling: AutoScalingService): ResourceHandlers {
  return {
    'AWS::CloudWatch::Alarm': (request) => {
      const actions = (request.properties['AlarmActions'] ?? []) as readonly string[];
      const policies = actions.filter((action) => autoScaling.policies.has(action));
      if (policies.length > 0) {
        monitoring.alarms.put(readAlarm(request), (beyondThreshold) => {
          for (const policy of policies) autoScaling.executePolicy(policy, beyondThreshold);
        });
      }
      return describeAlarm(request);
    },
    'AWS::CloudWatch::CompositeAlarm': describeAlarm,
  };
}

function readAlarm({ properties, logicalId }: ResourceRequest): MetricAlarm {
  if (properties['Metrics'] !== undefined || properties['ExtendedStatistic'] !== undefined) {
    throw new UnsupportedError(
      'an alarm on metric mathematics or a percentile that scales a group',
      `resource ${logicalId}`,
      'let the alarm watch one metric and one of Average, Maximum, Minimum, SampleCount and Sum',
    );
  }
  const evaluationPeriods = Number(properties['EvaluationPeriods']);
  return {
    namespace: text(properties, 'Namespace'),
    metricName: text(properties, 'MetricName'),
    dimensions: Object.fromEntries(
      ((properties['Dimensions'] ?? []) as readonly { Name: string; Value: string }[]).map(({ Name, Value }) => [
        Name,
        Value,
      ]),
    ),
    statistic: text(properties, 'Statistic') as MetricAlarm['statistic'],
    periodSeconds: Number(properties['Period']),
    evaluationPeriods,
    datapointsToAlarm: Number(properties['DatapointsToAlarm'] ?? evaluationPeriods),
    threshold: Number(properties['Threshold']),
    comparison: text(properties, 'ComparisonOperator') as MetricAlarm['comparison'],
    missingData: (properties['TreatMissingData'] ?? 'missing') as MetricAlarm['missingData'],
  };
}

function text(properties: Properties, name: string): string {
  return String(properties[name] ?? '');
}

function describeAlarm(request: ResourceRequest): CreatedResource {
  const ref = String(request.properties['AlarmName'] ?? request.generateName(255));
  return { ref, attributes: { Arn: `arn:aws:cloudwatch:${request.region}:${request.accountId}:alarm:${ref}` } };
}

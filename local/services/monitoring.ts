/** Simulated CloudWatch: keeps the metrics that are put or written to logs, to be read in tests and watched by alarms. */
import type { VirtualClock } from '../virtual-clock';
import { MetricAlarms } from './metric-alarms';
import { checkParameters } from './parameters';
import { ServiceError, type Service, type ServiceOutput } from './service';

/** One value of a metric. */
export interface MetricValue {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly value: number;
  readonly unit: string;
  readonly atMs: number;
}

interface MetricDatum {
  readonly MetricName: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: string }[];
  readonly Value?: number;
  readonly Values?: readonly number[];
  readonly StatisticValues?: { readonly Sum: number };
  readonly Unit?: string;
  readonly Timestamp?: Date;
}

/** A log line that carries metrics: their values are fields beside `_aws`. */
interface EmbeddedMetrics {
  readonly _aws: {
    readonly Timestamp: number;
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string; readonly Unit?: string }[];
    }[];
  };
  readonly [field: string]: unknown;
}

const datumLimit = 1000;

/** CloudWatch metrics of one account and Region. */
export class MonitoringService implements Service {
  readonly name = 'monitoring';
  private readonly values: MetricValue[] = [];

  /** Alarms that are evaluated. */
  readonly alarms: MetricAlarms;

  constructor(private readonly options: { readonly clock: VirtualClock }) {
    this.alarms = new MetricAlarms({ clock: options.clock, metrics: () => this.values });
  }

  readonly operations = {
    PutMetricData: (input: {
      readonly Namespace: string;
      readonly MetricData: readonly MetricDatum[];
    }): ServiceOutput => this.put(input),
  };

  /** What was put, in the order in which it was put. */
  metrics(namespace?: string): readonly MetricValue[] {
    return this.values.filter((value) => namespace === undefined || value.namespace === namespace);
  }

  /** Takes the metrics out of a log line in the embedded metric format, if it is one. Others are left alone, as AWS does.
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html (read 2026-11) */
  ingestLogLine(line: string): void {
    if (!line.includes('"_aws"')) return;
    const { _aws: metadata, ...fields } = JSON.parse(line) as EmbeddedMetrics;
    for (const directive of metadata.CloudWatchMetrics) {
      for (const names of directive.Dimensions) {
        const dimensions = Object.fromEntries(names.map((name) => [name, String(fields[name])]));
        for (const { Name: metricName, Unit: unit = 'None' } of directive.Metrics) {
          const about = { namespace: directive.Namespace, metricName, dimensions, unit, atMs: metadata.Timestamp };
          for (const value of [fields[metricName]].flat()) this.values.push({ ...about, value: Number(value) });
        }
      }
    }
  }

  private put(input: { readonly Namespace: string; readonly MetricData: readonly MetricDatum[] }): ServiceOutput {
    checkParameters(
      'monitoring',
      'PutMetricData',
      input as unknown as Record<string, unknown>,
      {
        required: ['Namespace', 'MetricData'],
        unsupported: ['EntityMetricData', 'StrictEntityValidation'],
      },
      'MissingParameter',
    );
    const { Namespace: namespace, MetricData: data } = input;
    if (namespace.startsWith('AWS/')) {
      throw new ServiceError('InvalidParameterValue', 'The value AWS/ for parameter Namespace is invalid.');
    }
    if (data.length > datumLimit) {
      throw new ServiceError(
        'InvalidParameterValue',
        `The collection MetricData must not have a size greater than ${datumLimit}.`,
      );
    }
    for (const datum of data) {
      const numbers = datum.Values ?? [datum.Value ?? datum.StatisticValues?.Sum];
      for (const value of numbers) {
        if (value === undefined || !Number.isFinite(value)) {
          throw new ServiceError(
            'InvalidParameterValue',
            `The parameter MetricData.member.1.Value must be a number, got: ${value}`,
          );
        }
        this.values.push({
          namespace,
          metricName: datum.MetricName,
          dimensions: Object.fromEntries((datum.Dimensions ?? []).map(({ Name, Value }) => [Name, Value])),
          value,
          unit: datum.Unit ?? 'None',
          atMs: datum.Timestamp?.getTime() ?? this.options.clock.nowMs(),
        });
      }
    }
    return {};
  }
}

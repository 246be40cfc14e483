/** Simulated CloudWatch: keeps the metrics that are put, to be read in tests. Alarms are not evaluated. */
import type { VirtualClock } from '../virtual-clock';
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

const datumLimit = 1000;

/** CloudWatch metrics of one account and Region. */
export class MonitoringService implements Service {
  readonly name = 'monitoring';
  private readonly values: MetricValue[] = [];

  constructor(private readonly options: { readonly clock: VirtualClock }) {}

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

/** CloudWatch alarms that scale groups: evaluated once in each period, over the metrics that were put. */
import type { VirtualClock } from '../virtual-clock';
import type { MetricValue } from './monitoring';

/** An alarm on one metric. */
export interface MetricAlarm {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: 'Average' | 'Maximum' | 'Minimum' | 'SampleCount' | 'Sum';
  readonly periodSeconds: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly threshold: number;
  readonly comparison:
    'GreaterThanOrEqualToThreshold' | 'GreaterThanThreshold' | 'LessThanThreshold' | 'LessThanOrEqualToThreshold';
  readonly missingData: 'breaching' | 'notBreaching' | 'ignore' | 'missing';
}

/** What alarms stand on. */
export interface MetricAlarmsOptions {
  readonly clock: VirtualClock;
  readonly metrics: () => readonly MetricValue[];
}

/** The alarms of one account and Region that somebody waits for. */
export class MetricAlarms {
  constructor(private readonly options: MetricAlarmsOptions) {}

  /** Evaluates an alarm from now on. While it is in ALARM, `act` is called after each period, as Auto Scaling is.
   * @param act Gets the newest value less the threshold.
   * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html (read 2026-11) */
  put(alarm: MetricAlarm, act: (beyondThreshold: number) => void): void {
    const { clock } = this.options;
    const evaluate = (): void => {
      const values = this.datapoints(alarm);
      const breaching = values.filter((value) => isBreaching(alarm, value)).length;
      const newest = values.findLast((value) => value !== undefined);
      if (breaching >= alarm.datapointsToAlarm && newest !== undefined) act(newest - alarm.threshold);
      next();
    };
    const next = (): void => void clock.schedule(alarm.periodSeconds * 1000, evaluate, { background: true });
    next();
  }

  /** One value for each period that is evaluated, oldest first; undefined where nothing was put. */
  private datapoints(alarm: MetricAlarm): (number | undefined)[] {
    const nowMs = this.options.clock.nowMs();
    const periodMs = alarm.periodSeconds * 1000;
    const buckets = Array.from({ length: alarm.evaluationPeriods }, (): number[] => []);
    const metrics = this.options.metrics();
    for (let index = metrics.length - 1; index >= 0; index--) {
      const metric = metrics[index]!;
      // The period that begins now is not over yet.
      const age = Math.ceil((nowMs - metric.atMs) / periodMs) - 1;
      // Older ones come first in the list, but somebody may have put a value with an earlier time.
      if (age >= alarm.evaluationPeriods + 60) break;
      if (isOf(alarm, metric)) buckets[alarm.evaluationPeriods - 1 - age]?.push(metric.value);
    }
    return buckets.map((values) => (values.length === 0 ? undefined : statistic(alarm.statistic, values)));
  }
}

function isOf(alarm: MetricAlarm, metric: MetricValue): boolean {
  const names = Object.keys(alarm.dimensions);
  return (
    metric.metricName === alarm.metricName &&
    metric.namespace === alarm.namespace &&
    names.length === Object.keys(metric.dimensions).length &&
    names.every((name) => metric.dimensions[name] === alarm.dimensions[name])
  );
}

function isBreaching({ comparison, threshold, missingData }: MetricAlarm, value: number | undefined): boolean {
  if (value === undefined) return missingData === 'breaching';
  switch (comparison) {
    case 'GreaterThanOrEqualToThreshold':
      return value >= threshold;
    case 'GreaterThanThreshold':
      return value > threshold;
    case 'LessThanThreshold':
      return value < threshold;
    case 'LessThanOrEqualToThreshold':
      return value <= threshold;
  }
}

function statistic(name: MetricAlarm['statistic'], values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  switch (name) {
    case 'Average':
      return sum / values.length;
    case 'Maximum':
      return Math.max(...values);
    case 'Minimum':
      return Math.min(...values);
    case 'SampleCount':
      return values.length;
    case 'Sum':
      return sum;
  }
}

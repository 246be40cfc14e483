/** The metrics that tasks publish, in CloudWatch's embedded metric format: fields of a log line, without a call or a permission.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html (read 2026-11) */

/** One metric, as alarms and tasks know it. */
export interface WorkflowMetric {
  readonly namespace: string;
  readonly name: string;
  /** Names the dimension; its value is the state machine's name. */
  readonly dimension: string;
}

/** Every metric that the tasks publish. CloudWatch bills each one that had a value in a month. */
export const workflowMetrics = {
  /** Objects whose execution had ended and that nobody had cleaned up after, when a sweep found and released them. */
  stuckObjects: { namespace: 'ObjectWorkflow', name: 'StuckObjects', dimension: 'StateMachine' },
  /** Copies of images in other Regions that failed, or had not ended by the deadline of those who waited. */
  failedImageCopies: { namespace: 'ObjectWorkflow', name: 'FailedImageCopies', dimension: 'StateMachine' },
} as const satisfies Readonly<Record<string, WorkflowMetric>>;

/** Makes the fields that turn a log line into one value of a metric.
 * @param value How many.
 * @example
 * context.log.warn('Stuck', metricFields(workflowMetrics.stuckObjects, 2, { stateMachineName: 'Invoices', nowMs: context.nowMs() })); */
export function metricFields(
  metric: WorkflowMetric,
  value: number,
  { stateMachineName, nowMs }: { readonly stateMachineName: string; readonly nowMs: number },
): Readonly<Record<string, unknown>> {
  return {
    [metric.dimension]: stateMachineName,
    [metric.name]: value,
    _aws: {
      Timestamp: nowMs,
      CloudWatchMetrics: [
        {
          Namespace: metric.namespace,
          Dimensions: [[metric.dimension]],
          Metrics: [{ Name: metric.name, Unit: 'Count' }],
        },
      ],
    },
  };
}

/** How a fleet stands. Each is a metric of its own, with the fleet's queue as its dimension. */
export interface FleetMetrics {
  /** Operations that wait for a slot. */
  readonly QueuedOperations: number;
  /** The same for each instance that is ready, or in all while there is none. */
  readonly BacklogPerInstance: number;
  /** Instances that are ready and have no work, while nothing waits. */
  readonly IdleInstances: number;
}

/** Namespace and dimension of the metrics of fleets. */
export const fleetMetrics = { namespace: 'ObjectWorkflow', dimension: 'Queue' } as const;

/** Makes the fields that turn a log line into the metrics of a fleet. */
export function fleetMetricFields(
  values: FleetMetrics,
  { fleetId, nowMs }: { readonly fleetId: string; readonly nowMs: number },
): Readonly<Record<string, unknown>> {
  const { namespace, dimension } = fleetMetrics;
  const Metrics = Object.keys(values).map((Name) => ({ Name, Unit: 'Count' }));
  return {
    [dimension]: fleetId,
    ...values,
    _aws: {
      Timestamp: nowMs,
      CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [[dimension]], Metrics }],
    },
  };
}

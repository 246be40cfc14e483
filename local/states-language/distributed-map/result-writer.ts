/** Gathers the results of a map run: into the state's result, or into files behind a manifest. */
import { UnsupportedError } from '../../services/service';
import { isList, isObject } from '../data/json-value';
import type { EngineHost, Execution, JsonValue } from '../engine';
import { StateFailed } from '../failure';
import type { DistributedMap } from '../step';
import { formatTimestamp } from '../timestamp';

type Writer = NonNullable<DistributedMap['writer']>;

/** The results as the state's result, when no writer takes them elsewhere. */
export function resultsOf(children: readonly Execution[], writer: Writer | undefined): JsonValue {
  const succeeded = children.filter(({ status }) => status === 'SUCCEEDED');
  return transformed(succeeded, writer?.transformation ?? 'COMPACT');
}

/** Whether the writer names a place for the results. */
export function writesFiles(writer: Writer | undefined): writer is Writer {
  return writer !== undefined && isObject(writer.parameters) && writer.parameters['Bucket'] !== undefined;
}

/** Writes the results by how the children ended, then the manifest.
 * @param folder Keeps the files of one map run together.
 * @returns what the Map state gets as its result
 * @throws StateFailed States.ResultWriterFailed */
export async function writeResults(
  children: readonly Execution[],
  writer: Writer,
  run: { readonly arn: string; readonly folder: string; readonly roleArn: string },
  objects: EngineHost['objects'],
): Promise<JsonValue> {
  if (objects === undefined) {
    throw new UnsupportedError('a ResultWriter', 'a distributed Map', 'give the engine a host that has `objects`');
  }
  const parameters = isObject(writer.parameters) ? writer.parameters : {};
  const bucket = String(parameters['Bucket']);
  const prefix = parameters['Prefix'] === undefined ? '' : `${String(parameters['Prefix']).replace(/\/$/, '')}/`;
  const base = `${prefix}${run.folder}/`;
  const put = async (name: string, text: string): Promise<{ Key: string; Size: number }> => {
    const body = new TextEncoder().encode(text);
    try {
      await objects.put(bucket, base + name, body, run.roleArn);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      throw new StateFailed({ error: 'States.ResultWriterFailed', cause });
    }
    return { Key: base + name, Size: body.length };
  };
  const resultFiles: Record<string, JsonValue> = { FAILED: [], PENDING: [], SUCCEEDED: [] };
  for (const [status, group] of groupByOutcome(children)) {
    const suffix = writer.outputType === 'JSONL' ? 'jsonl' : 'json';
    const results = transformed(group, status === 'SUCCEEDED' ? writer.transformation : 'NONE');
    resultFiles[status] = [await put(`${status}_0.${suffix}`, written(results, writer.outputType))];
  }
  const manifest = { DestinationBucket: bucket, MapRunArn: run.arn, ResultFiles: resultFiles };
  const { Key } = await put('manifest.json', JSON.stringify(manifest));
  return { MapRunArn: run.arn, ResultWriterDetails: { Bucket: bucket, Key } };
}

function groupByOutcome(children: readonly Execution[]): Map<string, Execution[]> {
  const groups = new Map<string, Execution[]>();
  for (const child of children) {
    const outcome = child.status === 'SUCCEEDED' || child.status === 'RUNNING' ? child.status : 'FAILED';
    const name = outcome === 'RUNNING' ? 'PENDING' : outcome;
    groups.set(name, [...(groups.get(name) ?? []), child]);
  }
  return groups;
}

function transformed(children: readonly Execution[], transformation: Writer['transformation']): readonly JsonValue[] {
  switch (transformation) {
    case 'NONE':
      return children.map(description);
    case 'COMPACT':
      return children.map(({ output }) => output ?? null);
    case 'FLATTEN':
      return children.flatMap(({ output }) => (isList(output) ? output : [output ?? null]));
  }
}

function written(results: readonly JsonValue[], outputType: Writer['outputType']): string {
  if (outputType === 'JSON') return JSON.stringify(results);
  return results.map((result) => `${JSON.stringify(result)}\n`).join('');
}

/** A child as DescribeExecution shows it. */
function description(child: Execution): JsonValue {
  const { identity, status, error, cause } = child;
  return {
    ExecutionArn: identity.executionArn,
    Input: JSON.stringify(child.input),
    InputDetails: { Included: true },
    Name: identity.executionName,
    ...(child.output !== undefined && { Output: JSON.stringify(child.output), OutputDetails: { Included: true } }),
    ...(error !== undefined && { Error: error }),
    ...(cause !== undefined && { Cause: cause }),
    RedriveCount: child.redriveCount,
    StartDate: formatTimestamp(child.startedAtMs),
    StateMachineArn: identity.stateMachineArn,
    Status: status,
    ...(child.stoppedAtMs !== undefined && { StopDate: formatTimestamp(child.stoppedAtMs) }),
  };
}

/** Gathers what became of the uploads from a simulation that has settled, and the files to keep. */
import { basename, join } from 'node:path';
import type { BackupOutcome, ImageOutcome, Rejection } from '../../tasks/object-reference';
import { transitionPriceUsd } from '../cost';
import type { ObjectRecord } from '../ledger-reader';
import type { SimulatedExecution } from '../simulated-execution';
import type { Simulation } from '../simulation';
import type { AnnouncedKeys } from './announced-keys';
import type { InputFile } from './input-files';
import { runFile, safePath, type OutputFile } from './output-folder';
import { type ObjectResult, type Outcome, type ResultFile, type RunResult } from './run-result';

/** A file and the object it has become. */
export interface Upload {
  readonly file: InputFile;
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string | undefined;
}

/** Gathers a run.
 * @returns the run without its real time, and the contents of its result files by path below the output directory */
export async function collectResult(
  simulation: Simulation,
  uploads: readonly Upload[],
  announced: AnnouncedKeys,
  about: Pick<RunResult, 'app' | 'seed' | 'fault' | 'outputDirectory'>,
): Promise<{ readonly result: Omit<RunResult, 'realMs'>; readonly outputs: readonly OutputFile[] }> {
  const outputs: OutputFile[] = [];
  const folders = new FolderNames();
  const objects: ObjectResult[] = [];
  for (const upload of uploads) {
    const executions = simulation.executions.filter((execution) => isAbout(execution, upload));
    const record = simulation.records().find((candidate) => isOf(candidate, upload));
    const folder = folders.next(basename(upload.key));
    const files = record === undefined ? [] : await simulation.results(record);
    const results = files.map(({ path, body }) => {
      const file = { path: safePath(folder, path), body };
      outputs.push(file);
      return { path, sizeBytes: body.length, savedAs: join(about.outputDirectory, file.path) };
    });
    objects.push(describeObject(upload, { executions, record, results, announced }));
  }
  const executions = simulation.executions.map(describeExecution);
  const transitions = executions.reduce((sum, execution) => sum + execution.transitions, 0);
  const result = {
    formatVersion: 1 as const,
    ...about,
    objects,
    executions,
    transitions,
    priceUsd: Number((transitions * transitionPriceUsd).toFixed(9)),
    virtualMs: virtualMs(simulation.executions),
  };
  return { result, outputs };
}

/** Gives each object a folder of its own, named after it. */
class FolderNames {
  private readonly taken = new Set<string>([runFile]);

  next(name: string): string {
    const safe = safePath(name) || 'object';
    let folder = safe;
    for (let number = 2; this.taken.has(folder.toLowerCase()); number++) folder = `${safe} (${number})`;
    this.taken.add(folder.toLowerCase());
    return folder;
  }
}

function describeObject(
  upload: Upload,
  known: {
    readonly executions: readonly SimulatedExecution[];
    readonly record: ObjectRecord | undefined;
    readonly results: readonly ResultFile[];
    readonly announced: AnnouncedKeys;
  },
): ObjectResult {
  const { executions, record } = known;
  const failed = executions.find(({ error }) => error !== undefined);
  const outcome = record?.status ?? (executions.length > 0 ? 'FAILED' : 'NOT_TAKEN');
  return {
    file: upload.file.path,
    bucket: upload.bucket,
    key: upload.key,
    versionId: upload.versionId,
    outcome: outcome as Outcome,
    executions: executions.map(({ name }) => name),
    transitions: executions.reduce((sum, execution) => sum + execution.transitions, 0),
    rechecks: executions.flatMap(({ history }) => history).filter(({ type }) => type === 'TaskTimedOut').length,
    virtualMs: virtualMs(executions),
    results: known.results,
    image: record?.['image'] as ImageOutcome | undefined,
    recoveryPoint: record?.['recoveryPoint'] as BackupOutcome | undefined,
    rejection:
      outcome === 'NOT_TAKEN'
        ? { reasons: [{ code: 'NotTaken', message: 'no rule is for its key', accepted: known.announced.pattern }] }
        : (record?.['rejection'] as Rejection | undefined),
    failure:
      (record?.['failure'] as ObjectResult['failure']) ??
      (failed && { error: failed.error ?? '', cause: failed.cause ?? '' }),
  };
}

function describeExecution(execution: SimulatedExecution): RunResult['executions'][number] {
  const { name, arn, status, transitions, startedAtMs, stoppedAtMs, error, cause, history } = execution;
  return { name, arn, status, transitions, startedAtMs, stoppedAtMs, error, cause, history };
}

function isOf(record: ObjectRecord, upload: Upload): boolean {
  return (
    record.bucket === upload.bucket &&
    record.key === upload.key &&
    (upload.versionId === undefined || record['versionId'] === upload.versionId)
  );
}

function isAbout(execution: SimulatedExecution, upload: Upload): boolean {
  const input = execution.input as {
    readonly key?: string;
    readonly detail?: { readonly object?: { readonly key?: string; readonly 'version-id'?: string } };
  };
  const object = input.detail?.object;
  return object?.key === upload.key && (object['version-id'] ?? upload.versionId) === upload.versionId;
}

/** From the first start to the last end. */
function virtualMs(executions: readonly SimulatedExecution[]): number {
  if (executions.length === 0) return 0;
  const startedAtMs = Math.min(...executions.map((execution) => execution.startedAtMs));
  return Math.max(...executions.map(({ stoppedAtMs }) => stoppedAtMs ?? startedAtMs)) - startedAtMs;
}

/** What became of a run: one value that the summary, the JSON document and the saved run are all made of. */
import type { HistoryEvent } from '../states-language/engine';
import type { BackupOutcome, ImageOutcome, Rejection } from '../../tasks/object-reference';

/** A run of a workflow over some objects. The saved file `run.json` holds it. */
export interface RunResult {
  /** Raised when a member changes its meaning. */
  readonly formatVersion: 1;
  readonly app: string;
  readonly seed: string;
  readonly fault: string | undefined;
  readonly objects: readonly ObjectResult[];
  readonly executions: readonly ExecutionResult[];
  readonly transitions: number;
  readonly priceUsd: number;
  readonly virtualMs: number;
  readonly realMs: number;
  /** Folder the results were written to. */
  readonly outputDirectory: string;
}

/** `STORED` is the only good end; `NOT_TAKEN`: no execution was started for the object. */
export type Outcome = 'STORED' | 'REJECTED' | 'FAILED' | 'RUNNING' | 'NOT_TAKEN';

/** What became of one uploaded object. */
export interface ObjectResult {
  /** The file it was uploaded from. */
  readonly file: string;
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
  readonly outcome: Outcome;
  /** The executions that had to do with it, by name. */
  readonly executions: readonly string[];
  /** Billed transitions, re-checks among them. */
  readonly transitions: number;
  /** How often a wait heard nothing and looked again: each is a transition. */
  readonly rechecks: number;
  readonly virtualMs: number;
  readonly results: readonly ResultFile[];
  readonly image: ImageOutcome | undefined;
  readonly recoveryPoint: BackupOutcome | undefined;
  readonly rejection: Rejection | undefined;
  readonly failure: { readonly error: string; readonly cause: string } | undefined;
}

/** One file of the results. */
export interface ResultFile {
  /** As the command named it below its results folder. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Where it was written on this machine. */
  readonly savedAs: string;
}

/** One execution, with all that happened in it. */
export interface ExecutionResult {
  readonly name: string;
  readonly arn: string;
  readonly status: string;
  readonly transitions: number;
  readonly startedAtMs: number;
  readonly stoppedAtMs: number | undefined;
  readonly error: string | undefined;
  readonly cause: string | undefined;
  readonly history: readonly HistoryEvent[];
}

/** @returns whether every object of the run was stored */
export function isEveryObjectStored(run: RunResult): boolean {
  return run.objects.length > 0 && run.objects.every(({ outcome }) => outcome === 'STORED');
}

/** Loads cases, runs each on the engine and counts what is reached. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runApiCase, type ApiCase } from './api-case';
import { compareExecution, compareResponse, type RecordedCase, type Verdict } from './compare';
import { runExecutionCase, type ExecutionCase } from './recorded-case';

/** Where the recorded set lies next to a checkout. */
export const recordedCasesFolder = resolve(__dirname, '../../../shared/conformance/cases');

/** The rules of the language as cases of our own: in every checkout. */
export const ownCasesFolder = join(__dirname, 'cases');

/** A case and what became of it. */
export interface CaseResult extends Verdict {
  readonly id: string;
  readonly area: string;
  readonly kind: RecordedCase['kind'];
}

/** A case with what the engine answered. */
export interface RanCase {
  readonly testCase: RecordedCase;
  readonly actual: Readonly<Record<string, unknown>>;
  readonly result: CaseResult;
}

/** Loads every case below a folder; none when the folder is not there. */
export function loadCases(folder: string): readonly RecordedCase[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as RecordedCase);
}

/** Runs one case. What the engine throws counts as its answer: a case that throws is a miss. */
export async function runCase(testCase: RecordedCase): Promise<RanCase> {
  const isExecution = testCase.kind === 'execution';
  let actual: Readonly<Record<string, unknown>>;
  try {
    actual = isExecution
      ? { ...(await runExecutionCase(testCase as unknown as ExecutionCase)) }
      : runApiCase(testCase as unknown as ApiCase);
  } catch (error) {
    actual = { status: `threw: ${error instanceof Error ? error.message : String(error)}` };
  }
  const verdict = (isExecution ? compareExecution : compareResponse)(testCase, actual);
  return { testCase, actual, result: { id: testCase.id, area: testCase.area, kind: testCase.kind, ...verdict } };
}

export const columns = ['outcome', 'errors', 'types', 'history'] as const;

/** Reached and asked, for each column. */
export type Tally = Readonly<Record<(typeof columns)[number], readonly [reached: number, asked: number]>>;

/** Counts the results of some cases. */
export function tally(results: readonly CaseResult[]): Tally {
  const count = (column: (typeof columns)[number]): [number, number] => {
    const asked = results.filter((result) => result[column] !== null);
    return [asked.filter((result) => result[column]).length, asked.length];
  };
  return { outcome: count('outcome'), errors: count('errors'), types: count('types'), history: count('history') };
}

/** Whether everything asked was reached. */
export function isReached(result: CaseResult): boolean {
  return columns.every((column) => result[column] !== false);
}

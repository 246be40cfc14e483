/** Collects the problems of a definition, and names places in it. */
import type { JsonValue, Problem } from '../engine';

/** All problems found so far. */
export class Report {
  readonly problems: Problem[] = [];

  error(location: string, message: string, code = 'SCHEMA_VALIDATION_FAILED'): void {
    this.problems.push({ severity: 'ERROR', code, message, location });
  }

  warn(location: string, message: string, code: string): void {
    this.problems.push({ severity: 'WARNING', code, message, location });
  }
}

/** The JSON pointer of a member. */
export function within(location: string, member: string | number): string {
  return `${location}/${String(member).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** How an error message shows a value. */
export function shown(value: JsonValue): string {
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

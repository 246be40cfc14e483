/** The application's log: one JSON object a line, with opaque ids and no personal data. */

/** What a line may hold: nothing that a person has typed fits in. */
export interface LogLine {
  readonly event:
    'request' | 'registered' | 'changed' | 'attached' | 'exported' | 'erased' | 'started' | 'stopped' | 'failed';
  /** The route's pattern, never the address that was called. */
  readonly route?: string;
  readonly method?: string;
  readonly status?: number;
  readonly durationMs?: number;
  /** Issuer's identifier of the caller. */
  readonly subject?: string;
  readonly customer?: string;
  readonly attachment?: string;
  /** Class and code of an error. Its message may repeat what a person has typed. */
  readonly error?: string;
}

export type Log = (line: LogLine) => void;

/** Writes lines with their instant. */
export function createLog(write: (text: string) => void, nowMs: () => number): Log {
  return (line) => write(`${JSON.stringify({ at: new Date(nowMs()).toISOString(), ...line })}\n`);
}

/** Names an error without repeating its message. */
export function nameOfError(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  return error.cause instanceof Error ? `${error.name} (${error.cause.name})` : error.name;
}

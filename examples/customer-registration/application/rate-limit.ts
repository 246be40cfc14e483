/** How many requests a caller may make. The counts are the session data on the data volume: they outlive a restart. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Problem } from './problem';

/** A bucket that fills by and by and is emptied by requests. */
interface Allowance {
  readonly left: number;
  readonly atMs: number;
}

const burst = 120;
const perSecond = 2;

/** Lets a caller make 120 requests at once and two a second from then on, on this instance. */
export class RateLimit {
  private readonly allowances = new Map<string, Allowance>();

  constructor(private readonly nowMs: () => number) {}

  /** @throws Problem TOO_MANY_REQUESTS */
  take(subject: string): void {
    const nowMs = this.nowMs();
    const { left, atMs } = this.allowances.get(subject) ?? { left: burst, atMs: nowMs };
    const available = Math.min(burst, left + (Math.max(0, nowMs - atMs) / 1000) * perSecond);
    if (available < 1) throw new Problem('TOO_MANY_REQUESTS');
    this.allowances.set(subject, { left: available - 1, atMs: nowMs });
  }

  /** Writes what is not full again into a file, whole or not at all. */
  save(file: string): void {
    const fullAfterMs = (burst / perSecond) * 1000;
    for (const [subject, { atMs }] of this.allowances) {
      if (this.nowMs() - atMs >= fullAfterMs) this.allowances.delete(subject);
    }
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.new`, JSON.stringify([...this.allowances]), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  /** Reads what an earlier run has saved. A file that is missing or damaged leaves everybody their whole allowance. */
  load(file: string): void {
    try {
      const saved = JSON.parse(readFileSync(file, 'utf8')) as readonly (readonly [string, Allowance])[];
      for (const [subject, { left, atMs }] of saved) this.allowances.set(subject, { left, atMs });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
    }
  }
}

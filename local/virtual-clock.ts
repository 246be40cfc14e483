/** Virtual time: timers fire in order of their due instants, and the clock jumps to the next one as soon as nothing real is in progress. */

/** A timer that has not fired yet. */
export interface Timer {
  /** Cancels it; without effect once it has fired. */
  readonly cancel: () => void;
}

/** How fast virtual time passes: `jump` skips every wait, a number is virtual milliseconds per real millisecond. */
export type Pace = 'jump' | number;

interface ScheduledTimer {
  readonly dueAtMs: number;
  readonly sequence: number;
  readonly action: () => void;
  readonly background: boolean;
}

/** Work that holds virtual time still, unless it pauses or waits for other tracked work.
 * Whoever acts within it hands it on, as a member of the principal of its calls. */
export interface TrackedWork {
  /** What it waits for: its pauses, and the tracked work that it began. */
  obstacleCount: number;
  isDone: boolean;
}

/** A clock that tests and the simulator own.
 *
 * Work that takes real time (a process, a Lambda handler) is `track`ed: virtual time stands still meanwhile,
 * so that a slow machine gives the same history as a fast one.
 * @example
 * const clock = new VirtualClock();
 * clock.schedule(60_000, () => console.log('a minute later'));
 * await clock.runUntilIdle(); // at once */
export class VirtualClock {
  private currentMs: number;
  private readonly timers: ScheduledTimer[] = [];
  private nextSequence = 0;
  private inProgress = 0;
  private wake: (() => void) | undefined;
  private running = false;

  /** @param startMs The first instant, milliseconds since 1970. A fixed one makes histories repeatable. */
  constructor(
    startMs: number = Date.UTC(2026, 0, 1, 9, 0, 0),
    /** How fast virtual time passes. */
    readonly pace: Pace = 'jump',
  ) {
    this.currentMs = startMs;
  }

  /** The current virtual instant, milliseconds since 1970. */
  nowMs(): number {
    // At a pace, virtual time stops between two milliseconds. Nobody's clock shows that.
    return Math.floor(this.currentMs);
  }

  /** What to add to this machine's time to get virtual time, for what reads this machine's: a signature, for one. */
  offsetFromRealTimeMs(): number {
    return this.nowMs() - Date.now();
  }

  /** Calls `action` once, `delayMs` virtual milliseconds from now (0: as soon as the present work is done).
   * A `background` timer, such as the next tick of a schedule, does not keep the clock running by itself. */
  schedule(delayMs: number, action: () => void, options: { readonly background?: boolean } = {}): Timer {
    const timer: ScheduledTimer = {
      dueAtMs: this.currentMs + Math.max(0, delayMs),
      sequence: this.nextSequence++,
      action,
      background: options.background === true,
    };
    this.insert(timer);
    this.wakeUp();
    return {
      cancel: () => {
        const index = this.timers.indexOf(timer);
        if (index >= 0) this.timers.splice(index, 1);
      },
    };
  }

  /** Resolves `delayMs` virtual milliseconds from now. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.schedule(delayMs, resolve));
  }

  /** Holds virtual time still until the work is done.
   * @param work A function, if it is to be able to `pause`: it is told what it is then.
   * @param within What has begun it and waits for it. */
  async track<T>(work: Promise<T> | ((own: TrackedWork) => Promise<T>), within?: TrackedWork): Promise<T> {
    const beganBy = within?.isDone === true ? undefined : within;
    const tracked: TrackedWork = { obstacleCount: 0, isDone: false };
    this.inProgress++;
    if (beganBy !== undefined) this.holdUp(beganBy);
    try {
      return await (typeof work === 'function' ? work(tracked) : work);
    } finally {
      if (tracked.obstacleCount === 0) this.inProgress--;
      tracked.isDone = true;
      if (beganBy !== undefined) this.letGoOn(beganBy);
      this.wakeUp();
    }
  }

  /** As `sleep`, inside of tracked work too: virtual time goes on meanwhile. */
  async pause(delayMs: number, work?: TrackedWork): Promise<void> {
    if (work === undefined || work.isDone) return this.sleep(delayMs);
    this.holdUp(work);
    this.wakeUp();
    await this.sleep(delayMs);
    this.letGoOn(work);
  }

  private holdUp(work: TrackedWork): void {
    if (work.obstacleCount++ === 0 && !work.isDone) this.inProgress--;
  }

  private letGoOn(work: TrackedWork): void {
    if (--work.obstacleCount === 0 && !work.isDone) this.inProgress++;
  }

  /** Fires timers until none is left before `untilMs` and no tracked work is in progress.
   * Without `untilMs`, it also ends when only background timers are left.
   * Then the clock stands at `untilMs`, if one was given. One call at a time. */
  async runUntilIdle(untilMs = Number.POSITIVE_INFINITY): Promise<void> {
    await this.run(() => false, untilMs);
  }

  /** Fires timers until `condition` holds, nothing is left to happen, or `untilMs` is reached.
   * @returns whether the condition holds */
  async runUntil(condition: () => boolean, untilMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    await this.run(condition, untilMs);
    return condition();
  }

  private async run(condition: () => boolean, untilMs: number): Promise<void> {
    if (this.running)
      throw new Error(
        'The virtual clock is already running, at VirtualClock.runUntilIdle\n  fix: await the first run before the next',
      );
    this.running = true;
    try {
      for (;;) {
        await settleMicrotasks();
        if (condition()) return;
        if (this.inProgress > 0) {
          await new Promise<void>((resolve) => (this.wake = resolve));
          continue;
        }
        const next = this.timers[0];
        const nothingLeft =
          next === undefined ||
          (untilMs === Number.POSITIVE_INFINITY && this.timers.every((timer) => timer.background));
        if (nothingLeft || next.dueAtMs > untilMs) {
          if (untilMs !== Number.POSITIVE_INFINITY) this.currentMs = Math.max(this.currentMs, untilMs);
          return;
        }
        if (await this.waitInRealTime(next)) continue;
        this.timers.shift();
        this.currentMs = Math.max(this.currentMs, next.dueAtMs);
        next.action();
      }
    } finally {
      this.running = false;
    }
  }

  /** At a real pace, waits until the timer is due.
   * @returns true when something else happened first, so that the timers must be looked at again */
  private async waitInRealTime(next: ScheduledTimer): Promise<boolean> {
    if (this.pace === 'jump' || next.dueAtMs <= this.currentMs) return false;
    const startedAtMs = performance.now();
    const startedFromMs = this.currentMs;
    const pace = this.pace;
    const interrupted = await new Promise<boolean>((resolve) => {
      const timeout = setTimeout(() => resolve(false), (next.dueAtMs - startedFromMs) / pace);
      this.wake = () => {
        clearTimeout(timeout);
        resolve(true);
      };
    });
    if (interrupted) {
      this.currentMs = Math.min(next.dueAtMs, startedFromMs + (performance.now() - startedAtMs) * pace);
    }
    return interrupted;
  }

  /** Equal due instants fire in the order they were scheduled. AWS promises no order;
   * we choose one so that a seed replays. */
  private insert(timer: ScheduledTimer): void {
    let low = 0;
    let high = this.timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.timers[middle]!.dueAtMs <= timer.dueAtMs) low = middle + 1;
      else high = middle;
    }
    this.timers.splice(low, 0, timer);
  }

  private wakeUp(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }
}

/** Lets every promise that can go on do so: a macrotask runs only after all microtasks. */
function settleMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A limit on real time, for code that virtual time cannot measure because it stands still while the code runs.
 * @returns `expired`, which resolves after that many real milliseconds unless `cancel` is called first */
export function realTimeLimit(limitMs: number): { readonly expired: Promise<void>; readonly cancel: () => void } {
  let cancel = (): void => undefined;
  const expired = new Promise<void>((resolve) => {
    const timeout = setTimeout(resolve, limitMs);
    cancel = () => clearTimeout(timeout);
  });
  return { expired, cancel };
}

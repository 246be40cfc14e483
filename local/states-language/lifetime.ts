/** How long something goes on: an execution, a group of branches, one branch. Ending one ends all inside it. */

/** Thrown where work waits that nobody wants any more. */
export class LifetimeEnded extends Error {}

/** A span that can be ended from outside, once. */
export class Lifetime {
  private ended = false;
  private readonly actions = new Set<() => void>();
  private leaveParent: () => void = () => undefined;

  /** @param parent Ends this one when it ends. */
  constructor(parent?: Lifetime) {
    if (parent === undefined) return;
    this.leaveParent = parent.whenEnded(() => this.end());
  }

  get hasEnded(): boolean {
    return this.ended;
  }

  /** Ends it and all inside it. Also to be called when its work is done: a parent keeps what has not ended. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.leaveParent();
    for (const action of [...this.actions]) action();
    this.actions.clear();
  }

  /** Calls an action when this ends. @returns a function that forgets the action */
  whenEnded(action: () => void): () => void {
    if (this.ended) {
      action();
      return () => undefined;
    }
    this.actions.add(action);
    return () => this.actions.delete(action);
  }

  /** Waits for something, unless this ends first.
   * @param start Gets the functions that settle the wait; answers what to clean up afterwards.
   * @throws LifetimeEnded */
  wait<T>(start: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void): Promise<T> {
    if (this.ended) return Promise.reject(new LifetimeEnded());
    return new Promise<T>((resolve, reject) => {
      const cleanUps: (() => void)[] = [];
      let settled = false;
      const forget = this.whenEnded(() => settle(() => reject(new LifetimeEnded())));
      const settle = (report: () => void): void => {
        if (settled) return;
        settled = true;
        forget();
        for (const cleanUp of cleanUps) cleanUp();
        report();
      };
      const cleanUp = start(
        (value) => settle(() => resolve(value)),
        (error) => settle(() => reject(error)),
      );
      if (settled) cleanUp();
      else cleanUps.push(cleanUp);
    });
  }
}

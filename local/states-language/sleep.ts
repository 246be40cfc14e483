/** Lets virtual time pass for one thread. */
import type { VirtualClock } from '../virtual-clock';
import type { Lifetime } from './lifetime';

/** Resolves at an instant; at once if it has passed.
 * @throws LifetimeEnded when nobody waits any more */
export function sleepUntil(untilMs: number, clock: VirtualClock, lifetime: Lifetime): Promise<void> {
  return lifetime.wait((resolve) => {
    const timer = clock.schedule(untilMs - clock.nowMs(), () => resolve());
    return () => timer.cancel();
  });
}

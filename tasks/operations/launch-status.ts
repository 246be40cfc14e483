/** What EC2's refusals of a launch, and its words for the state of what was launched, mean for the operation. */
import { isAlive } from './instance-state';

/** - `full`: there is no room now, or none of our share; there may be later, or elsewhere
 * - `throttled`: EC2 has not looked at it; asked in the same words before, it may have launched it: to be asked so again, later
 * - `refused`: EC2 will never launch it as it is asked to
 * - `unknown`: nobody knows whether it was launched; to be asked again in the same words */
export type LaunchVerdict = 'full' | 'throttled' | 'refused' | 'unknown';

/** EC2 answers some of them with status 500, as if they were its own trouble.
 * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (read 2026-11) */
const fullErrors: ReadonlySet<string> = new Set([
  'InsufficientInstanceCapacity',
  'InsufficientHostCapacity',
  'InsufficientReservedInstanceCapacity',
  'InsufficientCapacity',
  'InsufficientAddressCapacity',
  'InsufficientFreeAddressesInSubnet',
  'InstanceLimitExceeded',
  'VcpuLimitExceeded',
  'MaxSpotInstanceCountExceeded',
  'SpotMaxPriceTooLow',
  'VolumeLimitExceeded',
  'ReservationCapacityExceeded',
  'PendingVerification',
  // What the instance type or the zone does not offer; another subnet may.
  'Unsupported',
]);

/** EC2's own trouble, and what an SDK calls a request that may have arrived. */
const unknownErrors: ReadonlySet<string> = new Set([
  'InternalError',
  'InternalFailure',
  'ServiceUnavailable',
  'Unavailable',
  'TimeoutError',
]);

/** Judges why a launch was not answered with an instance. Only an answer of EC2 is a refusal: anything else may have had its effect. */
export function judgeLaunchError(error: unknown): LaunchVerdict {
  const { name = '', $metadata } = error as { name?: string; $metadata?: { readonly httpStatusCode?: number } };
  if (unknownErrors.has(name)) return 'unknown';
  if (name === 'RequestLimitExceeded') return 'throttled';
  if (fullErrors.has(name)) return 'full';
  const status = $metadata?.httpStatusCode ?? 500;
  return status >= 400 && status < 500 ? 'refused' : 'unknown';
}

/** - `booting`: it does not take commands yet
 * - `ready`: it does
 * - `lost`: it never will */
export type LaunchedVerdict = 'booting' | 'ready' | 'lost';

/** Judges an instance that was launched for an operation. */
export function judgeLaunched(state: string, isOnline: boolean): LaunchedVerdict {
  if (!isAlive(state)) return 'lost';
  return state === 'running' && isOnline ? 'ready' : 'booting';
}

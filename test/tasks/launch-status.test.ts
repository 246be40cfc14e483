/** What EC2's answers to a launch mean, and what is made of them: which refusals pass, and which launch is whose. */
import { InstanceStateName } from '@aws-sdk/client-ec2';
import { judgeLaunched, judgeLaunchError } from '../../tasks/operations/launch-status';

const answer = (name: string, httpStatusCode: number): Error =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode } });

describe('a launch that was not answered with an instance', () => {
  test.each([
    // Room that is missing is said with both kinds of status.
    ['InsufficientInstanceCapacity', 500, 'full'],
    ['InsufficientAddressCapacity', 503, 'full'],
    ['InsufficientFreeAddressesInSubnet', 400, 'full'],
    ['InstanceLimitExceeded', 400, 'full'],
    ['VcpuLimitExceeded', 400, 'full'],
    ['MaxSpotInstanceCountExceeded', 400, 'full'],
    ['RequestLimitExceeded', 503, 'throttled'],
    ['PendingVerification', 400, 'full'],
    ['Unsupported', 400, 'full'],
    ['UnauthorizedOperation', 403, 'refused'],
    ['InvalidParameterValue', 400, 'refused'],
    ['InvalidLaunchTemplateId.NotFound', 400, 'refused'],
    ['InvalidAMIID.NotFound', 400, 'refused'],
    ['IdempotentParameterMismatch', 400, 'refused'],
    ['InternalError', 500, 'unknown'],
    ['ServiceUnavailable', 503, 'unknown'],
    ['SomethingOfTheFuture', 500, 'unknown'],
  ])('%s with status %i is %s', (name, status, verdict) => {
    expect(judgeLaunchError(answer(name, status))).toBe(verdict);
  });

  test('what is no answer of EC2 leaves open whether it was launched', () => {
    expect(judgeLaunchError(new Error('socket hang up'))).toBe('unknown');
    expect(judgeLaunchError(new TypeError('fetch failed'))).toBe('unknown');
  });
});

describe('an instance that was launched', () => {
  test.each(Object.values(InstanceStateName))('and is %s', (state) => {
    const alive = state === 'pending' || state === 'running';
    expect(judgeLaunched(state, false)).toBe(alive ? 'booting' : 'lost');
    expect(judgeLaunched(state, true)).toBe(state === 'running' ? 'ready' : alive ? 'booting' : 'lost');
  });
});

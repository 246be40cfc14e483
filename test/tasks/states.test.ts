import { BackupJobState } from '@aws-sdk/client-backup';
import { ImageState } from '@aws-sdk/client-ec2';
import { CommandInvocationStatus } from '@aws-sdk/client-ssm';
import { backupStates } from '../../tasks/operations/backup-job';
import { judgeInvocation } from '../../tasks/operations/command-status';
import { imageStates } from '../../tasks/operations/image-identity';

describe('the states of the services', () => {
  it('have a meaning each: no status of a command invocation is taken for another', () => {
    const meanings = Object.fromEntries(
      Object.values(CommandInvocationStatus).map((status) => [status, judgeInvocation(status, undefined)]),
    );
    expect(meanings).toEqual({
      Pending: 'pending',
      InProgress: 'pending',
      Delayed: 'pending',
      Cancelling: 'pending',
      Success: 'succeeded',
      Failed: 'failed',
      TimedOut: 'timedOut',
      Cancelled: 'cancelled',
    });
  });

  it('are judged by the details of a command invocation, however those are spelt', () => {
    expect(judgeInvocation('TimedOut', 'DeliveryTimedOut')).toBe('undelivered');
    expect(judgeInvocation('TimedOut', 'Delivery Timed Out')).toBe('undelivered');
    expect(judgeInvocation('TimedOut', 'ExecutionTimedOut')).toBe('timedOut');
    expect(judgeInvocation('Failed', 'Undeliverable')).toBe('undelivered');
    expect(judgeInvocation('Cancelled', 'Terminated')).toBe('undelivered');
    expect(judgeInvocation('Failed', 'InvalidPlatform')).toBe('refused');
    expect(judgeInvocation('Failed', 'AccessDenied')).toBe('refused');
    expect(judgeInvocation('InProgress', 'In Progress')).toBe('pending');
  });

  it('never take a status that is not known for an end', () => {
    expect(judgeInvocation('SomethingNew', 'SomethingNew')).toBe('pending');
    expect(judgeInvocation(undefined, undefined)).toBe('pending');
  });

  it('of an image: only available is a success', () => {
    expect(Object.keys(imageStates).sort()).toEqual(Object.values(ImageState).sort());
    const succeeded = Object.entries(imageStates).filter(([, meaning]) => meaning === 'succeeded');
    expect(succeeded.map(([state]) => state)).toEqual(['available']);
    expect(imageStates).toMatchObject({ failed: 'failed', error: 'failed', invalid: 'failed', deregistered: 'failed' });
  });

  it('of a backup job: each of the five ends is its own', () => {
    expect(Object.keys(backupStates).sort()).toEqual(Object.values(BackupJobState).sort());
    const ends = Object.values(backupStates).filter((meaning) => meaning !== 'running');
    expect(ends.sort()).toEqual(['aborted', 'expired', 'failed', 'partial', 'succeeded']);
  });
});

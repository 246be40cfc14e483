/** Task: runs the user's command for an object on an instance of the fleet. A long operation: the state waits for its callback. */
import * as z from 'zod';
import { defineTask } from './define-task';
import { commandOutcome, objectReference } from './object-reference';
import { enterOperation } from './operations/enter-operation';
import { fleetPartition } from './operations/operation';
import { commandSettings } from './operations/settings';

/** Starts the command, or looks at it again: each entry of the state calls this, with a new task token. */
export const processObject = defineTask({
  name: 'process-object',
  description: 'Runs the command on an instance as soon as one is free, and waits until it has ended.',
  awaitsCallback: true,
  input: z.object({ object: objectReference }),
  output: commandOutcome,
  settings: commandSettings.extend({ ledgerTable: z.string() }),
  errors: {
    'Object.Rejected': 'The command ended with exit code 65; the cause holds its reasons as JSON.',
    'Object.LeaseLost': 'Another execution has taken the object over.',
    'Command.Failed': 'The command ended with an exit code other than 0, 65 and 75.',
    'Command.TimedOut': 'The command ran longer than its execution timeout.',
    'Command.Cancelled': 'Somebody cancelled the command.',
    'Command.Undeliverable': 'No instance took the command, as often as it was tried.',
    'Command.RetriesExhausted': 'The command asked to be tried again, with exit code 75, more often than is allowed.',
    'Command.DeadlineExceeded': 'The command had not ended by its deadline, queueing included.',
    'Instance.Lost': 'The instance died or lost its agent while the command ran, more often than is allowed.',
    'Instance.LaunchFailed': 'EC2 refuses to launch the instance as the launch template describes it.',
    'Fleet.NoInstance': 'Until the deadline no instance was running with its agent online, or none could be launched.',
  },
  run: ({ object }, context) => {
    const { settings } = context;
    return enterOperation(
      {
        object,
        partition: fleetPartition(settings.fleet.id),
        deadlineSeconds: settings.deadlineSeconds,
        create: (common) => ({ ...common, kind: 'command', settings, progress: { phase: 'queued', listed: true } }),
      },
      context,
    );
  },
});

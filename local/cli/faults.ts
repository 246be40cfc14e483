/** What `--fault` can break: each fault with what it does and what the workflow makes of it. */
import type { Simulation } from '../simulation';
import { UsageError } from './usage-error';

/** Something to break in a run. */
export interface Fault {
  /** What happens, in one sentence. */
  readonly effect: string;
  /** How the run is expected to end. */
  readonly expectation: string;
  /** Breaks the simulation before anything is uploaded. */
  readonly breakSimulation?: (simulation: Simulation) => void;
  /** Changes the content of every file that is uploaded. */
  readonly damage?: (body: Uint8Array) => Uint8Array;
}

const offlineMinutes = 20;

/** Services whose events tell that a long operation has moved on. */
const relayedSources = ['aws.ssm', 'aws.ec2', 'aws.backup'];

const faults = {
  'lost-event': {
    effect:
      'No event of Systems Manager, EC2 or Backup is delivered: nobody is told that a command, an image or a backup has ended.',
    expectation: 'Each wait looks again by itself, later; the object is stored, with a few more transitions.',
    breakSimulation: ({ services }) =>
      services.events.interceptDelivery((delivery, delayMs, deliver) => {
        if (!relayedSources.includes(delivery.event.source)) deliver(delivery, delayMs);
      }),
  },
  'failed-command': {
    effect: 'The command on the instance ends with exit code 1 and a message on standard error.',
    expectation: 'The execution fails where it happened, the cause is kept, the instance is free again; exit code 1.',
    breakSimulation: ({ services }) =>
      services.ssm.commands.answer(() => ({
        exitCode: 1,
        standardError: 'report: no space left on device (made up by --fault failed-command)\n',
      })),
  },
  'agent-offline': {
    effect: `The agents of all instances are offline for the first ${offlineMinutes} minutes.`,
    expectation: 'The object waits in its one state for an instance that answers, and is then stored.',
    breakSimulation: ({ services, clock }) => {
      const switchAgents = (online: boolean): void => {
        for (const instanceId of services.ec2.instances.all.keys()) services.ssm.agents.set(instanceId, { online });
      };
      switchAgents(false);
      clock.schedule(offlineMinutes * 60_000, () => switchAgents(true));
    },
  },
  'bad-object': {
    effect: 'Only the first half of every file arrives, as after a broken upload.',
    expectation:
      'The command finds the damage and rejects the object: it goes to quarantine with its reasons; exit code 1.',
    damage: (body) => body.subarray(0, Math.floor(body.length / 2)),
  },
} as const satisfies Record<string, Fault>;

/** The names that `--fault` takes. */
export const faultNames: readonly string[] = Object.keys(faults);

/** Finds a fault by its name. */
export function findFault(name: string | undefined): Fault | undefined {
  if (name === undefined) return undefined;
  if (Object.hasOwn(faults, name)) return faults[name as keyof typeof faults];
  throw new UsageError({
    what: 'There is no such fault',
    where: '--fault',
    got: name,
    allowed: faultNames.join(', '),
    fix: 'name one of them; object-workflow run --help explains each',
  });
}

/** The part of `--help` that explains the faults. */
export function describeFaults(): string {
  const lines = Object.entries<Fault>(faults).map(
    ([name, { effect, expectation }]) => `  ${name}\n    ${effect}\n    ${expectation}`,
  );
  return ['Faults:', ...lines].join('\n');
}

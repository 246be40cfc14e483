/** What an example's `demo.ts` exports, so that `npm run demo -- --example <name>` can tell its story, and what stories share. */
import type { Simulation } from 'cdk-object-workflow/local';

/** What a demonstration gets from the command line. */
export interface DemonstrationOptions {
  /** Tells whoever watches one line. */
  readonly say: (line: string) => void;
  /** Stay up after the story, so that a person can go on by hand, until `interrupted` is aborted. */
  readonly serve: boolean;
  /** Aborted by Ctrl+C. A demonstration ends everything it has started before its promise resolves. */
  readonly interrupted: AbortSignal;
}

/** Tells an example's story against simulated services: real code, real HTTP on 127.0.0.1, virtual time.
 * @throws Error when something did not happen as the story says, so that the command fails */
export type Demonstration = (options: DemonstrationOptions) => Promise<void>;

/** Lets days pass in which nobody works. What only looks for work is switched off meanwhile, so that they pass in seconds; nights
 * go on: backups are made, and what is old enough moves to the archive.
 * @param schedules Construct paths of the rules that look for work. */
export async function passQuietDays(simulation: Simulation, schedules: readonly string[], days: number): Promise<void> {
  const names = schedules.map((path) => simulation.physicalId(path, 'AWS::Events::Rule'));
  for (const Name of names) await simulation.call('events', 'DisableRule', { Name });
  await simulation.advance(days * 24 * 60 * 60 * 1000);
  for (const Name of names) await simulation.call('events', 'EnableRule', { Name });
}

/** What an example's `demo.ts` exports, so that `npm run demo -- --example <name>` can tell its story. */

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

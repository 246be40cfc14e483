/** Owns the shape of every message about a wrong construct: what happened, where, what was given, what is allowed, what to do. */

/** What a message about a wrong construct says. */
export interface Misuse {
  /** Present tense, without a full stop. */
  readonly what: string;
  /** Path of the construct. */
  readonly where: string;
  readonly got: string;
  readonly allowed: string;
  readonly fix: string;
}

/** Renders the message. Values are cut at 200 characters.
 * @example misuseMessage({ what: 'A prefix is empty', where: this.node.path, got: '""', allowed: 'a text', fix: 'leave it out' }) */
export function misuseMessage({ what, where, got, allowed, fix }: Misuse): string {
  return `${what}, at ${where}\n  got: ${got.slice(0, 200)}\n  allowed: ${allowed}\n  fix: ${fix}`;
}

/** The same as an error to throw where the construct is made. */
export function misuse(parts: Misuse): Error {
  return new Error(misuseMessage(parts));
}

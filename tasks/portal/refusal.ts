/** How the portal refuses: a status and a body that a page can show. */
import type { RejectionReason } from '../object-reference';
import type { Problem } from './messages';

/** Statuses of refusals. */
export type RefusalStatus = 400 | 403 | 404 | 409 | 422;

/** A request that cannot be done, for a reason of the caller's. */
export class Refusal extends Error {
  constructor(
    readonly status: RefusalStatus,
    readonly code: string,
    message: string,
    readonly reasons?: readonly RejectionReason[],
  ) {
    super(message);
    this.name = code;
  }

  get body(): Problem {
    return { error: this.code, message: this.message, ...(this.reasons && { reasons: [...this.reasons] }) };
  }
}

/** What somebody else's upload looks like as well: who asks learns nothing about it. */
export function notFound(): Refusal {
  return new Refusal(404, 'NotFound', 'You have no such upload');
}

/** A request that is answered with a problem instead of what it asked for. */
import type { FieldProblems } from './customer';
import type { ProblemCode } from './messages';

const statuses = {
  INVALID: 422,
  CPF_TAKEN: 409,
  EMAIL_TAKEN: 409,
  CHANGED_MEANWHILE: 412,
  NOT_FOUND: 404,
  NOT_SIGNED_IN: 401,
  NOT_ALLOWED: 403,
  TOO_MANY_REQUESTS: 429,
  TOO_MANY_ATTACHMENTS: 409,
  NOT_READY: 409,
  ARCHIVED: 409,
  TOO_LARGE: 413,
  TRY_AGAIN: 503,
  FAILED: 500,
} as const satisfies Readonly<Record<ProblemCode, number>>;

/** Thrown anywhere in the application. Carries nothing that a person has typed. */
export class Problem extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly fields: FieldProblems = {},
    options?: ErrorOptions,
  ) {
    super(code, options);
  }

  get status(): (typeof statuses)[ProblemCode] {
    return statuses[this.code];
  }
}

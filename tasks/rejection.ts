/** How the reasons for a rejection travel: as JSON in an error's message, because an error carries nothing else between states. */
import * as z from 'zod';
import { beginningOf } from './bounded-text';
import { rejectionReason, type RejectionReason } from './object-reference';
import { TaskError } from './task-error';

const reasonsText = z.object({ reasons: z.array(rejectionReason).min(1) });
/** What a rejection may take in the record, in the execution's output and in the file beside the copy. */
const maximumReasons = 20;
const maximumCodeLength = 64;
const maximumMessageLength = 2048;

const lambdaCause = z.object({ errorMessage: z.string() });

/** Makes the error that rejects an object, for validators and any other task.
 * @example throw rejectObject([{ code: 'ByValidator', message: 'the column "amount" is missing', accepted: 'the columns date, amount' }]); */
export function rejectObject(reasons: readonly RejectionReason[]): TaskError {
  return new TaskError('Object.Rejected', rejectionCause(reasons));
}

/** Writes reasons as the text that `parseRejection` reads. */
export function rejectionCause(reasons: readonly RejectionReason[]): string {
  return JSON.stringify({ reasons });
}

/** Reads the reasons from the cause that a catcher gets, whoever threw the error.
 * @param cause The text of `rejectObject`, alone or inside the JSON that Lambda makes of an error; any other text is taken as
 * one reason of its own.
 * @returns at most 20 reasons, each cut to 2,048 characters */
export function parseRejection(cause: string): RejectionReason[] {
  const lambda = lambdaCause.safeParse(parseJson(cause));
  const text = lambda.success ? lambda.data.errorMessage : cause;
  const parsed = reasonsText.safeParse(parseJson(text));
  const reasons = parsed.success ? parsed.data.reasons : [{ code: 'ByValidator', message: text }];
  return reasons.slice(0, maximumReasons).map(({ code, message, accepted }) => ({
    code: beginningOf(code, maximumCodeLength),
    message: beginningOf(message, maximumMessageLength),
    ...(accepted !== undefined && { accepted: beginningOf(accepted, maximumMessageLength) }),
  }));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How the reasons for a rejection travel: as JSON in an error's message, because an error carries nothing else between states. */
import * as z from 'zod';
import { rejectionReason, type RejectionReason } from './object-reference';
import { TaskError } from './task-error';

const reasonsText = z.object({ reasons: z.array(rejectionReason).min(1) });
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
 * one reason of its own. */
export function parseRejection(cause: string): RejectionReason[] {
  const lambda = lambdaCause.safeParse(parseJson(cause));
  const text = lambda.success ? lambda.data.errorMessage : cause;
  const parsed = reasonsText.safeParse(parseJson(text));
  return parsed.success ? parsed.data.reasons : [{ code: 'ByValidator', message: text }];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Reads timestamps as the language defines them: the RFC 3339 profile of ISO 8601, with a T and a zone. */

const pattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d\d):?(\d\d))$/;

/** Milliseconds since 1970, or undefined when the text is no timestamp. */
export function parseTimestamp(text: string): number | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute] = match.slice(1, 6).map(Number) as [number, number, number, number, number];
  const second = Number(match[6] ?? 0);
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const instant = Date.UTC(year, month - 1, day, hour, minute, second);
  // The calendar of JavaScript rolls the 30th of February over; the language has no such day.
  if (month < 1 || month > 12 || new Date(instant).getUTCDate() !== day) return undefined;
  const fractionMs = Number(`0.${match[7] ?? 0}`) * 1000;
  const offsetMinutes = match[8] === undefined ? 0 : Number(match[9]) * 60 + Number(match[10]);
  return instant + fractionMs - (match[8] === '-' ? -offsetMinutes : offsetMinutes) * 60_000;
}

/** An instant as the context object and the service's answers write it. */
export function formatTimestamp(epochMs: number): string {
  // Virtual time stands still while states follow one another: the same instant is asked for again and again.
  if (epochMs !== lastFormatted.epochMs) lastFormatted = { epochMs, text: new Date(epochMs).toISOString() };
  return lastFormatted.text;
}

let lastFormatted = { epochMs: 0, text: '1970-01-01T00:00:00.000Z' };

/** Simple values as text: in headers, query parameters, form fields and XML. */
import { MalformedRequestError } from './message';
import type { Shape, TimestampFormat } from './shape';

/** Reads a simple value from its text.
 * @param timestampFormat How an instant is written at this place when the model does not say. */
export function scalarFromText(shape: Shape, text: string, timestampFormat: TimestampFormat): unknown {
  switch (shape.kind) {
    case 'number':
      return readNumber(text);
    case 'boolean':
      return text === 'true';
    case 'blob':
      return new Uint8Array(Buffer.from(text, 'base64'));
    case 'timestamp':
      return readInstant(text, shape.format ?? timestampFormat);
    default:
      return text;
  }
}

/** Writes a simple value as text. */
export function scalarToText(shape: Shape, value: unknown, timestampFormat: TimestampFormat): string {
  if (value instanceof Date)
    return writeInstant(
      value,
      shape.kind === 'timestamp' && shape.format !== undefined ? shape.format : timestampFormat,
    );
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return String(value);
}

function readNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) {
    throw new MalformedRequestError('InvalidArgument', `Provided argument is not a number: ${text}`);
  }
  return value;
}

function readInstant(text: string, format: TimestampFormat): Date {
  return format === 'epoch-seconds' ? new Date(Number(text) * 1000) : new Date(text);
}

function writeInstant(instant: Date, format: TimestampFormat): string {
  if (format === 'epoch-seconds') return String(instant.getTime() / 1000);
  return format === 'http-date' ? instant.toUTCString() : instant.toISOString();
}

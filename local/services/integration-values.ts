/** Turns answers of services into the JSON that a Task state sees. */
import type { JsonValue } from '../states-language/engine';

/** As Step Functions renders what the SDK gave it: instants as ISO 8601 text, bytes as text, absent members left out. */
export function toJson(value: unknown): JsonValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
    return value;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Set) return [...value].map(toJson);
  if (typeof value === 'object') {
    const members = Object.entries(value).filter(([name, item]) => item !== undefined && name !== '$metadata');
    return Object.fromEntries(members.map(([name, item]) => [name, toJson(item)]));
  }
  return String(value);
}

/** `stateMachineArn` becomes `StateMachineArn`, at every depth. */
export function pascalCaseKeys(value: unknown): Readonly<Record<string, unknown>> {
  return renameKeys(value, (name) => name.slice(0, 1).toUpperCase() + name.slice(1)) as Readonly<
    Record<string, unknown>
  >;
}

/** `StateMachineArn` becomes `stateMachineArn`, at every depth. */
export function camelCaseKeys(value: unknown): Readonly<Record<string, unknown>> {
  return renameKeys(value, (name) => name.slice(0, 1).toLowerCase() + name.slice(1)) as Readonly<
    Record<string, unknown>
  >;
}

function renameKeys(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renameKeys(item, rename));
  if (typeof value !== 'object' || value === null || value instanceof Date || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [rename(name), renameKeys(item, rename)]));
}

/** Adds what optimized integrations tell about the HTTP exchange. */
export function withMetadata(members: JsonValue, requestId: string, nowMs: number): JsonValue {
  const contentLength = String(Buffer.byteLength(JSON.stringify(members)));
  const headers = {
    Connection: 'keep-alive',
    'Content-Length': contentLength,
    'Content-Type': 'application/x-amz-json-1.0',
    Date: new Date(nowMs).toUTCString(),
    'x-amzn-RequestId': requestId,
  };
  return {
    ...(members as Readonly<Record<string, JsonValue>>),
    SdkHttpMetadata: {
      AllHttpHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
      HttpHeaders: headers,
      HttpStatusCode: 200,
    },
    SdkResponseMetadata: { RequestId: requestId },
  };
}

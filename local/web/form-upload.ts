/** Uploads by form (POST Object): the form's fields, and the policy that they must keep.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html (read 2026-11) */
import { ServiceError } from '../services/service';
import type { WebRequest } from './listener';

/** A form as it was sent. */
export interface UploadForm {
  /** By lower-case name, in the order in which they came before the file. */
  readonly fields: ReadonlyMap<string, string>;
  readonly file: Uint8Array;
  readonly fileName: string;
}

/** Reads `multipart/form-data`. Fields after the file do not count, as on AWS.
 * @throws ServiceError MalformedPOSTRequest, InvalidArgument */
export async function readForm({ headers, body }: WebRequest): Promise<UploadForm> {
  const contentType = headers['content-type'] ?? '';
  let form: FormData;
  try {
    form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  } catch {
    throw new ServiceError(
      'MalformedPOSTRequest',
      'The body of your POST request is not well-formed multipart/form-data.',
    );
  }
  const fields = new Map<string, string>();
  for (const [name, value] of form.entries()) {
    if (name.toLowerCase() !== 'file') {
      if (typeof value === 'string') fields.set(name.toLowerCase(), value);
      continue;
    }
    const isFile = typeof value !== 'string';
    const file = isFile ? new Uint8Array(await value.arrayBuffer()) : Buffer.from(value);
    return { fields, file, fileName: isFile ? value.name : '' };
  }
  throw new ServiceError('InvalidArgument', 'POST requires exactly one file upload per request.', 400, {
    ArgumentName: 'file',
    ArgumentValue: '0',
  });
}

/** Fields that no condition has to name. */
const free = (name: string): boolean =>
  ['x-amz-signature', 'file', 'policy', 'awsaccesskeyid', 'signature'].includes(name) || name.startsWith('x-ignore-');

/** Checks a form against its policy.
 * @param bucket The bucket that the form was sent to; counts as a field.
 * @throws ServiceError AccessDenied with S3's words, EntityTooLarge, EntityTooSmall, InvalidPolicyDocument */
export function checkPolicy(policyText: string, form: UploadForm, bucket: string, nowMs: number): void {
  const { expiration, conditions } = readPolicy(policyText);
  if (!(Date.parse(expiration) > nowMs)) throw denied('Policy expired.');
  const fields = new Map(form.fields).set('bucket', bucket);
  const named = new Set<string>();
  for (const condition of conditions) {
    if (isRange(condition)) checkSize(condition, form.file.length);
    else named.add(checkCondition(condition, fields));
  }
  const extra = [...form.fields.keys()].filter((name) => !named.has(name) && !free(name));
  if (extra.length > 0) throw denied(`Extra input fields: ${extra.join(', ')}`);
}

type Condition = readonly [string, string, string];
type Range = readonly ['content-length-range', number, number];

interface Policy {
  readonly expiration: string;
  readonly conditions: readonly (Condition | Range)[];
}

function readPolicy(text: string): Policy {
  try {
    const policy = JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as {
      readonly expiration: string;
      readonly conditions: readonly (readonly unknown[] | Readonly<Record<string, string>>)[];
    };
    const conditions = policy.conditions.flatMap((condition) =>
      Array.isArray(condition)
        ? [condition as unknown as Condition | Range]
        : Object.entries(condition as Readonly<Record<string, string>>).map(([name, value]): Condition => [
            'eq',
            `$${name}`,
            value,
          ]),
    );
    return { expiration: policy.expiration, conditions };
  } catch (error) {
    throw new ServiceError('InvalidPolicyDocument', `Invalid Policy: ${(error as Error).message}`);
  }
}

function isRange(condition: Condition | Range): condition is Range {
  return condition[0].toLowerCase() === 'content-length-range';
}

function checkSize([, minimum, maximum]: Range, sizeBytes: number): void {
  if (sizeBytes > Number(maximum)) {
    throw new ServiceError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', 400, {
      ProposedSize: sizeBytes,
      MaxSizeAllowed: Number(maximum),
    });
  }
  if (sizeBytes < Number(minimum)) {
    throw new ServiceError('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', 400, {
      ProposedSize: sizeBytes,
      MinSizeAllowed: Number(minimum),
    });
  }
}

/** @returns the field that the condition is about */
function checkCondition(condition: Condition, fields: ReadonlyMap<string, string>): string {
  const [operator, variable, value] = condition;
  const name = variable.replace(/^\$/, '').toLowerCase();
  const actual = fields.get(name) ?? '';
  // A list of types is compared one by one.
  const values = name === 'content-type' && operator === 'starts-with' ? actual.split(',') : [actual];
  const holds = operator === 'starts-with' ? values.every((one) => one.startsWith(value)) : actual === value;
  if (!holds) throw denied(`Policy Condition failed: ${JSON.stringify(condition).replaceAll(',', ', ')}`);
  return name;
}

function denied(why: string): ServiceError {
  return new ServiceError('AccessDenied', `Invalid according to Policy: ${why}`, 403);
}

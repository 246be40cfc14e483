/** Sends a file to its bucket: as one form, or in parts of which each is tried several times and none is sent twice. */
import type { StoredParts, Transfer } from '../tasks/portal/messages';
import type { Api } from './api';

/** What a transfer tells while it goes on. */
export interface TransferListener {
  readonly onProgress: (sentBytes: number) => void;
  readonly signal: AbortSignal;
}

const attempts = 5;
const parallelParts = 3;

/** S3 has refused the file. */
export class TransferError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(`${status} ${code}`);
  }
}

/** Sends the whole file as one form. */
export async function sendForm(
  file: File,
  { address, fields }: Extract<Transfer, { kind: 'form' }>,
  listener: TransferListener,
): Promise<void> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  // S3 reads nothing that comes after the file.
  form.append('file', file);
  await retry(() => send('POST', address, {}, form, file.size, listener), listener.signal);
}

/** Sends the parts that have not arrived.
 * @param stored What has arrived by an earlier try. */
export async function sendParts(
  file: File,
  id: string,
  { partBytes, partCount, parts }: StoredParts,
  api: Api,
  listener: TransferListener,
): Promise<void> {
  const sentBytes = new Map(parts.map(({ partNumber, sizeBytes }) => [partNumber, sizeBytes]));
  const report = (): void => listener.onProgress([...sentBytes.values()].reduce((sum, bytes) => sum + bytes, 0));
  report();
  const missing = Array.from({ length: partCount }, (_, index) => index + 1)
    .filter((partNumber) => !sentBytes.has(partNumber))
    .values();
  const sendPart = async (partNumber: number): Promise<void> => {
    const part = file.slice((partNumber - 1) * partBytes, partNumber * partBytes);
    const sha256 = await checksum(part);
    await retry(async () => {
      // Signed for each try: an address is good for minutes, and a sleeping laptop is not.
      const { address, headers } = await api.signPart(id, { partNumber, sha256 });
      const onProgress = (bytes: number): void => {
        sentBytes.set(partNumber, bytes);
        report();
      };
      await send('PUT', address, headers, part, part.size, { ...listener, onProgress });
    }, listener.signal);
  };
  const sendMissing = async (): Promise<void> => {
    for (const partNumber of missing) await sendPart(partNumber);
  };
  await Promise.all(Array.from({ length: parallelParts }, sendMissing));
}

async function checksum(part: Blob): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await part.arrayBuffer()));
  return btoa(String.fromCharCode(...digest));
}

/** Waits longer each time. What S3 has refused for good is not tried again. */
async function retry(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const isFinal =
        error instanceof TransferError && error.status >= 400 && error.status < 500 && error.status !== 408;
      if (signal.aborted || isFinal || attempt === attempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2 ** attempt * 250 * (0.5 + Math.random())));
    }
  }
}

/** Sends one request. `fetch` does not tell how much of it has left. */
function send(
  method: string,
  address: string,
  headers: Readonly<Record<string, string>>,
  body: FormData | Blob,
  sizeBytes: number,
  { onProgress, signal }: TransferListener,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, address);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => onProgress(Math.min(loaded, sizeBytes));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        onProgress(sizeBytes);
        resolve();
      } else {
        reject(new TransferError(request.status, /<Code>(\w+)</.exec(request.responseText)?.[1] ?? ''));
      }
    };
    request.onerror = () => reject(new TransferError(0, 'Network'));
    request.onabort = () => reject(new TransferError(0, 'Aborted'));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(body);
  });
}

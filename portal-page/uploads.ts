/** The visitor's uploads as the page knows them: what the API says of them, and what is being sent from here. */
import type { RejectionReason } from '../tasks/object-reference';
import type { Transfer, Upload } from '../tasks/portal/messages';
import { ApiError, type Api } from './api';
import { sendForm, sendParts, TransferError } from './transfer';

/** A file that this page sends, or was refused. */
export interface Sending {
  /** Names it on this page; the upload's id once there is one. */
  readonly id: string;
  readonly file: File;
  readonly sentBytes: number;
  readonly phase: 'announcing' | 'sending' | 'interrupted' | 'refused';
  /** Why it was refused: codes of the workflow, of S3 or of the API. */
  readonly reasons: readonly RejectionReason[];
}

/** What the page shows. */
export interface UploadsState {
  readonly sending: readonly Sending[];
  /** Newest first. */
  readonly uploads: readonly Upload[];
  /** Whether there are older ones. */
  readonly hasMore: boolean;
  readonly isLoaded: boolean;
  /** Whether the last try to reach the API failed. */
  readonly isOffline: boolean;
}

const shortestPollMs = 1000;
const longestPollMs = 30_000;
const ends: ReadonlySet<string> = new Set(['STORED', 'REJECTED', 'FAILED', 'EXPIRED']);

/** Whether nothing will happen to an upload any more. */
export function hasEnded({ state }: Upload): boolean {
  return ends.has(state);
}

/** Keeps the state, sends files and asks the API how they are. */
export class Uploads {
  state: UploadsState = { sending: [], uploads: [], hasMore: false, isLoaded: false, isOffline: false };
  private readonly listeners = new Set<() => void>();
  private readonly transfers = new Map<string, AbortController>();
  private pollMs = shortestPollMs;
  private timer: number | undefined;
  private count = 0;
  private next: string | undefined;

  constructor(private readonly api: Api) {
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.pollSoon());
    window.addEventListener('online', () => this.pollSoon());
    window.addEventListener('beforeunload', (event) => this.transfers.size > 0 && event.preventDefault());
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Asks at once, and again and again while something is on its way. */
  pollSoon(): void {
    this.pollMs = shortestPollMs;
    void this.poll();
  }

  async showOlder(): Promise<void> {
    const page = await this.api.list(this.next);
    this.next = page.next;
    this.change({ uploads: [...this.state.uploads, ...page.uploads], hasMore: page.next !== undefined });
  }

  /** Announces and sends a file. */
  async add(file: File): Promise<void> {
    const id = `file-${++this.count}`;
    this.change({ sending: [{ id, file, sentBytes: 0, phase: 'announcing', reasons: [] }, ...this.state.sending] });
    try {
      const { upload, transfer } = await this.api.create({
        fileName: file.name,
        sizeBytes: file.size,
        contentType: file.type === '' ? 'application/octet-stream' : file.type,
      });
      this.update(id, { id: upload.id, phase: 'sending' });
      await this.transfer(upload.id, file, transfer);
    } catch (error) {
      this.update(id, refusalOf(error));
    }
  }

  /** Takes an upload in parts up again.
   * @returns false when it is not the same file */
  async resume(upload: Upload, file: File): Promise<boolean> {
    if (file.size !== upload.sizeBytes || file.name !== upload.fileName || upload.parts === undefined) return false;
    const others = this.state.sending.filter(({ id }) => id !== upload.id);
    const sending: Sending = { id: upload.id, file, sentBytes: 0, phase: 'sending', reasons: [] };
    this.change({ sending: [sending, ...others] });
    await this.transfer(upload.id, file, { kind: 'parts', ...upload.parts });
    return true;
  }

  /** Goes on with a file that this page still has. */
  retry({ id, file }: Sending): void {
    const upload = this.state.uploads.find((known) => known.id === id);
    if (upload?.parts !== undefined) void this.resume(upload, file);
    else {
      this.dismiss(id);
      if (upload !== undefined) void this.remove(id);
      void this.add(file);
    }
  }

  dismiss(id: string): void {
    this.change({ sending: this.state.sending.filter((sending) => sending.id !== id) });
  }

  /** Stops sending and gives the upload up. */
  async remove(id: string): Promise<void> {
    this.transfers.get(id)?.abort();
    this.dismiss(id);
    this.change({ uploads: this.state.uploads.filter((upload) => upload.id !== id) });
    await this.api.remove(id).catch(() => undefined);
  }

  private async transfer(id: string, file: File, transfer: Transfer): Promise<void> {
    const abort = new AbortController();
    this.transfers.set(id, abort);
    const onProgress = (sentBytes: number): void => this.update(id, { sentBytes });
    const listener = { onProgress, signal: abort.signal };
    try {
      if (transfer.kind === 'form') await sendForm(file, transfer, listener);
      else await sendParts(file, id, await this.api.storedParts(id), this.api, listener);
      const upload = await this.api.complete(id);
      this.change({ uploads: [upload, ...this.state.uploads.filter((known) => known.id !== id)] });
      this.dismiss(id);
    } catch (error) {
      if (!abort.signal.aborted) this.update(id, refusalOf(error));
    } finally {
      this.transfers.delete(id);
      this.pollSoon();
    }
  }

  private async poll(): Promise<void> {
    window.clearTimeout(this.timer);
    try {
      const page = await this.api.list();
      const oldest = page.uploads.at(-1)?.id ?? '';
      const older = page.next === undefined ? [] : this.state.uploads.filter(({ id }) => id < oldest);
      const uploads = [...page.uploads, ...older];
      const isNews = JSON.stringify(uploads) !== JSON.stringify(this.state.uploads);
      this.pollMs = isNews ? shortestPollMs : Math.min(longestPollMs, this.pollMs * 1.5);
      if (older.length === 0) this.next = page.next;
      this.change({ uploads, hasMore: this.next !== undefined, isLoaded: true, isOffline: false });
    } catch {
      this.pollMs = Math.min(longestPollMs, this.pollMs * 2);
      this.change({ isOffline: true });
    }
    const isWatched = document.visibilityState === 'visible';
    const isWorthwhile = this.state.isOffline || this.state.uploads.some((upload) => !hasEnded(upload));
    if (isWatched && isWorthwhile) this.timer = window.setTimeout(() => void this.poll(), this.pollMs);
  }

  private update(id: string, changes: Partial<Sending>): void {
    this.change({
      sending: this.state.sending.map((sending) => (sending.id === id ? { ...sending, ...changes } : sending)),
    });
  }

  private change(changes: Partial<UploadsState>): void {
    this.state = { ...this.state, ...changes };
    for (const listener of this.listeners) listener();
  }
}

/** What cannot be put right by another try is a refusal; anything else is an interruption. */
function refusalOf(error: unknown): Pick<Sending, 'phase' | 'reasons'> {
  if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 401) {
    const { reasons, error: code = 'Refused', message = '' } = error.problem;
    return { phase: 'refused', reasons: reasons ?? [{ code, message }] };
  }
  if (error instanceof TransferError && error.code.startsWith('Entity')) {
    return { phase: 'refused', reasons: [{ code: error.code, message: error.message }] };
  }
  return { phase: 'interrupted', reasons: [] };
}

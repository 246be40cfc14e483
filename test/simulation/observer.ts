/** Watches the calls of a simulation as the services answer them, and notes at once what must never happen. */
import type { ProgressEvent } from '../../local';
import { fromItem } from '../../tasks/attribute-values';

interface Holder {
  readonly operationId: string;
  readonly leaseExpiresAtMs: number;
}

type Items = readonly {
  readonly Put?: { readonly Item: Readonly<Record<string, never>> };
  readonly Delete?: { readonly Key: Readonly<Record<string, never>> };
}[];

/** Given to a simulation as `onEvent`. */
export class Observer {
  readonly violations: string[] = [];
  /** Lines of what happened, when they are asked for. */
  readonly lines: string[] = [];
  callCount = 0;
  private readonly slots = new Map<string, Holder>();
  private startMs: number | undefined;
  private stop: () => void = () => undefined;
  /** Resolves when there were more calls than any work needs: something turns in circles. */
  readonly overrun = new Promise<void>((resolve) => (this.stop = resolve));

  constructor(
    private readonly maximumCalls: number,
    private readonly keepsLines: boolean,
  ) {}

  get isOverrun(): boolean {
    return this.callCount > this.maximumCalls;
  }

  readonly see = (event: ProgressEvent): void => {
    this.startMs ??= event.atMs;
    if (event.kind === 'call') {
      this.callCount++;
      if (this.isOverrun) this.stop();
      if (event.operation === 'TransactWriteItems' && event.error === undefined) this.seeWrites(event);
    }
    if (this.keepsLines) this.note(event);
  };

  private seeWrites({ input, atMs }: Extract<ProgressEvent, { kind: 'call' }>): void {
    for (const { Put, Delete } of input['TransactItems'] as Items) {
      const item = fromItem(Put?.Item ?? Delete?.Key ?? {}) as Readonly<Record<string, string | number>>;
      const { pk, sk } = item as { pk: string; sk: string };
      if (!sk.startsWith('slot#')) continue;
      const key = `${pk} ${sk}`;
      const holder = this.slots.get(key);
      if (Delete !== undefined) {
        this.slots.delete(key);
        continue;
      }
      const taker = item as unknown as Holder;
      const isTaken = holder !== undefined && holder.operationId !== taker.operationId;
      if (isTaken && holder.leaseExpiresAtMs > atMs) this.violations.push(`law 4: two operations hold ${sk} at once`);
      this.slots.set(key, taker);
    }
  }

  private note(event: ProgressEvent): void {
    const seconds = ((event.atMs - this.startMs!) / 1000).toFixed(1).padStart(10);
    switch (event.kind) {
      case 'call': {
        const input = JSON.stringify(event.input) ?? '';
        const failed = event.error === undefined ? '' : ` → ${event.error}`;
        this.lines.push(
          `${seconds} ${event.caller.slice(0, 40)} ${event.service}:${event.operation}${failed} ${input.slice(0, 300)}`,
        );
        break;
      }
      case 'event':
        this.lines.push(
          `${seconds} event ${event.event['detail-type']} ${JSON.stringify(event.event.detail).slice(0, 160)}`,
        );
        break;
      case 'history': {
        const { type } = event.event;
        const details = event.event['stateEnteredEventDetails'] as { name?: string } | undefined;
        if (details !== undefined || /Failed|TimedOut|Aborted|Execution/.test(type))
          this.lines.push(`${seconds} ${event.executionName.slice(0, 12)} ${type} ${details?.name ?? ''}`);
        break;
      }
      case 'log':
        break;
    }
  }
}

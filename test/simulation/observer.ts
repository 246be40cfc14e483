/** Watches a simulation as it goes, and notes at once what must never happen at any moment. */
import type { ProgressEvent } from '../../local';
import { fromItem } from '../../tasks/attribute-values';
import { fleetPartition } from '../../tasks/operations/operation';
import { operationIdOf } from './known-operations';

/** One call, as the service answered it. */
type CallEvent = Extract<ProgressEvent, { kind: 'call' }>;
type HistoryProgress = Extract<ProgressEvent, { kind: 'history' }>;
type PlainValues = Readonly<Record<string, unknown>>;

interface Holder {
  readonly operationId: string;
  readonly instanceId: string;
  readonly leaseExpiresAtMs: number;
}

/** What a record says, by its last write. */
interface KnownRecord {
  readonly owner: string;
  readonly isRunning: boolean;
  /** Up to which redrive of its owner it was closed for having failed.
   * @default - it was not */
  readonly failedRedriveCount?: number | undefined;
}

type Items = readonly {
  readonly Put?: { readonly Item: Readonly<Record<string, never>> };
  readonly Delete?: { readonly Key: Readonly<Record<string, never>> };
}[];

/** Who asks whether a command is still waited for, may be slow in sending it. */
const sendingMs = 5 * 60_000;

/** Payloads of Step Functions, and of Lambda for it, in bytes. What is too big for a table, the table refuses. */
const maximumPayloadBytes = 256 * 1024;

/** Calls that carry a payload, and the parameter that holds it. */
const payloads: Readonly<Record<string, string>> = {
  Invoke: 'Payload',
  StartExecution: 'input',
  SendTaskSuccess: 'output',
  SendTaskFailure: 'cause',
};

/** Given to a simulation as `onEvent`. */
export class Observer {
  readonly violations: string[] = [];
  /** Lines of what happened, when they are asked for. */
  readonly lines: string[] = [];
  callCount = 0;
  /** Commands that SSM has accepted: when, by the marker of an operation's try. */
  readonly sentAtMs = new Map<string, number[]>();
  /** By command id: when somebody asked for its end for the first time. */
  readonly cancelledAtMs = new Map<string, number>();
  /** Once somebody has used it. */
  fleetId: string | undefined;
  /** Slots in the order in which they were taken, renewals included. */
  readonly heldInstances: { readonly operationId: string; readonly instanceId: string; readonly atMs: number }[] = [];
  private readonly slots = new Map<string, Holder>();
  private readonly records = new Map<string, KnownRecord>();
  private readonly published = new Map<string, string>();
  private readonly running = new Set<string>();
  /** By ARN: when an execution that is not running has ended. */
  private readonly endedAtMs = new Map<string, number>();
  /** The executions of operations, by the operations' ids. */
  private readonly owners = new Map<string, string>();
  private readonly listeners: ((event: HistoryProgress) => void)[] = [];
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

  /** Tells of every event in a history. */
  onHistory(listener: (event: HistoryProgress) => void): void {
    this.listeners.push(listener);
  }

  readonly see = (event: ProgressEvent): void => {
    this.startMs ??= event.atMs;
    if (event.kind === 'call') this.seeCall(event);
    if (event.kind === 'history') this.seeHistory(event);
    if (this.keepsLines) this.note(event);
  };

  private seeHistory(progress: HistoryProgress): void {
    const { type } = progress.event;
    if (type === 'ExecutionStarted' || type === 'ExecutionRedriven') this.running.add(progress.executionArn);
    else if (/^Execution/.test(type)) {
      this.running.delete(progress.executionArn);
      this.endedAtMs.set(progress.executionArn, progress.atMs);
    }
    for (const listener of this.listeners) listener(progress);
  }

  private seeCall(call: CallEvent): void {
    this.callCount++;
    if (this.isOverrun) this.stop();
    if (call.error !== undefined) return;
    const payload = payloads[call.operation];
    if (payload !== undefined) this.checkSize(call, payload);
    switch (call.operation) {
      case 'TransactWriteItems':
        return this.seeWrites(call);
      case 'UpdateItem':
        return this.seeUpdate(call);
      case 'SendCommand':
        return this.seeCommand(call);
      case 'CancelCommand': {
        const commandId = String(call.input['CommandId']);
        if (!this.cancelledAtMs.has(commandId)) this.cancelledAtMs.set(commandId, call.atMs);
      }
    }
  }

  private checkSize({ service, operation, input, caller }: CallEvent, payload: string): void {
    const bytes = Buffer.byteLength((input[payload] ?? '') as string | Uint8Array);
    if (bytes > maximumPayloadBytes) {
      this.violations.push(`law 7: ${caller} gave ${service}:${operation} ${bytes} bytes`);
    }
  }

  private seeWrites({ input, atMs }: CallEvent): void {
    for (const { Put, Delete } of input['TransactItems'] as Items) {
      const values = (Put?.Item ?? Delete?.Key ?? {}) as Readonly<Record<string, { readonly S: string }>>;
      const [pk, sk] = [values['pk']!.S, values['sk']!.S];
      if (sk === 'operation') this.owners.set(values['id']!.S, values['owner']!.S);
      if (pk.startsWith(fleetPartition(''))) this.fleetId = pk.slice(fleetPartition('').length);
      if (!sk.startsWith('slot#')) continue;
      const key = `${pk} ${sk}`;
      const holder = this.slots.get(key);
      if (Delete !== undefined) {
        this.slots.delete(key);
        continue;
      }
      const taker = fromItem(values) as unknown as Holder;
      const isTaken = holder !== undefined && holder.operationId !== taker.operationId;
      if (isTaken && holder.leaseExpiresAtMs > atMs) this.violations.push(`law 4: two operations hold ${sk} at once`);
      this.slots.set(key, taker);
      this.heldInstances.push({ operationId: taker.operationId, instanceId: taker.instanceId, atMs });
    }
  }

  /** A command is sent only by who holds a slot of the instance. */
  private seeCommand({ input, atMs }: CallEvent): void {
    const marker = String(input['Comment']);
    const [instanceId] = input['InstanceIds'] as readonly string[];
    this.sentAtMs.set(marker, [...(this.sentAtMs.get(marker) ?? []), atMs]);
    const operationId = operationIdOf(marker);
    const holdsSlot = [...this.slots].some(
      ([key, holder]) =>
        (key.includes(`slot#${instanceId}#`) || key.includes('slot#launched#')) && holder.operationId === operationId,
    );
    // Whoever launches an instance knows it only after it has taken its slot.
    if (operationId !== undefined) this.heldInstances.push({ operationId, instanceId: String(instanceId), atMs });
    const owner = this.owners.get(operationId ?? '') ?? '';
    const endedAtMs = this.running.has(owner) ? undefined : this.endedAtMs.get(owner);
    if (endedAtMs !== undefined && atMs > endedAtMs + sendingMs) {
      this.violations.push(`law 4: ${marker} was sent when its execution had ended long ago`);
    }
    if (!holdsSlot) this.violations.push(`law 4: ${marker} was sent to ${instanceId} without one of its slots`);
  }

  private seeUpdate({ input }: CallEvent): void {
    const key = fromItem(input['Key'] as Readonly<Record<string, never>>) as { pk: string; sk: string };
    if (!key.pk.startsWith('object#')) return;
    const text = String(input['UpdateExpression']);
    const values = fromItem((input['ExpressionAttributeValues'] ?? {}) as Readonly<Record<string, never>>);
    const owner = String(values[':me'] ?? values[':owner']);
    if (text.includes('#owner = :me')) this.seeClaim(key.sk, owner);
    if (text.includes('results = :results')) this.seeResults(key.sk, owner, values);
    if (/SET #status = :(status|stored)\b/.test(text)) {
      const { redriveCount } = (values[':noted'] ?? {}) as { readonly redriveCount?: number };
      this.records.set(key.sk, { owner, isRunning: false, failedRedriveCount: redriveCount });
    } else if (values[':running'] !== undefined) {
      if (values[':redriveCount'] !== undefined) this.seeRenewal(key.sk, owner, Number(values[':redriveCount']));
      this.records.set(key.sk, { owner, isRunning: true });
    }
  }

  private seeClaim(sk: string, owner: string): void {
    const known = this.records.get(sk);
    if (known === undefined || known.owner === owner || !known.isRunning || !this.running.has(known.owner)) return;
    this.violations.push(`law 2: ${sk} was taken from an execution that works on it`);
  }

  /** A handler that was late, of an execution that has ended. A redrive may have come in between. */
  private seeRenewal(sk: string, owner: string, redriveCount: number): void {
    const known = this.records.get(sk);
    if (this.running.has(owner) || known?.owner !== owner || (known.failedRedriveCount ?? -1) < redriveCount) return;
    this.violations.push(`law 1: ${sk} was opened again for an execution that has ended`);
  }

  private seeResults(sk: string, owner: string, values: PlainValues): void {
    const { prefix } = values[':results'] as { readonly prefix: string };
    const key = `${sk} ${owner}`;
    const known = this.published.get(key);
    if (known !== undefined && known !== prefix) this.violations.push(`law 2: results of ${sk} were published twice`);
    this.published.set(key, prefix);
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

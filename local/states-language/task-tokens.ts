/** Task tokens: what an outside party shows to complete a task that waits for it. */
import type { RandomSource } from '../random';
import { ServiceError } from '../services/service';
import type { JsonValue, TaskFailure, TaskTokens } from './engine';
import { isTooLarge } from './payload-size';

/** The task behind a token. */
export interface WaitingTask {
  readonly stateMachineArn: string;
  readonly succeed: (output: JsonValue) => void;
  readonly fail: (failure: TaskFailure) => void;
  readonly heartbeat: () => void;
}

/** All tokens of an engine that can still be used. Used and expired ones take no memory:
 * a checksum tells a token that was ours from one that never was. */
export class TaskTokenRegistry implements TaskTokens {
  private readonly waiting = new Map<string, WaitingTask>();

  constructor(private readonly random: RandomSource) {}

  /** Makes a new token: each attempt of a task has its own. */
  create(): string {
    const body = this.random.hex(72);
    return Buffer.from(`${body}${checksum(body)}`, 'hex')
      .toString('base64')
      .replace(/^/, tokenPrefix);
  }

  /** Makes a token usable. @returns a function that makes it stale */
  open(taskToken: string, task: WaitingTask): () => void {
    this.waiting.set(taskToken, task);
    return () => this.waiting.delete(taskToken);
  }

  succeed(taskToken: string, output: JsonValue): void {
    const task = this.find(taskToken);
    if (isTooLarge(output)) {
      throw new ServiceError('InvalidOutput', "Invalid Output: 'Output is larger than 262144 bytes'");
    }
    task.succeed(output);
  }

  fail(taskToken: string, failure: TaskFailure): void {
    this.find(taskToken).fail(failure);
  }

  heartbeat(taskToken: string): void {
    this.find(taskToken).heartbeat();
  }

  machineOf(taskToken: string): string | undefined {
    return this.waiting.get(taskToken)?.stateMachineArn;
  }

  private find(taskToken: string): WaitingTask {
    const task = this.waiting.get(taskToken);
    if (task !== undefined) return task;
    if (!isOurs(taskToken)) throw new ServiceError('InvalidToken', "Invalid Token: 'Invalid token'");
    throw new ServiceError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
  }
}

/** How the service's own tokens begin. */
const tokenPrefix = 'AQC';

function isOurs(taskToken: string): boolean {
  if (!taskToken.startsWith(tokenPrefix)) return false;
  const text = Buffer.from(taskToken.slice(tokenPrefix.length), 'base64').toString('hex');
  return text.length === 80 && checksum(text.slice(0, 72)) === text.slice(72);
}

/** FNV-1a, eight hexadecimal digits. */
function checksum(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

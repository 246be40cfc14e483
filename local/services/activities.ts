/** Activities: tasks that workers fetch by themselves. */
import type { VirtualClock } from '../virtual-clock';
import { ServiceError, type ServiceOutput } from './service';

interface ActivityTask {
  readonly taskToken: string;
  readonly input: string;
  /** Aborted when the state waits no longer. */
  readonly signal: AbortSignal;
}

/** GetActivityTask answers after that long when there is no task. */
const pollMs = 60_000;

/** The tasks that wait for a worker, by activity. */
export class Activities {
  private readonly waiting = new Map<string, ActivityTask[]>();

  constructor(private readonly clock: VirtualClock) {}

  create(arn: string): void {
    this.waiting.set(arn, []);
  }

  /** @throws ServiceError ActivityDoesNotExist */
  add(arn: string, task: ActivityTask): void {
    this.find(arn).push(task);
  }

  /** Hands out the oldest task, once. */
  async getTask(arn: string | undefined): Promise<ServiceOutput> {
    const tasks = this.find(arn ?? '');
    const deadlineMs = this.clock.nowMs() + pollMs;
    for (;;) {
      const task = tasks.shift();
      if (task !== undefined && !task.signal.aborted) return { taskToken: task.taskToken, input: task.input };
      if (task === undefined && this.clock.nowMs() >= deadlineMs) return {};
      if (task === undefined) await this.clock.sleep(Math.min(1000, deadlineMs - this.clock.nowMs()));
    }
  }

  private find(arn: string): ActivityTask[] {
    const tasks = this.waiting.get(arn);
    if (tasks === undefined) throw new ServiceError('ActivityDoesNotExist', `Activity Does Not Exist: '${arn}'`);
    return tasks;
  }
}

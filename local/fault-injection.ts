/** Breaks a simulation as a list of faults says: stands around calls, deliveries and invocations, and notes what it hit. */
import type { ServiceSettings, SimulatedServices } from './compose-services';
import {
  serverFaultCodes,
  throttlingCodes,
  type CallFault,
  type EventFault,
  type Fault,
  type FaultKind,
  type InstanceFault,
  type JobFault,
} from './faults';
import { timedOut, type FunctionError, type FunctionOutcome } from './services/function-definition';
import type { InvocationSupervisor } from './services/function-runner';
import type { DeliveryInterceptor } from './services/event-delivery';
import type { HistoryEvent } from './states-language/engine';
import { operator, ServiceError, type Interceptor, type ServiceCall } from './services/service';
import type { VirtualClock } from './virtual-clock';

/** A fault that has met something to break. */
export interface FaultHit {
  readonly fault: Fault;
  readonly atMs: number;
  /** What it has met: `Relay dynamodb:GetItem`, `aws.ssm`, `i-0123`. */
  readonly subject: string;
}

/** An invocation of a function that is under way. */
interface LivingInvocation {
  readonly caller: string;
  /** Ends it, whatever its code does. */
  readonly end: (error: FunctionError) => void;
}

/** Kinds of faults that happen at an instant, whatever else goes on. */
type TimedFault = Extract<Fault, { readonly atMs: number }>;

/** The faults of one simulation. */
export class FaultInjection {
  /** What was broken so far. */
  readonly hits: FaultHit[] = [];
  /** Calls by caller, and deliveries by source, that could have been broken so far. */
  private readonly counts = new Map<string, number>();
  private readonly callFaults = new Map<string, CallFault[]>();
  private readonly invocations = new Map<string, LivingInvocation>();
  private readonly overtaken = new Map<string, (() => void)[]>();
  /** What happens when a state is entered. */
  private readonly awaited: { readonly fault: TimedFault; readonly happen: (executionArn: string) => void }[] = [];
  private isStopped = false;

  constructor(
    private readonly faults: readonly Fault[],
    private readonly clock: VirtualClock,
  ) {
    for (const fault of faults) {
      if (!('caller' in fault)) continue;
      const others = this.callFaults.get(fault.caller);
      if (others === undefined) this.callFaults.set(fault.caller, [fault]);
      else others.push(fault);
    }
  }

  /** Nothing is broken any more. */
  get hasStopped(): boolean {
    return this.isStopped;
  }

  /** From now on nothing is broken any more. What was delayed stays so. */
  stop(): void {
    this.isStopped = true;
  }

  /** The delays after which reads show what was written, as the faults want them. */
  settings(settings: ServiceSettings): ServiceSettings {
    const late = { ssm: 0, ec2: 0, dynamodb: 0 };
    for (const fault of this.faults) {
      if (fault.kind !== 'late-reads') continue;
      late[fault.service] = fault.delayMs;
      this.hit(fault, fault.service);
    }
    const { ssm, ec2, dynamodb } = late;
    return {
      ...settings,
      ...(ssm > 0 && { ssm: { ...settings.ssm, visibilityDelayMs: ssm } }),
      ...(ec2 > 0 && { ec2: { ...settings.ec2, visibilityDelayMs: ec2 } }),
      ...(dynamodb > 0 && { dynamodb: { ...settings.dynamodb, indexDelayMs: () => dynamodb } }),
    };
  }

  /** Connects what is broken at the services themselves. */
  attach(services: SimulatedServices): void {
    services.events.interceptDelivery(this.interceptDelivery);
    this.answerJobs(services);
    for (const fault of this.faults) {
      if (!('atMs' in fault)) continue;
      const happen = (executionArn?: string): void => {
        this.clock.schedule(fault.atMs, () => !this.isStopped && this.happen(fault, services, executionArn));
      };
      if (fault.entering === undefined) happen();
      else this.awaited.push({ fault, happen });
    }
  }

  /** Told of every event in the history of an execution. */
  seeHistory(executionArn: string, event: HistoryEvent): void {
    const entered = event['stateEnteredEventDetails'] as { readonly name: string } | undefined;
    if (entered === undefined || this.awaited.length === 0) return;
    const time = this.count(entered.name);
    for (const { fault, happen } of this.awaited) {
      if (fault.entering?.state === entered.name && fault.entering.time === time) happen(executionArn);
    }
  }

  /** Gives an invocation an end of its own, for when a fault kills it or it takes longer than it may. */
  readonly supervise: InvocationSupervisor = ({ definition, requestId }) => {
    const path = definition.constructPath.split('/');
    const caller = path.filter((name) => name !== 'Resource').at(-1) ?? definition.name;
    let end: LivingInvocation['end'] = () => undefined;
    const killed = new Promise<FunctionOutcome>((resolve) => {
      end = (error) => resolve({ kind: 'failed', error });
    });
    this.invocations.set(requestId, { caller, end });
    const limit = this.clock.schedule(definition.timeoutSeconds * 1000, () => end(timedOut(definition)), {
      background: true,
    });
    const close = (): void => {
      limit.cancel();
      this.invocations.delete(requestId);
    };
    return { killed, close };
  };

  /** Breaks calls. */
  readonly intercept: Interceptor = (call, next) => {
    const { invocation } = call.principal;
    if (this.hasEnded(call)) return never();
    const living = invocation === undefined ? undefined : this.invocations.get(invocation);
    const caller = living?.caller ?? callerOf(call);
    if (caller === undefined) return next(call);
    const fault = this.nextCallFault(caller, call);
    return fault === undefined ? next(call) : this.hitCall(fault, caller, call, next, living);
  };

  /** The code of an invocation that has ended goes no further. */
  private hasEnded({ principal: { invocation } }: ServiceCall): boolean {
    return invocation !== undefined && !this.invocations.has(invocation);
  }

  /** Counts a call, and finds what breaks it. */
  private nextCallFault(caller: string, { service, operation }: ServiceCall): CallFault | undefined {
    const faults = this.callFaults.get(caller);
    // Nothing will ever ask how many there were.
    if (faults === undefined || this.isStopped) return undefined;
    const name = `${service}:${operation}`;
    const number = this.count(caller);
    const numberOfOperation = this.count(`${caller} ${name}`);
    return faults.find((fault) => {
      if (fault.operation !== undefined && fault.operation !== name) return false;
      const count = fault.operation === undefined ? number : numberOfOperation;
      return fault.call <= count && count < fault.call + fault.times;
    });
  }

  private async hitCall(
    fault: CallFault,
    caller: string,
    call: ServiceCall,
    next: Parameters<Interceptor>[1],
    invocation: LivingInvocation | undefined,
  ): ReturnType<Interceptor> {
    this.hit(fault, `${caller} ${call.service}:${call.operation}`);
    const going = () => (this.hasEnded(call) ? never() : next(call));
    const answer = await this.breakCall(fault, call, going, invocation);
    return this.hasEnded(call) ? never() : answer;
  }

  private async breakCall(
    fault: CallFault,
    call: ServiceCall,
    next: () => ReturnType<Interceptor>,
    invocation: LivingInvocation | undefined,
  ): ReturnType<Interceptor> {
    const { work } = call.principal;
    const kill = (): ReturnType<Interceptor> => {
      if (invocation === undefined) throw serverFault(call);
      invocation.end({
        errorType: 'Runtime.ExitError',
        errorMessage: 'Error: Runtime exited with error: signal: killed',
      });
      return never();
    };
    switch (fault.kind) {
      case 'throttled':
        throw new ServiceError(throttlingCodes[call.service] ?? 'ThrottlingException', 'Rate exceeded', 429);
      case 'failed':
        throw serverFault(call);
      case 'answer-lost':
        await next();
        throw serverFault(call);
      case 'slow': {
        const delayMs = fault.delayMs ?? 1_000;
        await this.clock.pause(delayMs / 2, work);
        const answer = await next();
        await this.clock.pause(delayMs / 2, work);
        return answer;
      }
      case 'crash-before':
        return kill();
      case 'crash-after':
        await next();
        return kill();
      case 'hang':
        if (invocation === undefined) throw serverFault(call);
        // Until its function is stopped for taking too long.
        await this.clock.pause(15 * 60_000, work);
        return never();
    }
  }

  private readonly interceptDelivery: DeliveryInterceptor = (delivery, delayMs, deliver) => {
    const { source } = delivery.event;
    const number = this.count(source);
    const arrive = (extraMs: number): void => deliver(delivery, delayMs + extraMs);
    const overtaken = this.overtaken.get(source) ?? [];
    this.overtaken.delete(source);
    const fault = this.isStopped
      ? undefined
      : this.faults.find(
          (one): one is EventFault => 'source' in one && one.source === source && one.delivery === number,
        );
    if (fault !== undefined) this.hit(fault, source);
    switch (fault?.kind) {
      case undefined:
        arrive(0);
        break;
      case 'event-lost':
        break;
      case 'event-repeated':
        arrive(0);
        arrive(fault.delayMs);
        break;
      case 'event-delayed':
        arrive(fault.delayMs);
        break;
      case 'event-overtaken': {
        let isLeft = false;
        const leave = (): void => {
          if (!isLeft) arrive(1_000);
          isLeft = true;
        };
        this.overtaken.set(source, [leave]);
        this.clock.schedule(fault.delayMs, leave);
      }
    }
    for (const leave of overtaken) leave();
  };

  private answerJobs(services: SimulatedServices): void {
    const counted = (kind: 'image' | 'backup', subject: string): JobFault | undefined => {
      const number = this.count(kind);
      if (this.isStopped) return undefined;
      const fault = this.faults.find(
        (one): one is JobFault => 'job' in one && one.job === number && one.kind.startsWith(`${kind}-`),
      );
      if (fault !== undefined) this.hit(fault, subject);
      return fault;
    };
    services.ec2.images.answer((image) => {
      const fault = counted('image', image.imageId);
      if (fault === undefined) return undefined;
      const { durationMs } = fault;
      return fault.kind === 'image-fails' ? { durationMs, failure: 'Internal error of EC2' } : { durationMs };
    });
    services.backup.jobs.answer((job) => {
      const fault = counted('backup', job.jobId);
      if (fault === undefined) return undefined;
      const { durationMs } = fault;
      return fault.kind === 'backup-slow'
        ? { durationMs }
        : { durationMs, state: backupStates[fault.kind] ?? 'FAILED' };
    });
  }

  private happen(fault: TimedFault, services: SimulatedServices, executionArn: string | undefined): void {
    if (fault.kind === 'execution-stopped') {
      const all = services.states.allExecutions();
      const started =
        executionArn === undefined
          ? all[fault.execution - 1]
          : all.find(({ execution }) => execution.identity.executionArn === executionArn);
      if (started?.execution.status !== 'RUNNING') return;
      this.hit(fault, started.execution.identity.executionName);
      started.execution.stop({ error: 'Operator.Stopped', cause: 'made up by a fault' });
    } else this.breakInstance(fault, services);
  }

  private breakInstance(fault: InstanceFault, { ec2, ssm }: SimulatedServices): void {
    const running = [...ec2.instances.all.values()].filter(({ state }) => state === 'running');
    const instance = running[fault.instance % running.length];
    if (instance === undefined) return;
    this.hit(fault, instance.instanceId);
    switch (fault.kind) {
      case 'instance-dies':
        return ec2.instances.terminate(instance);
      case 'instance-reboots':
        return ec2.instances.reboot(instance);
      case 'agent-offline':
        ssm.agents.set(instance.instanceId, { online: false });
        this.clock.schedule(fault.durationMs, () => ssm.agents.set(instance.instanceId, { online: true }));
    }
  }

  private count(subject: string): number {
    const number = (this.counts.get(subject) ?? 0) + 1;
    this.counts.set(subject, number);
    return number;
  }

  private hit(fault: Fault, subject: string): void {
    this.hits.push({ fault, subject, atMs: this.clock.nowMs() });
  }
}

const backupStates: Readonly<Partial<Record<FaultKind, 'FAILED' | 'PARTIAL' | 'EXPIRED'>>> = {
  'backup-fails': 'FAILED',
  'backup-partial': 'PARTIAL',
  'backup-expires': 'EXPIRED',
};

/** Who makes a call that no function makes.
 * @returns undefined for those whose calls are never broken */
function callerOf({ operation, principal: { id, session } }: ServiceCall): string | undefined {
  if (id === operator.id || session === undefined) return undefined;
  if (id === 'events.amazonaws.com' || operation === 'StartExecution') return 'events';
  return id.endsWith('.amazonaws.com') || session.startsWith('i-') ? undefined : 'execution';
}

function serverFault({ service }: ServiceCall): ServiceError {
  return new ServiceError(serverFaultCodes[service] ?? 'InternalServerError', 'Made up by a fault', 500);
}

/** Code that gets no answer any more. */
function never(): Promise<never> {
  return new Promise<never>(() => undefined);
}

/** Law 4: nothing outlives what it was made for. */
import type { Simulation } from '../../local';
import { launchTagKeys } from '../../tasks/operations/fleet-instances';
import { imageTagKeys } from '../../tasks/operations/image-identity';
import { wasHit } from './excuses';
import { itemsOf, operationIdOf, type Item } from './known-operations';
import type { World } from './laws';
import { neighbourOperation } from './workload';

const minuteMs = 60_000;

/** Within this time the cleaner has cancelled what an execution that ended badly has left, if nothing kept it from that. */
const cleaningMs = 5 * minuteMs;

/** Jobs are shared: there is never a second one of the same kind under way. */
export function checkJobs({ simulation: { services } }: World): string[] {
  const images = [...services.ec2.images.all.values()].map((image) => ({
    of: image.sourceInstanceId,
    fromMs: image.createdAtMs,
    untilMs: image.endedAtMs ?? Infinity,
    what: `image ${image.name}`,
  }));
  const names = images.map(({ what }) => what);
  const twice = names.filter((name, index) => names.indexOf(name) < index);
  const jobs = [...services.backup.jobs.all.values()];
  const overlapping = jobs.filter((job) =>
    jobs.some((other) => other.createdAtMs < job.createdAtMs && job.createdAtMs < (other.completedAtMs ?? Infinity)),
  );
  const atOnce = images.filter((image, index) =>
    images.some((other, place) => place < index && other.of === image.of && image.fromMs < other.untilMs),
  );
  return [
    ...twice.map((name) => `law 4: ${name} was made twice`),
    ...atOnce.map(({ what }) => `law 4: ${what} was made beside another one of the same instance`),
    ...overlapping.map(({ jobId }) => `law 4: backup job ${jobId} was started while another one was under way`),
  ];
}

/** A job that succeeded has served somebody, unless who had asked for it was gone by then: its operation may be there all the
 * same, and be served by a later job, when the cleaner has not found it. */
export function checkServed({ simulation }: World): string[] {
  const operations = itemsOf(simulation).filter(({ sk, kind }) => sk === 'operation' && kind !== 'command');
  const completions = operations.flatMap(({ completion }) => (completion as Completion | undefined) ?? []);
  if (completions.length < operations.length || completions.some(({ kind }) => kind === 'failure')) return [];
  const served = new Set(completions.flatMap(({ output }) => [output?.['imageId'], output?.['backupJobId']]));
  const badEnds = badEndsOf(simulation);
  const gone = operations.filter(({ owner, createdAtMs, completion }) => {
    const wasOpen = (atMs: number): boolean => Number(createdAtMs) <= atMs && atMs < (completion as Completion).atMs;
    return badEnds.get(String(owner))?.some(wasOpen) === true;
  });
  // Who writes down that a job has ended may die before it tells those who wait: they get what the next one made.
  const wasUntold = (completedAtMs: number, endedAtMs: number): boolean =>
    wasHit(simulation, (fault, _, hitAtMs) => 'caller' in fault && endedAtMs <= hitAtMs && hitAtMs <= completedAtMs);
  return jobsMade(simulation)
    .filter(({ id }) => !served.has(id))
    .filter(({ of, atMs, endedAtMs = Infinity }) => {
      const hadAsked = ({ instanceId, createdAtMs }: Item): boolean => instanceId === of && Number(createdAtMs) <= atMs;
      return !operations
        .filter(hadAsked)
        .some(
          (operation) => gone.includes(operation) || wasUntold((operation['completion'] as Completion).atMs, endedAtMs),
        );
    })
    .map(({ id }) => `law 4: job ${id} was made for nobody`);
}

/** The images and recovery points that were made, and when; `of` is the instance of an image. */
function jobsMade({ services }: Simulation) {
  const { ec2, backup } = services;
  return [
    ...[...ec2.images.all.values()]
      .filter(({ tags, failure }) => tags.has(imageTagKeys.job) && failure === undefined)
      .map((image) => ({
        id: image.imageId,
        of: image.sourceInstanceId,
        atMs: image.createdAtMs,
        endedAtMs: image.endedAtMs,
      })),
    ...[...backup.jobs.all.values()]
      .filter(({ state }) => state === 'COMPLETED')
      .map((job) => ({ id: job.jobId, of: undefined, atMs: job.createdAtMs, endedAtMs: job.completedAtMs })),
  ];
}

interface Completion {
  readonly kind: 'success' | 'failure';
  readonly atMs: number;
  readonly output?: Item;
}

/** Commands of executions that ended badly are cancelled, and none is sent twice. */
export function checkCommands(world: World): string[] {
  const { simulation, observer } = world;
  const resent = [...observer.sentAtMs].filter(([, sentAtMs]) => sentAtMs.length > 1);
  // Whoever gets no answer asks again, within the same call.
  const unanswered = ([, sentAtMs]: readonly [string, readonly number[]]): boolean =>
    sentAtMs.slice(0, -1).every((sent) => wasAnswerLost(sent, simulation));
  return [
    ...resent
      .filter((one) => !unanswered(one))
      .map(([marker, sentAtMs]) => `law 2: ${marker} was sent ${sentAtMs.length} times`),
    ...checkOutlived(world),
  ];
}

function wasAnswerLost(sentAtMs: number, simulation: Simulation): boolean {
  return wasHit(
    simulation,
    (fault, subject, atMs) => fault.kind === 'answer-lost' && subject.endsWith('ssm:SendCommand') && atMs === sentAtMs,
  );
}

/** Who cleans up learns of it by an event, and finds the operations by an index. */
function wasCleanerHindered(endedAtMs: number, simulation: Simulation): boolean {
  return wasHit(simulation, (fault, _, atMs) => {
    if (fault.kind === 'late-reads') return fault.service === 'dynamodb';
    if (atMs < endedAtMs || atMs > endedAtMs + cleaningMs) return false;
    if ('source' in fault) return fault.source === 'aws.states';
    return 'caller' in fault && (fault.caller === 'Cleaner' || fault.caller === 'events');
  });
}

/** When executions have failed, or were stopped, by their ARN: with redrives some have more than once. */
function badEndsOf({ executions }: Simulation): ReadonlyMap<string, readonly number[]> {
  return new Map(
    executions.map(({ arn, history }) => [
      arn,
      history.filter(({ type }) => /^Execution(Failed|Aborted|TimedOut)$/.test(type)).map(({ timestamp }) => timestamp),
    ]),
  );
}

function checkOutlived({ simulation, observer }: World): string[] {
  const owners = new Map(
    itemsOf(simulation).flatMap(({ sk, id, owner }) => (sk === 'operation' ? [[id, owner] as const] : [])),
  );
  const badEnds = badEndsOf(simulation);
  return [...simulation.services.ssm.commands.all.values()].flatMap(
    ({ commandId, comment, requestedAtMs, invocations }) => {
      // One that was never delivered has never begun.
      const endOf = ({ endedAtMs, status }: (typeof invocations)[number]): number =>
        endedAtMs ?? (status === 'TimedOut' ? requestedAtMs : Infinity);
      const endedAtMs = Math.max(...invocations.map(endOf));
      const askedAtMs = Math.min(endedAtMs, observer.cancelledAtMs.get(commandId) ?? Infinity);
      const left = badEnds
        .get(String(owners.get(operationIdOf(comment))))
        ?.find(
          (atMs) => requestedAtMs <= atMs && askedAtMs > atMs + cleaningMs && !wasCleanerHindered(atMs, simulation),
        );
      return left === undefined ? [] : [`law 4: command ${commandId} went on after its execution had ended`];
    },
  );
}

/** Everything that was taken is given back. */
export function checkLeaks({ services }: Simulation): string[] {
  const items = itemsOf({ services });
  // What a workflow held that was removed is free when its lease has ended, and taken only by who needs it.
  const left = items.filter(
    ({ sk, operationId }) => /^(slot|waiting)#/.test(String(sk)) && operationId !== neighbourOperation,
  );
  const openOperations = items.filter(({ sk, completion }) => sk === 'operation' && completion === undefined);
  const openCommands = [...services.ssm.commands.all.values()].filter(({ status }) =>
    /Pending|InProgress|Cancelling/.test(status),
  );
  const openImages = [...services.ec2.images.all.values()].filter(({ endedAtMs }) => endedAtMs === undefined);
  const openJobs = [...services.backup.jobs.all.values()].filter(({ completedAtMs }) => completedAtMs === undefined);
  return [
    ...left.map(({ pk, sk }) => `law 4: ${String(pk)} ${String(sk)} is left behind`),
    ...openOperations.map(({ pk, owner }) => `law 4: ${String(pk)} of ${String(owner)} has never ended`),
    ...openCommands.map(({ commandId, status }) => `law 4: command ${commandId} is still ${status}`),
    ...openImages.map(({ name }) => `law 4: image ${name} is still being made`),
    ...openJobs.map(({ jobId }) => `law 4: backup job ${jobId} still runs`),
    ...checkKnown(items, services),
    ...checkLaunched(services),
  ];
}

/** A fleet that follows its queue has no instance when there is nothing to do. */
export function checkFleet({ simulation: { services }, variant }: World): string[] {
  if (variant !== 'scaled') return [];
  return [...services.autoscaling.groups.values()].flatMap(({ members }) =>
    [...members.values()].map(
      ({ instanceId, lifecycleState, isProtected }) =>
        `law 4: instance ${instanceId} is ${lifecycleState}${isProtected ? ', protected' : ''}, and there is nothing to do`,
    ),
  );
}

/** An instance that was launched for one operation ends with it. */
function checkLaunched({ ec2 }: Simulation['services']): string[] {
  return [...ec2.instances.all.values()]
    .filter(({ tags, state }) => tags.has(launchTagKeys.run) && state !== 'terminated')
    .map(({ instanceId, state }) => `law 4: instance ${instanceId} was launched for an operation, and is ${state}`);
}

/** A try of an operation gets one instance, however often it is asked for. */
export function checkLaunches({ simulation: { services } }: World): string[] {
  const runs = [...services.ec2.instances.all.values()].flatMap(({ tags }) => tags.get(launchTagKeys.run) ?? []);
  const twice = new Set(runs.filter((run, index) => runs.indexOf(run) < index));
  return [...twice].map((run) => `law 2: several instances were launched for try ${run}`);
}

/** An image or a backup job that nobody knows of costs money for ever. The last one of a group may wait for the next who asks;
 * until then nobody waits for it, and when it is an image, retention may remove it. */
function checkKnown(items: readonly Item[], services: Simulation['services']): string[] {
  const known = new Set(items.flatMap(({ pk, sk }) => (sk === 'pointer' ? [String(pk)] : [])));
  const begun = new Set(items.flatMap(({ sk, job }) => (sk === 'group' ? [(job as { name?: string })?.name] : [])));
  const images = [...services.ec2.images.all.values()].filter(
    ({ imageId, name, sourceInstanceId, state }) =>
      sourceInstanceId !== undefined && state !== 'deregistered' && !known.has(`image#${imageId}`) && !begun.has(name),
  );
  const jobs = [...services.backup.jobs.all.values()].filter(
    ({ jobId, idempotencyToken }) => !known.has(`backup-job#${jobId}`) && !begun.has(idempotencyToken),
  );
  return [
    ...images.map(({ name }) => `law 4: nobody knows of image ${name}`),
    ...jobs.map(({ jobId }) => `law 4: nobody knows of backup job ${jobId}`),
  ];
}

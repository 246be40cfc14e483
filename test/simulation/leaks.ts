/** Law 4: nothing outlives what it was made for. */
import type { Simulation } from '../../local';
import { fromItem } from '../../tasks/attribute-values';
import { wasHit } from './excuses';
import type { World } from './laws';

type Item = Readonly<Record<string, unknown>>;

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

/** Commands of executions that ended badly are cancelled, and none is sent twice. */
export function checkCommands({ simulation, observer }: World): string[] {
  const resent = [...observer.sentCount].filter(([, count]) => count > 1);
  const mayBeResent = wasHit(
    simulation,
    (fault, subject) => fault.kind === 'answer-lost' && subject.endsWith('ssm:SendCommand'),
  );
  return [
    ...(mayBeResent ? [] : resent.map(([marker, count]) => `law 2: ${marker} was sent ${count} times`)),
    ...(wasCleanerHindered(simulation) ? [] : checkOutlived({ simulation, observer })),
  ];
}

/** Who cleans up learns of it by an event, and finds the operations by an index. */
function wasCleanerHindered(simulation: Simulation): boolean {
  return wasHit(
    simulation,
    (fault) =>
      ('caller' in fault && (fault.caller === 'Cleaner' || fault.caller === 'events')) ||
      ('source' in fault && fault.source === 'aws.states') ||
      (fault.kind === 'late-reads' && fault.service === 'dynamodb'),
  );
}

function checkOutlived({ simulation, observer }: Pick<World, 'simulation' | 'observer'>): string[] {
  const owners = new Map(
    itemsOf(simulation).flatMap(({ sk, id, owner }) => (sk === 'operation' ? [[id, owner] as const] : [])),
  );
  const badEnds = new Map(
    simulation.executions.map(({ arn, history }) => [
      arn,
      history.filter(({ type }) => /^Execution(Failed|Aborted|TimedOut)$/.test(type)).map(({ timestamp }) => timestamp),
    ]),
  );
  return [...simulation.services.ssm.commands.all.values()].flatMap(
    ({ commandId, comment, requestedAtMs, invocations }) => {
      const operationId = /^object-workflow (.*)-\d+$/.exec(comment)?.[1];
      const endedAtMs = Math.max(...invocations.map((invocation) => invocation.endedAtMs ?? Infinity));
      const askedAtMs = Math.min(endedAtMs, observer.cancelledAtMs.get(commandId) ?? Infinity);
      const left = badEnds
        .get(String(owners.get(operationId)))
        ?.find((atMs) => requestedAtMs <= atMs && askedAtMs > atMs + cleaningMs);
      return left === undefined ? [] : [`law 4: command ${commandId} went on after its execution had ended`];
    },
  );
}

/** Everything that was taken is given back. */
export function checkLeaks({ services }: Simulation): string[] {
  const items = itemsOf({ services });
  const left = items.filter(({ sk }) => /^(slot|waiting)#/.test(String(sk)));
  const openCommands = [...services.ssm.commands.all.values()].filter(({ status }) =>
    /Pending|InProgress|Cancelling/.test(status),
  );
  const openImages = [...services.ec2.images.all.values()].filter(({ endedAtMs }) => endedAtMs === undefined);
  const openJobs = [...services.backup.jobs.all.values()].filter(({ completedAtMs }) => completedAtMs === undefined);
  return [
    ...left.map(({ pk, sk }) => `law 4: ${String(pk)} ${String(sk)} is left behind`),
    ...openCommands.map(({ commandId, status }) => `law 4: command ${commandId} is still ${status}`),
    ...openImages.map(({ name }) => `law 4: image ${name} is still being made`),
    ...openJobs.map(({ jobId }) => `law 4: backup job ${jobId} still runs`),
    ...checkKnown(items, services),
  ];
}

/** An image or a backup job that nobody knows of costs money for ever. The last one of a group may wait for the next who asks. */
function checkKnown(items: readonly Item[], services: Simulation['services']): string[] {
  const known = new Set(items.flatMap(({ pk, sk }) => (sk === 'pointer' ? [String(pk)] : [])));
  const begun = new Set(items.flatMap(({ sk, job }) => (sk === 'group' ? [(job as { name?: string })?.name] : [])));
  const images = [...services.ec2.images.all.values()].filter(
    ({ imageId, name, sourceInstanceId }) =>
      sourceInstanceId !== undefined && !known.has(`image#${imageId}`) && !begun.has(name),
  );
  const jobs = [...services.backup.jobs.all.values()].filter(
    ({ jobId, idempotencyToken }) => !known.has(`backup-job#${jobId}`) && !begun.has(idempotencyToken),
  );
  return [
    ...images.map(({ name }) => `law 4: nobody knows of image ${name}`),
    ...jobs.map(({ jobId }) => `law 4: nobody knows of backup job ${jobId}`),
  ];
}

function itemsOf({ services }: Pick<Simulation, 'services'>): Item[] {
  return services.dynamodb.tableNames
    .flatMap((table) => services.dynamodb.items(table))
    .map((item) => fromItem(item as never));
}

/** The laws of design.md §6, checked on a simulation that has come to rest. */
import type { ObjectRecord, Simulation } from '../../local';
import { fromItem } from '../../tasks/attribute-values';
import type { BackupOutcome, ImageOutcome, StoredResults } from '../../tasks/object-reference';
import { resultOf, type SimulatedInstances } from './instances';
import type { Upload } from './workload';

/** What there is to be judged. */
export interface World {
  readonly simulation: Simulation;
  readonly instances: SimulatedInstances;
  readonly uploads: readonly Upload[];
}

/** Checks what must hold whenever nothing is under way, faults or not.
 * @returns what is violated, one sentence each */
export async function checkRest(world: World): Promise<string[]> {
  return [
    ...checkEnds(world),
    ...checkErrors(world),
    ...checkRuns(world),
    ...(await checkResults(world)),
    ...checkRecoveryPoints(world),
    ...checkJobs(world),
    ...checkHistories(world),
  ];
}

/** Checks what must hold once everybody had the time and the occasion to recover. */
export function checkRecovery(world: World): string[] {
  const { simulation } = world;
  const problems: string[] = [];
  for (const upload of announced(world)) {
    const record = recordOf(upload, simulation);
    const { behaviour } = upload.content;
    const expected = behaviour === 'rejects' ? 'REJECTED' : behaviour === 'runs-for-ever' ? 'FAILED' : 'STORED';
    if (record?.status !== expected) {
      problems.push(
        `law 6: ${upload.key} (${behaviour}) is ${record?.status ?? 'unknown'} in the end, not ${expected}`,
      );
    }
  }
  return [...problems, ...checkLeaks(simulation)];
}

/** Objects that at least one execution was started for. */
export function announced({ simulation, uploads }: World): Upload[] {
  const inputs = simulation.executions.map((execution) => JSON.stringify(execution.input));
  return uploads.filter(({ versionId }) => inputs.some((input) => input.includes(versionId)));
}

/** The record of one version. */
export function recordOf({ versionId }: Upload, simulation: Simulation): ObjectRecord | undefined {
  return simulation.records().find((record) => record.sk === `version#${versionId}`);
}

function checkEnds(world: World): string[] {
  const { simulation } = world;
  const owners = new Map(simulation.executions.map((execution) => [execution.arn, execution]));
  const running = simulation.executions
    .filter(({ status }) => status === 'RUNNING')
    .map(({ name, currentStates }) => `law 1: execution ${name} hangs in ${currentStates.join(', ')}`);
  const records = simulation.records().flatMap((record) => {
    if (record['storedAttempt'] !== undefined && record.status !== 'STORED' && record.status !== 'RUNNING') {
      return [`law 2: ${record.key} was stored and is ${record.status} now`];
    }
    if (record.status === 'FAILED' && record['failure'] === undefined)
      return [`law 1: ${record.key} failed for no reason`];
    if (record.status !== 'RUNNING') return [];
    const owner = owners.get(String(record['owner']));
    return [`law 1: ${record.key} is RUNNING for ever: its execution has ended as ${owner?.status}`];
  });
  return [...running, ...records, ...announcedWithoutRecord(world)];
}

/** With what an execution may fail, whatever breaks: the command, the machines, the jobs and people, never the plumbing. */
const acceptableErrors =
  /^(Command\.|Instance\.Lost|Fleet\.NoInstance|Image\.|Backup\.|Object\.LeaseLost|Operator\.Stopped|Operation\.Abandoned)/;

function checkErrors({ simulation }: World): string[] {
  return simulation.executions
    .filter(({ error }) => error !== undefined && !acceptableErrors.test(error))
    .map(({ name, error, cause }) => `law 1: execution ${name} failed with ${error}: ${cause?.slice(0, 200)}`);
}

function announcedWithoutRecord(world: World): string[] {
  return announced(world)
    .filter((upload) => recordOf(upload, world.simulation) === undefined)
    .filter(({ versionId }) =>
      world.simulation.executions.some(
        ({ input, status }) => status === 'SUCCEEDED' && JSON.stringify(input).includes(versionId),
      ),
    )
    .map(({ key }) => `law 1: ${key} is lost: an execution succeeded, and there is no record`);
}

function checkRuns({ simulation, instances }: World): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  const operations = new Map<string, Set<string>>();
  for (const { runId, versionId, attempt } of instances.runs) {
    if (seen.has(runId)) problems.push(`law 2: the command took effect twice for try ${runId}`);
    seen.add(runId);
    const key = `version ${versionId} attempt ${attempt}`;
    operations.set(key, (operations.get(key) ?? new Set()).add(runId.slice(0, runId.lastIndexOf('-'))));
  }
  const redriveCount = Math.max(0, ...simulation.executions.map((execution) => execution.redriveCount));
  for (const [attempt, ids] of operations) {
    if (ids.size > 1 + redriveCount) problems.push(`law 2: ${ids.size} operations ran the command for ${attempt}`);
  }
  return problems;
}

async function checkResults({ simulation, instances, uploads }: World): Promise<string[]> {
  const problems: string[] = [];
  for (const record of simulation.records()) {
    const results = record['results'] as StoredResults | undefined;
    if (results === undefined) {
      if (record.status === 'STORED') problems.push(`law 3: ${record.key} is STORED without results`);
      continue;
    }
    const upload = uploads.find(({ versionId }) => record.sk === `version#${versionId}`);
    const run = instances.runs.find(({ runId }) => results.prefix.endsWith(`/${runId}/`));
    if (run?.hasStored !== true || run.versionId !== upload?.versionId) {
      problems.push(`law 3: ${record.key} names results that no run for it has stored: ${results.prefix}`);
      continue;
    }
    const files = await simulation.results(record).catch((error: Error) => error.message);
    const texts = Array.isArray(files) ? files.map(({ body }) => Buffer.from(body).toString()) : [files];
    if (texts.length !== 1 || texts[0] !== resultOf(upload.content.id)) {
      problems.push(`law 3: ${record.key} has other results than the command wrote: ${texts.join()}`);
    }
  }
  return problems;
}

function checkRecoveryPoints({ simulation }: World): string[] {
  const { ec2, backup } = simulation.services;
  return simulation.records().flatMap((record) => {
    const results = record['results'] as StoredResults | undefined;
    if (record.status !== 'STORED' || results === undefined) return [];
    const storedAtMs = Date.parse(results.storedAt);
    const { backupJobId } = record['recoveryPoint'] as BackupOutcome;
    const { imageId } = record['image'] as ImageOutcome;
    const job = backup.jobs.all.get(backupJobId);
    const image = ec2.images.all.get(imageId);
    return [
      ...(job?.state === 'COMPLETED' ? [] : [`law 5: ${record.key} names a backup job that is ${job?.state}`]),
      ...((job?.createdAtMs ?? 0) >= storedAtMs ? [] : [`law 5: ${record.key} names a backup older than its results`]),
      ...((image?.createdAtMs ?? 0) >= storedAtMs
        ? []
        : [`law 5: ${record.key} names an image older than its results`]),
    ];
  });
}

/** Jobs are shared: there is never a second one of the same kind under way. */
function checkJobs({ simulation: { services } }: World): string[] {
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

/** Far below the quota, and with room for hours of waiting with re-checks. */
const maximumTransitions = 250;

function checkHistories({ simulation }: World): string[] {
  return simulation.executions.flatMap((execution) => [
    ...(execution.history.length < 25_000 ? [] : [`law 7: ${execution.name} has ${execution.history.length} events`]),
    ...(execution.transitions <= maximumTransitions
      ? []
      : [`law 7: ${execution.name} took ${execution.transitions} transitions`]),
  ]);
}

/** Everything that was taken is given back. */
function checkLeaks({ services }: Simulation): string[] {
  const items = services.dynamodb.tableNames
    .flatMap((table) => services.dynamodb.items(table))
    .map((item) => fromItem(item as never) as Readonly<Record<string, unknown>>);
  const left = items.filter(({ sk }) => /^(slot|waiting)#/.test(String(sk)));
  const open = [...services.ssm.commands.all.values()].filter(({ status }) =>
    /Pending|InProgress|Cancelling/.test(status),
  );
  return [
    ...left.map(({ pk, sk }) => `law 4: ${String(pk)} ${String(sk)} is left behind`),
    ...open.map(({ commandId, status }) => `law 4: command ${commandId} is still ${status}`),
  ];
}

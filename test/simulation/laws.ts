/** The laws of design.md §6, checked on a simulation that has come to rest. */
import type { ObjectRecord, Simulation } from '../../local';
import type { SimulatedExecution } from '../../local/simulated-execution';
import type { BackupOutcome, ImageOutcome, StoredResults } from '../../tasks/object-reference';
import type { Variant } from './assembly';
import { checkBudgets, hasExhaustedRetries } from './budget';
import { isExcused, isImagedInstanceGone } from './excuses';
import { resultOf, type Behaviour, type SimulatedInstances } from './instances';
import { checkCopies, checkIntervals, checkKeptImages, checkSnapshots } from './images';
import { checkCommands, checkFleet, checkJobs, checkLaunches, checkLeaks, checkServed } from './leaks';
import type { Observer } from './observer';
import type { Upload, Workload } from './workload';

/** What there is to be judged. */
export interface World {
  readonly variant: Variant;
  readonly simulation: Simulation;
  readonly instances: SimulatedInstances;
  readonly workload: Workload;
  readonly observer: Observer;
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
    ...checkCommands(world),
    ...checkLaunches(world),
    ...checkServed(world),
    ...checkCopies(world),
    ...checkSnapshots(world),
    ...checkIntervals(world),
    ...checkBudgets(world.simulation, world.variant),
    ...checkAccess(world),
  ];
}

/** How the last attempt ends, if it does not end as STORED. */
const expectedStatus: Readonly<Partial<Record<Behaviour, ObjectRecord['status']>>> = {
  rejects: 'REJECTED',
  'runs-for-ever': 'FAILED',
};

/** Checks what must hold once everybody had the time and the occasion to recover. */
export function checkRecovery(world: World): string[] {
  const { simulation } = world;
  const problems: string[] = [];
  for (const upload of announced(world)) {
    const record = recordOf(upload, simulation);
    const { behaviour } = upload.content;
    const expected = expectedStatus[behaviour] ?? 'STORED';
    if (record?.status !== expected) {
      problems.push(
        `law 6: ${upload.key} (${behaviour}) is ${record?.status ?? 'unknown'} in the end, not ${expected}`,
      );
    }
  }
  return [...problems, ...checkLeaks(simulation), ...checkFleet(world), ...checkKeptImages(world)];
}

/** Objects that at least one execution was started for. */
export function announced({ simulation, workload: { uploads } }: World): Upload[] {
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
  return [...running, ...records, ...checkAnnounced(world), ...announcedWithoutRecord(world)];
}

/** An execution fails only with what stood in its way: never with the plumbing, and never because it took too long. */
function checkErrors({ simulation, workload, observer }: World): string[] {
  return simulation.executions.flatMap((execution) => {
    const upload = uploadOf(execution, workload);
    const failures = execution.history.flatMap((event) => {
      const { type, timestamp: failedAtMs } = event;
      if (type === 'ExecutionTimedOut') return [{ error: type, cause: '', failedAtMs }];
      if (type !== 'ExecutionFailed') return [];
      return [{ ...(event['executionFailedEventDetails'] as Failure), failedAtMs }];
    });
    const circumstances = { simulation, workload, observer, execution, upload };
    return failures
      .filter(({ error = '', failedAtMs }) => !isExcused(error, { ...circumstances, failedAtMs }))
      .filter(({ error = '' }) => !hasExhaustedRetries(execution, error))
      .map(({ error, cause }) => `law 1: execution ${execution.name} failed with ${error}: ${cause?.slice(0, 200)}`);
  });
}

interface Failure {
  readonly error?: string;
  readonly cause?: string;
}

function uploadOf({ input }: SimulatedExecution, { uploads }: Workload): Upload | undefined {
  const text = JSON.stringify(input);
  return uploads.find(({ versionId }) => text.includes(versionId));
}

/** Nothing but a lost event keeps an upload from being worked on. */
function checkAnnounced(world: World): string[] {
  const { simulation, workload } = world;
  const unannounced = workload.uploads.length - announced(world).length;
  const lost = simulation.faults.hits.filter(
    ({ fault, subject }) => fault.kind === 'event-lost' && subject === 'aws.s3',
  ).length;
  return unannounced <= lost ? [] : [`law 1: ${unannounced} uploads started nothing, and ${lost} events were lost`];
}

/** Law 6 for those who were redriven when nothing was broken any more.
 * @param redriven Executions that were, and have come to rest. */
export function checkRedriven(redriven: readonly SimulatedExecution[], world: World): string[] {
  return redriven.flatMap((execution) => {
    const { name, status, error = status } = execution;
    const upload = uploadOf(execution, world.workload);
    const behaviour = upload?.content.behaviour ?? 'stores';
    const isGone =
      error === 'Instance.Lost' && isImagedInstanceGone({ ...world, execution, upload, failedAtMs: Infinity });
    const isFine = status === 'SUCCEEDED' || isGone || (lastingErrors[behaviour] ?? []).includes(error);
    return isFine ? [] : [`law 6: execution ${name} (${behaviour}) was redriven and ends again, with ${error}`];
  });
}

/** What a redrive cannot heal: the command fails for the first time now, or what it has left stays damaged. */
const lastingErrors: Readonly<Partial<Record<Behaviour, readonly string[]>>> = {
  'fails-once': ['Command.Failed'],
  'fails-later': ['Command.Failed'],
  'damages-once': ['Results.Invalid'],
  'runs-for-ever': ['Command.TimedOut'],
};

/** Nobody does what the role may not do. */
function checkAccess({ simulation }: World): string[] {
  return simulation.access.requests
    .filter(({ decision }) => !decision.isAllowed)
    .map(({ principal, action, resource }) => `law 8: ${principal} may not ${action} ${resource}`);
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

async function checkResults({ simulation, instances, workload: { uploads } }: World): Promise<string[]> {
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

function checkRecoveryPoints({ simulation, variant }: World): string[] {
  const { ec2, backup } = simulation.services;
  return simulation.records().flatMap((record) => {
    const results = record['results'] as StoredResults | undefined;
    if (record.status !== 'STORED' || results === undefined) return [];
    const storedAtMs = Date.parse(results.storedAt);
    const { backupJobId } = record['recoveryPoint'] as BackupOutcome;
    const job = backup.jobs.all.get(backupJobId);
    const image = ec2.images.all.get((record['image'] as ImageOutcome | undefined)?.imageId ?? '');
    return [
      ...(job?.state === 'COMPLETED' ? [] : [`law 5: ${record.key} names a backup job that is ${job?.state}`]),
      ...((job?.createdAtMs ?? 0) >= storedAtMs ? [] : [`law 5: ${record.key} names a backup older than its results`]),
      ...(variant === 'launches' || (image?.createdAtMs ?? 0) >= storedAtMs
        ? []
        : [`law 5: ${record.key} names an image older than its results`]),
    ];
  });
}

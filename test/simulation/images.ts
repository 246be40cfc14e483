/** Laws 4 and 5 for machine images: copies are where records say, and what is not to be kept is removed everywhere. */
import type { Simulation } from '../../local';
import type { ImageOutcome } from '../../tasks/object-reference';
import { backupIntervalMinutes, copyRegion, imageIntervalMinutes, keptImageCount } from './assembly';
import { wasHit } from './excuses';
import { itemsOf } from './known-operations';
import type { World } from './laws';

const minuteMs = 60_000;

/** Copies that records name are complete, and belong to the very image. */
export function checkCopies({ simulation, variant }: World): string[] {
  if (variant !== 'copies') return [];
  const { ec2 } = simulation.services;
  return simulation.records().flatMap((record) => {
    const image = record['image'] as ImageOutcome | undefined;
    if (record.status !== 'STORED' || image === undefined) return [];
    const copy = image.copies?.find(({ region }) => region === copyRegion);
    if (copy === undefined) return [`law 5: ${record.key} names no copy of its image in ${copyRegion}`];
    const found = ec2.in(copyRegion).images.all.get(copy.imageId ?? '');
    if (copy.state === 'available') {
      const isComplete =
        found?.name === image.imageName && found.endedAtMs !== undefined && found.failure === undefined;
      return isComplete ? [] : [`law 5: ${record.key} names a copy that is not complete: ${copy.imageId}`];
    }
    const hasFailed = wasHit(simulation, (fault, subject) => fault.kind === 'image-fails' && subject === copy.imageId);
    return hasFailed ? [] : [`law 5: the copy that ${record.key} names is ${copy.state}: ${copy.problem}`];
  });
}

/** Where images and backups are made at intervals, one that was made is not followed by another too soon. */
export function checkIntervals({ simulation: { services }, variant }: Pick<World, 'simulation' | 'variant'>): string[] {
  if (variant !== 'scaled') return [];
  const images = [...services.ec2.images.all.values()].map((image) => ({
    ...{ what: `image ${image.name}`, of: image.sourceInstanceId, atMs: image.createdAtMs },
    isMade: image.endedAtMs !== undefined && image.failure === undefined,
    intervalMs: imageIntervalMinutes * minuteMs,
  }));
  const backups = [...services.backup.jobs.all.values()].map((job) => ({
    ...{ what: `backup job ${job.jobId}`, of: job.resourceArn, atMs: job.createdAtMs },
    isMade: job.state === 'COMPLETED',
    intervalMs: backupIntervalMinutes * minuteMs,
  }));
  const jobs = [...images, ...backups];
  return jobs
    .filter(({ of, atMs, intervalMs }) =>
      jobs.some((last) => last.isMade && last.of === of && last.atMs < atMs && atMs < last.atMs + intervalMs),
    )
    .map(({ what }) => `law 4: ${what} was begun too soon after the one before it`);
}

/** No snapshot outlives its image. */
export function checkSnapshots({ simulation }: Pick<World, 'simulation'>): string[] {
  return regions(simulation).flatMap(({ region, images: { all, snapshots } }) => {
    const used = new Set(
      [...all.values()].flatMap(({ state, snapshotIds }) => (state === 'deregistered' ? [] : snapshotIds)),
    );
    return [...snapshots.keys()]
      .filter((snapshotId) => !used.has(snapshotId))
      .map((snapshotId) => `law 4: snapshot ${snapshotId} in ${region} has outlived its image`);
  });
}

/** Of the images, and of their copies, no more are left than are to be kept. */
export function checkKeptImages({ simulation, variant }: Pick<World, 'simulation' | 'variant'>): string[] {
  if (variant !== 'copies') return [];
  const lookedAtMs = lastLookMs(simulation);
  return regions(simulation).flatMap(({ region, images }) =>
    [...images.all.values()]
      .filter(({ state }) => state === 'available')
      .sort((a, b) => b.createdAtMs - a.createdAtMs)
      .slice(keptImageCount)
      // Whoever looked last could not see what came later.
      .filter(({ endedAtMs }) => endedAtMs! < lookedAtMs)
      .map(({ name }) => `law 4: image ${name} in ${region} should have been removed`),
  );
}

/** Images are removed when another one has been made. */
function lastLookMs(simulation: Simulation): number {
  const outcomes = itemsOf(simulation).flatMap(({ sk, pk, latest }) =>
    sk === 'group' && String(pk).startsWith('images#') && latest !== undefined
      ? [(latest as { readonly outcome: ImageOutcome }).outcome]
      : [],
  );
  return Math.max(0, ...outcomes.map(({ finishedAt }) => Date.parse(finishedAt)));
}

function regions({ services: { ec2 } }: Simulation) {
  return [
    { region: 'home', images: ec2.images },
    { region: copyRegion, images: ec2.in(copyRegion).images },
  ];
}

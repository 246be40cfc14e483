/** What people do with the workflow in one simulation: uploads, some of one key and at once, and starts by hand. */
import type { RandomSource } from '../../local/random';
import type { Simulation } from '../../local';
import type { Behaviour, ObjectContent } from './instances';

/** An object that was uploaded. */
export interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
  readonly content: ObjectContent;
}

const minuteMs = 60_000;

/** Time within which everything is uploaded. */
export const uploadSpanMs = 30 * minuteMs;

/** Uploads objects over the first half hour, some of them together, and starts some by hand as well.
 * @returns a list that fills as time goes on */
export function beginWorkload(
  simulation: Simulation,
  random: RandomSource,
  objectCount: number,
  onFailure: (error: unknown) => void,
): Upload[] {
  const uploads: Upload[] = [];
  let atMs = 0;
  for (let index = 0; index < objectCount; index++) {
    if (random.integer(2) === 0) atMs = random.integer(uploadSpanMs);
    const key = `incoming/${random.integer(objectCount)}.csv`;
    const content = drawContent(`${index}`, random);
    const startsByHandAfterMs = random.integer(5) === 0 ? Math.ceil((2 * 60 * minuteMs) ** random.next()) : undefined;
    const force = random.integer(3) === 0;
    simulation.clock.schedule(atMs, () => {
      const work = async (): Promise<void> => {
        const upload = await uploadObject(simulation, key, content);
        uploads.push(upload);
        if (startsByHandAfterMs !== undefined)
          simulation.clock.schedule(startsByHandAfterMs, () => startByHand(simulation, upload, force));
      };
      simulation.clock.track(work).catch(onFailure);
    });
  }
  return uploads;
}

/** Uploads one object. */
export async function uploadObject(simulation: Simulation, key: string, content: ObjectContent): Promise<Upload> {
  const body = JSON.stringify(content);
  const { bucket, versionId } = await simulation.upload({ key, body, contentType: 'text/csv' });
  return { bucket, key, versionId: versionId!, content };
}

/** Starts the workflow for one version, as somebody who is not sure whether it has run. */
export function startByHand(simulation: Simulation, { bucket, key, versionId }: Upload, force = false): void {
  simulation.startExecution({ bucket, key, versionId, ...(force && { force }) });
}

function drawContent(id: string, random: RandomSource): ObjectContent {
  const durationMs = 2_000 + Math.ceil((50 * minuteMs) ** random.next());
  return { id, behaviour: drawBehaviour(random.integer(20)), durationMs };
}

function drawBehaviour(chance: number): Behaviour {
  if (chance < 14) return 'stores';
  if (chance < 16) return 'rejects';
  if (chance < 18) return 'fails-once';
  return chance < 19 ? 'tries-again-once' : 'runs-for-ever';
}

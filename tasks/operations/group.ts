/** What executions that share images or backup jobs know in common: the job of now, and the last that succeeded. */
import * as z from 'zod';

const jobFailure = z.object({
  error: z.string(),
  cause: z.string(),
  /** `never`: no later job can succeed either. `later`: the next job may. `busy`: another job was in the way, which counts for nothing. */
  retry: z.enum(['never', 'later', 'busy']),
});
export type JobFailure = z.output<typeof jobFailure>;

/** One image or backup job: begun by the first who needs it, for all who wait. */
const job = z.object({
  /** Unique among all jobs of its group; AWS is asked for the job under this name, so that asking twice makes one. */
  name: z.string(),
  /** Written before AWS is asked: the job began after this instant. */
  beganAfterMs: z.number(),
  /** What AWS calls it; absent as long as it is not known to have begun. */
  jobId: z.string().optional(),
  /** When AWS said so. It may have refused for long before. */
  begunAtMs: z.number().optional(),
  failure: jobFailure.optional(),
});
export type Job = z.output<typeof job>;

export const group = z.object({
  partition: z.string(),
  version: z.number().int(),
  /** Counts the jobs, from 0 before the first. */
  generation: z.number().int(),
  /** The job that runs, or the last one if it failed. */
  job: job.optional(),
  /** The last job that succeeded, and its result. */
  latest: job
    .pick({ beganAfterMs: true, begunAtMs: true })
    .extend({ outcome: z.record(z.string(), z.unknown()) })
    .optional(),
});
export type Group = z.output<typeof group>;

/** Key of a group's item: beside the list of those who wait for it. */
export function groupKey(partition: string): { pk: string; sk: string } {
  return { pk: partition, sk: 'group' };
}

/** `npm run demo -- --example data-lifecycle`: a log from the login to its recovery, on simulated services, in virtual time. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { simulate, type Simulation } from 'cdk-object-workflow/local';
import type { DemonstrationOptions } from '../demonstration';
import { passQuietDays, type Demonstration } from '../demonstration';
import { drill, schedules, Visitor, type LocalUser } from './local-aws';
import { sampleLog } from './sample-log';
import { DataLifecycleStack } from './stack';

export const ana: LocalUser = { email: 'ana@example.com', password: 'Correct-horse-1' };
export const bruno: LocalUser = { email: 'bruno@example.com', password: 'Battery-staple-2' };

/** Tells the story, and with `--serve` leaves the page to whoever sits here. */
export const demonstration: Demonstration = async (options) => {
  options.say('Synthesizing examples/data-lifecycle …');
  // What CDK finds in the template, a test looks at. It would take longer than the story.
  process.env['CDK_VALIDATION'] ??= 'false';
  const simulation = await simulate(makeStack());
  try {
    const { pages } = await simulation.serve({ users: [ana, bruno] });
    await tell(simulation, pages[0]!, options.say);
  } finally {
    await simulation.close();
  }
  if (options.serve) await serve(options);
};

/** With the feature flags of `cdk.json`, which only the CDK's command reads. */
export function makeStack(): DataLifecycleStack {
  const { context } = JSON.parse(readFileSync(join(__dirname, 'cdk.json'), 'utf8')) as { readonly context: object };
  return new DataLifecycleStack(new App({ context: { ...context } }), 'DataLifecycle');
}

/** The story, on a simulation whose page is served.
 * @throws Error where it goes another way */
export async function tell(simulation: Simulation, page: string, say: DemonstrationOptions['say']): Promise<void> {
  const log = sampleLog();

  const refusal = await Visitor.signIn(page, { ...ana, password: 'guessed' }).catch((error: Error) => error.message);
  say(`login     with a wrong password: ${String(refusal)}`);
  const visitor = await Visitor.signIn(page, ana);
  say(`login     ${ana.email} is signed in`);
  const photo = await visitor.upload('van-7.jpg', 'a photo', 'image/jpeg');
  say(`transfer  van-7.jpg is refused: ${photo.reasons?.[0]?.message}; accepted: ${photo.reasons?.[0]?.accepted}`);
  const { id } = await visitor.upload('van-7.csv', log);
  say(`transfer  van-7.csv, ${Buffer.byteLength(log)} bytes, straight to S3 by a signed form`);

  await simulation.settle();
  tellRun(simulation, say);
  expect((await visitor.follow(id)).state, 'STORED');
  const results = await visitor.download(id);
  say(`results   ${[...results.keys()].join(', ')} downloaded`);
  for (const line of results.get('excursions.csv')!.trimEnd().split('\n').slice(1)) say(`          ${line}`);
  const other = await Visitor.signIn(page, bruno);
  const { status } = await other.call(`GET /uploads/${id}/results/0`);
  expect(status, 404);
  say(`results   ${bruno.email} asks for them: ${status}, not found`);

  await passQuietDays(simulation, schedules, 91);
  tellAging(simulation, say);
  say('drill     with the rights of the drill role alone:');
  await drill(simulation, simulation.records()[0]!.key, (line) => say(`  ${line}`));
  say(`Done in virtual time: ${days(simulation)} days. ${simulation.permissions().denied.length} calls were denied.`);
}

function tellRun(simulation: Simulation, say: DemonstrationOptions['say']): void {
  const [execution] = simulation.executions;
  expect(execution?.status, 'SUCCEEDED');
  const record = simulation.records()[0]! as unknown as Readonly<Record<'image' | 'recoveryPoint' | 'results', object>>;
  const { imageId, instanceId } = record.image as { readonly imageId: string; readonly instanceId: string };
  const { recoveryPointArn } = record.recoveryPoint as { readonly recoveryPointArn: string };
  say(`trigger   the object started the workflow by itself; the fleet grew from no instance to ${instanceId}`);
  say(`image     ${imageId}, named by /data-lifecycle/worker-image for the next workers`);
  say(`backup    ${recoveryPointArn.split(':').at(-1)} holds the results`);
}

function tellAging(simulation: Simulation, say: DemonstrationOptions['say']): void {
  const { bucket, key } = simulation.records()[0]!;
  const original = simulation.services.s3.object(bucket, key)!;
  expect(original.storageClass, 'GLACIER');
  const nights = [...simulation.services.backup.jobs.recoveryPoints.values()].filter(({ resourceArn }) =>
    resourceArn.endsWith(`:${bucket}`),
  );
  say(`archive   91 days later the original is in ${original.storageClass}`);
  say(`backup    ${nights.length} nights made ${nights.length} recovery points of the originals`);
}

/** The page for people, with time that runs sixty times as fast as theirs. */
async function serve({ say, interrupted }: DemonstrationOptions): Promise<void> {
  const simulation = await simulate(makeStack(), { pace: 60 });
  try {
    const { pages } = await simulation.serve({ users: [ana, bruno] });
    say(`\nThe page is at ${pages[0]}`);
    for (const { email, password } of [ana, bruno]) say(`  sign in as ${email} with ${password}`);
    say('  upload a log: npx tsx examples/data-lifecycle/sample-log.ts > van-7.csv');
    say('A minute passes in a second. Ctrl+C ends it.');
    if (!interrupted.aborted) await new Promise((resolve) => interrupted.addEventListener('abort', resolve));
  } finally {
    await simulation.close();
  }
}

function days(simulation: Simulation): number {
  return Math.floor((simulation.clock.nowMs() - Date.UTC(2026, 0, 1)) / 86_400_000);
}

function expect(got: unknown, expected: unknown): void {
  if (got !== expected)
    throw new Error(`The story went another way\n  got: ${String(got)}\n  expected: ${String(expected)}`);
}

/** Results that a plan backs up on a schedule: executions do not wait for it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { simulate } from '../../local';
import { BackupPolicy, InstanceFleet, ObjectStore, ObjectWorkflow, Processor, SnapshotPolicy } from '../../workflow';
import { PermissionJudge } from '../access/permission-judge';
import { SimulatedInstances } from '../simulation/instances';

test('a plan backs the results up when its schedule says so, and executions end without it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'scheduled-backup-'));
  const app = new App({ outdir: folder });
  const stack = new Stack(app, 'Nightly');
  const role = new Role(stack, 'InstanceRole', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
  const workflow = new ObjectWorkflow(stack, 'Workflow', {
    source: { bucket: new ObjectStore(stack, 'Inbox').bucket },
    processor: Processor.fleet(InstanceFleet.fromTag({ key: 'role', value: 'worker', role }), { command: 'true' }),
    snapshot: SnapshotPolicy.never(),
    backup: BackupPolicy.scheduled(Schedule.cron({ hour: '4', minute: '0' }), { deleteAfter: Duration.days(35) }),
  });
  expect(workflow.recovery?.plan).toBeDefined();
  const simulation = await simulate(app.synth().directory, { clients: 'direct' });
  simulation.services.ec2.instances.launch({ tags: new Map([['role', 'worker']]), alreadyRunning: true });
  void new SimulatedInstances(simulation);
  const body = JSON.stringify({ id: 'a', behaviour: 'stores', durationMs: 1000 });
  await simulation.upload({ key: 'a.txt', body, contentType: 'text/plain' });
  await simulation.settle();
  expect(simulation.records()[0]).toMatchObject({ status: 'STORED' });
  expect(simulation.records()[0]).not.toHaveProperty('recoveryPoint');
  const { jobs } = simulation.services.backup;
  expect(jobs.all.size).toBe(0);

  await simulation.advance(48 * 3_600_000);
  expect([...jobs.all.values()].map(({ state }) => state)).toEqual(['COMPLETED', 'COMPLETED']);
  expect([...jobs.recoveryPoints.values()]).toHaveLength(2);
  expect(simulation.permissions().denied).toEqual([]);
  const judge = new PermissionJudge();
  judge.add(simulation);
  expect(judge.problems()).toEqual([]);
  await simulation.close();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

import { simulate } from '../../local';
import { SimulatedInstances } from '../simulation/instances';
import { removeFolders } from './assemblies';
import { Necessity } from './necessity';
import { runReally, synthesize } from './scenarios';

const necessity = new Necessity();

beforeAll(async () => {
  const assembly = synthesize(true);
  const real = await runReally(assembly);
  expect(real.records()).toMatchObject([{ status: 'STORED' }]);
  const simulation = await simulate(assembly, { clients: 'direct' });
  void new SimulatedInstances(simulation);
  const content = { id: 'a', behaviour: 'rejects', durationMs: 1_000 };
  await simulation.upload({ key: 'incoming/a.csv', body: JSON.stringify(content), contentType: 'text/csv' });
  await simulation.settle();
  expect(simulation.records()).toMatchObject([{ status: 'REJECTED' }]);
  for (const one of [real, simulation]) {
    necessity.add(one);
    await one.close();
  }
}, 120_000);
afterAll(removeFolders);

test('with keys of your own and every option, nothing is denied and nothing is too broad', () => {
  expect(necessity.denied).toEqual([]);
  expect(necessity.broad).toEqual([]);
});

test('no use of a key is granted in vain, but what one key for all buckets makes superfluous', () => {
  const vain = necessity.missing(({ action }) => !action.startsWith('kms:'));
  const unexplained = vain.filter(
    (name) =>
      // Quarantine reads the source and writes its bucket, each with its own grant; AWS's policy for backups has its own, too;
      // and nobody was stopped, for whom the cleaner would open the ledger.
      !/^Workflow(QuarantineObject|Recovery|EventsCleaner)Role\w+ \d+ kms:Decrypt$/.test(name),
  );
  expect(unexplained).toEqual([]);
});

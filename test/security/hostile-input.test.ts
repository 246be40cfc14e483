/** Hostile input: a short form of `npm run fuzz`, whole workflows, and each limit that was found missing. */
import { rmSync } from 'node:fs';
import { simulate, type Simulation } from '../../local';
import { printable } from '../../local/cli/text';
import { maximumResultFileCount, parseManifest } from '../../tasks/manifest';
import { beginningOf, endOf } from '../../tasks/bounded-text';
import { parseRejection, rejectionCause } from '../../tasks/rejection';
import { checkObject, validationRules } from '../../tasks/validation-rules';
import { synthesizeWorkflow } from '../simulation/assembly';
import { runCampaign } from './campaign';
import { checkCommandLine } from './command-line-layer';
import { fixedTexts, isPossibleKey } from './hostile-text';

jest.setTimeout(180_000);

test('hostile keys, types, versions and event fields go through claim, parameters and real bash unchanged and unevaluated', async () => {
  const figures = await runCampaign({ runs: 200, seed: 20261122, wholeEvery: 100 });
  const rejected = Object.values(figures.rejected).reduce((sum, count) => sum + count, 0);

  expect(figures.updateExpressions).toBeLessThanOrEqual(4);
  // Nothing is lost: whatever is not processed was refused, with a reason.
  expect(figures.processed + figures.refusedByClaim + rejected).toBe(figures.uploads);
  expect(figures.processed).toBeGreaterThan(figures.uploads / 2);
});

test('hostile words on the command line are refused with exit code 2 and a clear message, and do nothing', async () => {
  expect(await checkCommandLine({ runs: 100, seed: 20261122 })).toBeGreaterThan(500);
});

describe('whole workflows', () => {
  let assembly: string;
  let simulation: Simulation;
  beforeAll(async () => {
    assembly = synthesizeWorkflow({ instanceCount: 16 });
    simulation = await simulate(assembly);
  });
  afterAll(async () => {
    await simulation.close();
    rmSync(assembly, { recursive: true, force: true });
  });

  test('end for every hostile key in REJECTED with a reason, or with the very key in the ledger', async () => {
    simulation.services.ssm.commands.answer(() => ({
      exitCode: 65,
      standardError: '{% $error("evaluated") %}',
      durationMs: 1000,
    }));
    const keys = fixedTexts.map((text) => `incoming/${text}.csv`).filter(isPossibleKey);
    const { bucket: Bucket } = await simulation.upload({ key: 'elsewhere', body: 'x' });
    for (const Key of keys) {
      const described = { ContentType: 'text/csv', ContentDisposition: Key, Metadata: { [Key]: Key } };
      await simulation.call('s3', 'PutObject', { Bucket, Key, Body: Buffer.from('x'), ...described });
    }
    await simulation.settle();

    const records = simulation.records();
    let quarantinedCount = 0;
    expect(records.map(({ key }) => key).sort()).toEqual(keys.sort());
    for (const record of records) {
      expect([record.key, record.status]).toEqual([record.key, 'REJECTED']);
      const [reason] = (record['rejection'] as { reasons: { code: string; message: string }[] }).reasons;
      expect(reason!.code).toBe(record.key.includes('\0') ? 'UnsafeKey' : 'ByCommand');
      expect(reason!.message).not.toBe('');
      const { quarantined } = record['rejection'] as { readonly quarantined?: { bucket: string; key: string } };
      if (quarantined === undefined) continue;
      const { bucket, key } = quarantined;
      const [copy] = simulation.services.s3.versions(bucket).filter((version) => version.key === key);
      const [name, value] = Object.entries(copy!.metadata)[0]!;
      expect([name, value]).toEqual([record.key.toLowerCase(), record.key]);
      quarantinedCount++;
    }
    expect(quarantinedCount).toBeGreaterThan(40);
    expect(simulation.executions.every(({ status }) => status === 'SUCCEEDED')).toBe(true);
  });
});

describe('limits', () => {
  test('a manifest of millions of lines is refused before it is taken apart', () => {
    const text = '\n'.repeat(15 * 1024 * 1024 - 1);
    const before = process.memoryUsage().heapUsed;
    expect(() => parseManifest(text)).toThrow(/too many files/);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(32 * 1024 * 1024);
    expect(maximumResultFileCount).toBe(10_000);
  });

  test('a Content-Type of kilobytes is rejected, because it would not fit beside the key', () => {
    const head = { $metadata: {}, ContentLength: 1, ContentType: `text/csv; a=${'x'.repeat(4000)}` };
    expect(checkObject('a.csv', head, validationRules.parse({}))).toMatchObject([{ code: 'WrongContentType' }]);
  });

  test('the reasons of a validator are cut to what the record and the output can hold', () => {
    const reasons = Array.from({ length: 500 }, () => ({
      code: 'c'.repeat(1e4),
      message: 'm'.repeat(1e4),
      accepted: 'a'.repeat(1e4),
    }));
    const parsed = parseRejection(rejectionCause(reasons));
    expect(Buffer.byteLength(JSON.stringify(parsed))).toBeLessThan(100_000);
    expect(parsed[0]).toMatchObject({ message: 'm'.repeat(2048) });
  });

  test('a text is never cut into halves of a character, which services refuse as JSON', () => {
    expect([beginningOf('a🎉', 2), endOf('🎉a', 2)].map((text) => Buffer.from(text).toString() === text)).toEqual([
      true,
      true,
    ]);
  });

  test('the terminal shows what would end a line, command it or turn the direction of writing', () => {
    expect(printable('a\nincoming/b.csv  STORED\u001b[2J\u202egnp\u200b')).toBe(
      'a\\x0aincoming/b.csv  STORED\\x1b[2J\\u202egnp\\u200b',
    );
  });
});

/** An instance that lies, through the deployed workflow: it cannot publish, touch what others published, or exhaust a function;
 * and what everybody logged on the way holds no task token. */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { simulate, type ObjectRecord, type Simulation } from '../../local';
import type { ScriptRequest, ScriptResult } from '../../local/services/ssm-model';
import { synthesizeWorkflow } from '../simulation/assembly';

jest.setTimeout(180_000);

const sha256 = (body: string | Uint8Array): string => createHash('sha256').update(body).digest('base64');
const line = (path: string, body: string, claimed: { sha256?: string; sizeBytes?: string } = {}): string =>
  `${claimed.sha256 ?? sha256(body)}\t${claimed.sizeBytes ?? String(Buffer.byteLength(body))}\t${Buffer.from(path).toString('base64')}\n`;

/** Writes what a lie needs, and says how the command ends. */
type Lie = (worker: Worker) => Promise<ScriptResult | void>;

/** What an instance can do: write anywhere under operations/. */
interface Worker {
  readonly prefix: string;
  readonly put: (key: string, body: string | Uint8Array) => Promise<void>;
}

const honest: Lie = async ({ prefix, put }) => {
  await put(`${prefix}files/a`, 'honest');
  await put(`${prefix}manifest.tsv`, line('a', 'honest'));
};

/** Lies about results, each with what the execution says of it. */
const lies: Readonly<Record<string, readonly [Lie, RegExp]>> = {
  'a manifest that names files of others': [
    async ({ prefix, put }) => put(`${prefix}manifest.tsv`, line('../../honest/files/a', 'honest')),
    /does not stay below RESULTS_DIR/,
  ],
  'an absolute path': [
    async ({ prefix, put }) => put(`${prefix}manifest.tsv`, line('/etc/passwd', 'x')),
    /RESULTS_DIR/,
  ],
  'another checksum': [
    async ({ prefix, put }) => {
      await put(`${prefix}files/a`, 'real');
      await put(`${prefix}manifest.tsv`, line('a', 'real', { sha256: sha256('fake') }));
    },
    /other content/,
  ],
  'another size': [
    async ({ prefix, put }) => {
      await put(`${prefix}files/a`, 'real');
      await put(`${prefix}manifest.tsv`, line('a', 'real', { sizeBytes: '5000000000' }));
    },
    /another size/,
  ],
  'a size beyond every limit': [
    async ({ prefix, put }) => put(`${prefix}manifest.tsv`, line('a', 'x', { sizeBytes: '9999999999' })),
    /too big/,
  ],
  'files that do not exist': [async ({ prefix, put }) => put(`${prefix}manifest.tsv`, line('a', 'x')), /is missing/],
  'results only outside of its prefix': [
    async ({ put }) => {
      await put('operations/elsewhere/files/a', 'x');
      await put('operations/elsewhere/manifest.tsv', line('a', 'x'));
    },
    /there is no manifest/,
  ],
  'success without a manifest': [async () => undefined, /there is no manifest/],
  'one file twice': [
    async ({ prefix, put }) => {
      await put(`${prefix}files/a`, 'x');
      await put(`${prefix}manifest.tsv`, line('a', 'x') + line('a', 'x'));
    },
    /names a file twice/,
  ],
  'ten million files': [
    async ({ prefix, put }) => put(`${prefix}manifest.tsv`, '\n'.repeat(10_000_000)),
    /too many files/,
  ],
  'a manifest without end': [
    async ({ prefix, put }) => put(`${prefix}manifest.tsv`, Buffer.alloc(15 * 1024 * 1024 + 1, 0x41)),
    /the manifest is too big/,
  ],
  'a manifest that is not text': [
    async ({ prefix, put }) => put(`${prefix}manifest.tsv`, Buffer.from([0xff, 0xfe, 0x00, 0x0a])),
    /a line is damaged/,
  ],
  'names that are not UTF-8': [
    async ({ prefix, put }) =>
      put(`${prefix}manifest.tsv`, `${sha256('x')}\t1\t${Buffer.from([0xff]).toString('base64')}\n`),
    /not UTF-8/,
  ],
  'a manifest that is cut off': [
    async ({ prefix, put }) => put(`${prefix}manifest.tsv`, line('a', 'x').slice(0, -1)),
    /cut off/,
  ],
  'megabytes of last words': [
    async () => ({ exitCode: 1, standardError: '\u001b[2J\0🎉'.repeat(1_000_000) }),
    /exit code 1/,
  ],
  'output without end': [async () => ({ exitCode: 'never', standardError: 'x'.repeat(10_000_000) }), /ran longer than/],
};

let assembly: string;
let simulation: Simulation;
/** Every task token that Step Functions gave to a function. */
const tokens = new Set<string>();
/** Reads of manifests, by key. */
const manifestReads = new Map<string, number>();
let honestRecord: ObjectRecord;

beforeAll(async () => {
  assembly = synthesizeWorkflow();
  simulation = await simulate(assembly);
  simulation.cloud.intercept((call, next) => {
    const token = call.input['taskToken'];
    if (typeof token === 'string') tokens.add(token);
    const key = String(call.input['Key']);
    const isTask = call.principal.id !== 'user';
    if (isTask && call.operation === 'GetObject' && key.endsWith('manifest.tsv'))
      manifestReads.set(key, (manifestReads.get(key) ?? 0) + 1);
    return next(call);
  });
  simulation.services.ssm.commands.answer(lie);
  await simulation.upload({ key: 'incoming/honest.csv', body: 'x' });
  await simulation.upload({ key: 'incoming/megabytes of reasons.csv', body: 'x' });
  for (const name of Object.keys(lies)) await simulation.upload({ key: `incoming/${name}.csv`, body: 'x' });
  await simulation.settle();
  honestRecord = recordOf('honest');
});
afterAll(async () => {
  await simulation.close();
  rmSync(assembly, { recursive: true, force: true });
});

async function lie(request: ScriptRequest): Promise<ScriptResult> {
  const decode = (name: string): string => Buffer.from(request.parameters[name]![0]!, 'base64').toString();
  const key = /OBJECT_KEY=incoming\/(.*)\.csv\0/.exec(decode('Environment'))![1]!;
  const [, Bucket, prefix] = /^s3:\/\/([^/]+)\/(.*)$/.exec(decode('ResultsLocation')) as unknown as string[];
  const put: Worker['put'] = async (Key, text) => {
    const Body = Buffer.from(text as string);
    await simulation.call('s3', 'PutObject', { Bucket, Key, Body, ChecksumSHA256: sha256(Body) });
  };
  if (key === 'megabytes of reasons') return { exitCode: 65, standardError: '\u001b[2J\n🎉'.repeat(1_000_000) };
  return (await (lies[key]?.[0] ?? honest)({ prefix: prefix!, put })) ?? { exitCode: 0 };
}

function recordOf(name: string): ObjectRecord {
  return simulation.records().find(({ key }) => key === `incoming/${name}.csv`)!;
}

describe('an instance that lies', () => {
  test.each(Object.entries(lies))('cannot publish with %s', (name, [, cause]) => {
    const record = recordOf(name);

    expect([record.status, 'results' in record]).toEqual(['FAILED', false]);
    expect((record['failure'] as { cause: string }).cause).toMatch(cause);
    expect((record['failure'] as { cause: string }).cause).toMatch(/fix: /);
  });

  test('does not touch what an honest one publishes', async () => {
    expect(honestRecord.status).toBe('STORED');
    const results = await simulation.results(honestRecord);
    expect(results.map(({ path, body }) => [path, Buffer.from(body).toString()])).toEqual([['a', 'honest']]);
  });

  test('may reject with megabytes of reasons, of which the end is kept', () => {
    const record = recordOf('megabytes of reasons');
    const { reasons } = record['rejection'] as { reasons: { message: string }[] };

    expect(record.status).toBe('REJECTED');
    expect(reasons[0]!.message.length).toBeLessThanOrEqual(2048);
    expect(Buffer.from(reasons[0]!.message).toString()).toBe(reasons[0]!.message);
  });

  test('cannot make a payload, a record or a history grow beyond its limit', () => {
    for (const { history, output, cause } of simulation.executions) {
      expect(history.length).toBeLessThan(25_000);
      expect(JSON.stringify(output ?? '').length).toBeLessThan(32_768);
      expect((cause ?? '').length).toBeLessThan(32_768);
      for (const event of history) expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(262_144);
    }
    for (const record of simulation.records()) expect(Buffer.byteLength(JSON.stringify(record))).toBeLessThan(65_536);
  });

  test('cannot show the one manifest to the check and another to the publication: it is read once', () => {
    const reads = [...manifestReads.values()];
    expect(reads.length).toBeGreaterThan(10);
    expect(Math.max(...reads)).toBe(1);
  });
});

describe('task tokens', () => {
  const withToken = (texts: readonly string[]): string[] =>
    texts.filter((text) => [...tokens].some((token) => text.includes(token)));

  test('were given out in these runs', () => {
    expect(tokens.size).toBeGreaterThan(Object.keys(lies).length);
  });

  test('are in no log, whatever succeeded or failed', () => {
    const lines = simulation.services.logs.events().map(({ message }) => message);
    expect(lines.length).toBeGreaterThan(30);
    expect(withToken(lines)).toEqual([]);
  });

  test('are in no parameter of a command, which every event of it shows', () => {
    const commands = [...simulation.services.ssm.commands.all.values()];
    expect(commands.length).toBeGreaterThan(Object.keys(lies).length);
    expect(
      withToken(commands.map(({ givenParameters, comment }) => JSON.stringify([givenParameters, comment]))),
    ).toEqual([]);
  });

  test('are in no record, cause or output that people read', () => {
    const shown = simulation.executions.map(({ output, cause, input }) => JSON.stringify([output, cause, input]));
    expect(withToken([...shown, ...simulation.records().map((record) => JSON.stringify(record))])).toEqual([]);
  });
});

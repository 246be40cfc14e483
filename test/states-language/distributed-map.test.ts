import type { EngineHost, JsonValue } from '../../local/states-language';
import { Bench, chain, detailsOf, failed, lambda, succeeded, types } from './machine';

const pass = { StartAt: 'P', States: { P: { Type: 'Pass', End: true } } };
const task = {
  StartAt: 'T',
  States: {
    T: { Type: 'Task', Resource: lambda, Arguments: '{% $states.input %}', Output: '{% $states.result %}', End: true },
  },
};

function map(fields: object, processor: object = pass, executionType = 'STANDARD'): object {
  const ItemProcessor = { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: executionType }, ...processor };
  return {
    QueryLanguage: 'JSONata',
    StartAt: 'M',
    States: { M: { Type: 'Map', ItemProcessor, End: true, ...fields } },
  };
}

class Bucket {
  readonly written = new Map<string, string>();
  constructor(private readonly files: Record<string, string> = {}) {}

  get host(): Partial<EngineHost> {
    return {
      objects: {
        get: async (_, key) => {
          const text = this.files[key];
          if (text === undefined) throw new Error('The specified key does not exist.');
          return new TextEncoder().encode(text);
        },
        list: async (_, prefix = '') =>
          Object.keys(this.files)
            .filter((key) => key.startsWith(prefix))
            .map((Key) => ({ Key })),
        put: async (_, key, body) => void this.written.set(key, new TextDecoder().decode(body)),
      },
    };
  }
}

const reader = (ReaderConfig: object, action = 'getObject', Arguments: object = { Bucket: 'b', Key: 'items' }) => ({
  ItemReader: { Resource: `arn:aws:states:::s3:${action}`, ReaderConfig, Arguments },
});

async function itemsRead(text: string, config: object, fields: object = {}): Promise<JsonValue | undefined> {
  const bench = new Bench(undefined, new Bucket({ items: text }).host);
  const execution = await bench.run(map({ ...reader(config), ...fields }));
  return execution.status === 'SUCCEEDED'
    ? execution.output
    : { error: execution.error ?? '', cause: execution.cause ?? '' };
}

describe('a map run', () => {
  test('leaves only its own events in the history of its parent', async () => {
    const execution = await new Bench().run(map({ Items: [1, 2], Label: 'Orders' }));
    expect(chain(execution)).toEqual([
      '1<-0 ExecutionStarted',
      '2<-0 MapStateEntered',
      '3<-2 MapStateStarted',
      '4<-3 MapRunStarted',
      '5<-4 MapRunSucceeded',
      '6<-5 MapStateSucceeded',
      '7<-4 MapStateExited',
      '8<-7 ExecutionSucceeded',
    ]);
    expect(detailsOf(execution, 'MapRunStarted')['mapRunArn']).toMatch(
      /^arn:aws:states:us-east-1:111111111111:mapRun:Orders\/Orders:[0-9a-f-]{36}$/,
    );
  });

  test.each(['STANDARD', 'EXPRESS'])('runs each item as a child execution of its own (%s)', async (type) => {
    const bench = new Bench(({ parameters }) => succeeded(parameters));
    const execution = await bench.run(map({ Items: ['a', 'b'], Label: 'L' }, task, type));
    expect(execution.output).toEqual(['a', 'b']);
    const arns = bench.requests.map(({ execution: { arn } }) => arn);
    expect(new Set(arns).size).toBe(2);
    expect(arns[0]).toMatch(type === 'EXPRESS' ? /:express:Orders\/L:/ : /:execution:Orders\/L:/);
    expect(bench.requests[0]!.iterations).toEqual([]);
  });

  test('gives its children no variables from outside', async () => {
    const states = { Set: { Type: 'Pass', Assign: { outer: 1 }, Next: 'M' } };
    const look = { StartAt: 'P', States: { P: { Type: 'Pass', Output: '{% $exists($outer) %}', End: true } } };
    const definition = map({ Items: [1] }, look) as { States: object };
    const execution = await new Bench().run({
      ...definition,
      StartAt: 'Set',
      States: { ...states, ...definition.States },
    });
    expect(execution.output).toEqual([false]);
  });

  test('runs as many children at a time as MaxConcurrency says', async () => {
    const wait = { StartAt: 'W', States: { W: { Type: 'Wait', Seconds: 10, End: true } } };
    const execution = await new Bench().run(map({ Items: [1, 2, 3, 4, 5], MaxConcurrency: 2 }, wait));
    expect(execution.stoppedAtMs! - execution.startedAtMs).toBe(30_000);
  });

  test('stops its children when it is stopped', async () => {
    const bench = new Bench(() => new Promise(() => undefined));
    const execution = bench.start(map({ Items: [1, 2] }, task));
    await bench.clock.runUntilIdle(bench.clock.nowMs() + 1000);
    execution.stop();
    await execution.ended;
    expect(bench.requests.map(({ signal }) => signal.aborted)).toEqual([true, true]);
  });
});

describe('tolerated failures', () => {
  const run = async (fields: object) => {
    const bench = new Bench(({ parameters }) =>
      parameters === 'bad' ? failed('Broken', 'why') : succeeded(parameters),
    );
    return bench.run(map({ Items: ['ok', 'bad', 'ok', 'bad'], MaxConcurrency: 1, ...fields }, task));
  };

  test.each([{ ToleratedFailureCount: 2 }, { ToleratedFailurePercentage: 50 }])(
    'within %j leave out what failed',
    async (fields) => {
      expect((await run(fields)).output).toEqual(['ok', 'ok']);
    },
  );

  test.each([{}, { ToleratedFailureCount: 1 }, { ToleratedFailurePercentage: 49 }])(
    'beyond %j fail the state',
    async (fields) => {
      const execution = await run(fields);
      expect([execution.error, execution.cause]).toEqual([
        'States.ExceedToleratedFailureThreshold',
        'The specified tolerated failure threshold was exceeded',
      ]);
      expect(types(execution).slice(-3)).toEqual(['MapRunFailed', 'MapStateFailed', 'ExecutionFailed']);
    },
  );

  test('a redrive runs the children again that did not succeed, in the same map run', async () => {
    let isFixed = false;
    const bench = new Bench(({ parameters }) =>
      parameters === 'bad' && !isFixed ? failed('Broken') : succeeded(parameters),
    );
    const execution = await bench.run(map({ Items: ['ok', 'bad', 'late'], MaxConcurrency: 1 }, task));
    expect(execution.status).toBe('FAILED');
    isFixed = true;
    execution.redrive();
    await execution.ended;
    expect(execution.output).toEqual(['ok', 'bad', 'late']);
    expect(bench.requests.map(({ parameters }) => parameters)).toEqual(['ok', 'bad', 'bad', 'late']);
    expect(types(execution)).toContain('MapRunRedriven');
    expect(types(execution).filter((type) => type === 'MapRunStarted')).toHaveLength(1);
  });
});

describe('the item reader', () => {
  test('reads CSV with headers in the first row', async () => {
    const text = 'id,name\r\n1,"Smith, ""J"""\r\n2\r\n\r\n3,x,ignored\n4,"two\nlines"';
    expect(await itemsRead(text, { InputType: 'CSV', CSVHeaderLocation: 'FIRST_ROW' })).toEqual([
      { id: '1', name: 'Smith, "J"' },
      { id: '2', name: '' },
      { id: '3', name: 'x' },
      { id: '4', name: 'two\nlines' },
    ]);
  });

  test('reads CSV with given headers and another delimiter', async () => {
    const config = { InputType: 'CSV', CSVHeaderLocation: 'GIVEN', CSVHeaders: ['a', 'b'], CSVDelimiter: 'PIPE' };
    expect(await itemsRead('1|2\n3|4', config)).toEqual([
      { a: '1', b: '2' },
      { a: '3', b: '4' },
    ]);
  });

  test('reads JSON, JSON Lines and a list inside a JSON document', async () => {
    expect(await itemsRead('[1, {"a": 2}]', { InputType: 'JSON' })).toEqual([1, { a: 2 }]);
    expect(await itemsRead('{"a": 1}\n\n{"a": 2}\n', { InputType: 'JSONL' })).toEqual([{ a: 1 }, { a: 2 }]);
    expect(await itemsRead('{"data": {"a/b": [1, 2]}}', { InputType: 'JSON', ItemsPointer: '/data/a~1b' })).toEqual([
      1, 2,
    ]);
  });

  test('reads as many items as MaxItems says', async () => {
    expect(await itemsRead('[1, 2, 3]', { InputType: 'JSON', MaxItems: 2 })).toEqual([1, 2]);
    expect(await itemsRead('[1, 2, 3]', { InputType: 'JSON', MaxItems: '{% 1 %}' })).toEqual([1]);
  });

  test('lists objects, or loads what is in them', async () => {
    const bucket = new Bucket({ 'in/a.json': '[1, 2]', 'in/b.json': '[3]', other: '' });
    const list = (config: object) => map(reader(config, 'listObjectsV2', { Bucket: 'b', Prefix: 'in/' }));
    expect((await new Bench(undefined, bucket.host).run(list({}))).output).toEqual([
      { Key: 'in/a.json' },
      { Key: 'in/b.json' },
    ]);
    const loaded = await new Bench(undefined, bucket.host).run(
      list({ InputType: 'JSON', Transformation: 'LOAD_AND_FLATTEN' }),
    );
    expect(loaded.output).toEqual([1, 2, 3]);
  });

  test('reads an S3 inventory and what Athena left', async () => {
    const bucket = new Bucket({
      items: JSON.stringify({
        destinationBucket: 'arn:aws:s3:::b',
        fileFormat: 'CSV',
        fileSchema: 'Bucket, Key',
        files: [{ key: 'one' }, { key: 'two' }],
      }),
      one: '"b","k1"\n',
      two: '"b","k2"\n',
      athena: 's3://b/x\n',
      x: '{"n":1}\n{"n":2}\n',
    });
    expect((await new Bench(undefined, bucket.host).run(map(reader({ InputType: 'MANIFEST' })))).output).toEqual([
      { Bucket: 'b', Key: 'k1' },
      { Bucket: 'b', Key: 'k2' },
    ]);
    const athena = reader({ ManifestType: 'ATHENA_DATA', InputType: 'JSONL' }, 'getObject', {
      Bucket: 'b',
      Key: 'athena',
    });
    expect((await new Bench(undefined, bucket.host).run(map(athena))).output).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test.each([
    ['no JSON', 'nonsense', { InputType: 'JSON' }, /./],
    ['no list', '{"a":1}', { InputType: 'JSON' }, /^Attempting to map over non-iterable node\.$/],
    ['a negative MaxItems', '[]', { InputType: 'JSON', MaxItems: -1 }, /^field MaxItems must be positive$/],
    [
      'a header twice',
      'a,a\n1,2',
      { InputType: 'CSV', CSVHeaderLocation: 'FIRST_ROW' },
      /^CSV headers cannot contain duplicates\.$/,
    ],
  ])('fails with States.ItemReaderFailed for %s', async (_, text, config, cause) => {
    expect(await itemsRead(text, config)).toEqual({
      error: 'States.ItemReaderFailed',
      cause: expect.stringMatching(cause) as string,
    });
  });

  test('fails with States.ItemReaderFailed for an object that is not there, and can be caught', async () => {
    const bench = new Bench(undefined, new Bucket().host);
    const definition = map({
      ...reader({ InputType: 'JSON' }),
      Catch: [{ ErrorEquals: ['States.ItemReaderFailed'], Next: 'Done' }],
    }) as { States: object };
    const execution = await bench.run({ ...definition, States: { ...definition.States, Done: { Type: 'Succeed' } } });
    expect(execution.output).toEqual({ Error: 'States.ItemReaderFailed', Cause: 'The specified key does not exist.' });
  });

  test('an ItemSelector may fail on what was read', async () => {
    const bench = new Bench(undefined, new Bucket({ items: '[1]' }).host);
    const execution = await bench.run(
      map({ ...reader({ InputType: 'JSON' }), ItemSelector: { x: '{% $states.context.Map.Item.Value.missing %}' } }),
    );
    expect([execution.status, execution.error]).toEqual(['FAILED', 'States.QueryEvaluationError']);
  });

  test('refuses Parquet by name', async () => {
    const execution = await new Bench(undefined, new Bucket({ items: '' }).host).run(
      map(reader({ InputType: 'PARQUET' })),
    );
    expect([execution.status, execution.error]).toEqual(['FAILED', 'Simulator.Unsupported']);
  });
});

describe('batches', () => {
  const batched = async (ItemBatcher: object, Items: JsonValue) =>
    (await new Bench().run(map({ Items, ItemBatcher }))).output;

  test('hold as many items as they may, and the batch input', async () => {
    expect(
      await batched({ MaxItemsPerBatch: 2, BatchInput: { day: '{% $states.context.Execution.Name %}' } }, [1, 2, 3]),
    ).toEqual([
      { BatchInput: { day: 'run-1' }, Items: [1, 2] },
      { BatchInput: { day: 'run-1' }, Items: [3] },
    ]);
  });

  test('hold as many bytes as they may', async () => {
    const output = (await batched({ MaxInputBytesPerBatch: 40 }, ['aaaaaaaa', 'bbbbbbbb', 'cccccccc', 'dddddddd'])) as {
      Items: string[];
    }[];
    expect(output.map(({ Items }) => Items.length)).toEqual([2, 2]);
    expect(output.every((batch) => JSON.stringify(batch).length <= 40)).toBe(true);
  });
});

describe('the result writer', () => {
  const writer = (config: object, Arguments: object = { Bucket: 'out', Prefix: 'jobs/' }) => ({
    ResultWriter: { Resource: 'arn:aws:states:::s3:putObject', Arguments, WriterConfig: config },
  });

  test('writes results by outcome and a manifest that names them', async () => {
    const bucket = new Bucket();
    const bench = new Bench(
      ({ parameters }) => (parameters === 2 ? failed('Broken', 'why') : succeeded([parameters])),
      bucket.host,
    );
    const execution = await bench.run(
      map(
        { Items: [1, 2, 3], ToleratedFailureCount: 1, ...writer({ Transformation: 'COMPACT', OutputType: 'JSON' }) },
        task,
      ),
    );
    const { MapRunArn, ResultWriterDetails } = execution.output as {
      MapRunArn: string;
      ResultWriterDetails: { Bucket: string; Key: string };
    };
    const folder = `jobs/${MapRunArn.split(':').at(-1)}`;
    expect(ResultWriterDetails).toEqual({ Bucket: 'out', Key: `${folder}/manifest.json` });
    const manifest = JSON.parse(bucket.written.get(ResultWriterDetails.Key)!) as {
      ResultFiles: Record<string, { Key: string; Size: number }[]>;
    };
    expect(manifest.ResultFiles['SUCCEEDED']).toEqual([{ Key: `${folder}/SUCCEEDED_0.json`, Size: 9 }]);
    expect(bucket.written.get(`${folder}/SUCCEEDED_0.json`)).toBe('[[1],[3]]');
    expect(JSON.parse(bucket.written.get(`${folder}/FAILED_0.json`)!)).toMatchObject([
      { Error: 'Broken', Cause: 'why', Input: '2', Status: 'FAILED' },
    ]);
  });

  test('flattens lists, and writes JSON Lines', async () => {
    const bucket = new Bucket();
    const execution = await new Bench(undefined, bucket.host).run(
      map({ Items: [[1, 2], [3]], ...writer({ Transformation: 'FLATTEN', OutputType: 'JSONL' }) }),
    );
    expect(execution.status).toBe('SUCCEEDED');
    expect([...bucket.written].find(([key]) => key.endsWith('SUCCEEDED_0.jsonl'))?.[1]).toBe('1\n2\n3\n');
  });

  test('without a bucket only shapes the result', async () => {
    const execution = await new Bench().run(
      map({ Items: [[1, 2], [3]], ResultWriter: { WriterConfig: { Transformation: 'FLATTEN', OutputType: 'JSON' } } }),
    );
    expect(execution.output).toEqual([1, 2, 3]);
  });
});

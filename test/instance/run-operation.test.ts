/** The document's script in real bash, on an instance that is a folder of this machine. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import type { ObjectReference } from '../../tasks';
import { parseManifest } from '../../tasks/manifest';
import { InstanceFixture } from './fixture';

// Real processes on a busy machine.
jest.setTimeout(60_000);

let fixture: InstanceFixture;
beforeEach(() => {
  fixture = new InstanceFixture({ realTimeLimitMs: 5_000 });
});
afterEach(() => fixture.close());

/** The files that the manifest names, with what is stored of them. */
async function files(operationId: string): Promise<Record<string, string>> {
  const stored = await fixture.stored(operationId);
  const listed = parseManifest(stored['manifest.tsv']?.text ?? '');
  return Object.fromEntries(listed.map(({ path }) => [path, stored[`files/${path}`]!.text]));
}

describe('a command that succeeds', () => {
  it('stores what it left in RESULTS_DIR, with checksums, and the manifest last', async () => {
    fixture.useCommand(
      'mkdir "$RESULTS_DIR/deep"\nwc -c <"$OBJECT_FILE" | tr -d " " >"$RESULTS_DIR/deep/size"\nprintf x >"$RESULTS_DIR/a b"\necho done',
    );
    const outcome = await fixture.run(await fixture.upload('in/a.txt'), 'op-1');
    expect(outcome).toMatchObject({ status: 'Success', exitCode: 0, output: 'done\n', errors: '' });
    expect(await files('op-1')).toEqual({ 'a b': 'x', 'deep/size': '6\n' });
    const stored = await fixture.stored('op-1');
    for (const { path, sha256 } of parseManifest(stored['manifest.tsv']!.text)) {
      expect(stored[`files/${path}`]!.sha256).toBe(sha256);
    }
    expect(fixture.requests.at(-1)).toBe('PutObject operations/op-1/manifest.tsv');
    expect(stored['output/stdout.log']!.text).toBe('done\n');
  });

  it('may leave no file: the manifest is empty then', async () => {
    fixture.useCommand('true');
    expect(await fixture.run(await fixture.upload('in/a.txt'), 'op-1')).toMatchObject({ status: 'Success' });
    expect((await fixture.stored('op-1'))['manifest.tsv']!.text).toBe('');
  });

  it('keeps strange names of result files', async () => {
    fixture.useCommand(`cd "$RESULTS_DIR"; : >'-n'; : >$'line\\nend\\n'; : >'$(id) "\`'; : >'über'`);
    expect(await fixture.run(await fixture.upload('in/a.txt'), 'op-1')).toMatchObject({
      status: 'Success',
      errors: '',
    });
    expect(Object.keys(await files('op-1')).sort()).toEqual(['$(id) "`', '-n', 'line\nend\n', 'über']);
  });

  it('runs in an empty folder with all OBJECT_ variables, and leaves nothing behind', async () => {
    fixture.useCommand(`ls -A; env | grep -E "^(OBJECT_|OPERATION_ID|SSM_)" | grep -Ev '_FILE|_HOME' | sort`);
    const { output } = await fixture.run(await fixture.upload('in/a.txt'), 'op-1');
    expect(output.split('\n')).toEqual([
      'OBJECT_ATTEMPT=1',
      'OBJECT_BUCKET=inbox',
      'OBJECT_CONTENT_TYPE=text/plain',
      'OBJECT_ETAG=b1946ac92492d2347c6235b4d2611184',
      'OBJECT_KEY=in/a.txt',
      'OBJECT_LAST_MODIFIED=2026-01-01T09:00:00.000Z',
      'OBJECT_SIZE=6',
      expect.stringMatching(/^OBJECT_VERSION=.+/),
      'OPERATION_ID=op-1',
      expect.stringMatching(/^SSM_COMMAND_ID=/),
      '',
    ]);
    expect(readdirSync(join(fixture.runner.directoryOf(fixture.instanceId), 'object-workflow/work'))).toEqual([]);
  });

  it('reads the very version, not the newest one', async () => {
    fixture.useCommand('cat "$OBJECT_FILE"');
    const object = await fixture.upload('in/a.txt', 'first');
    await fixture.upload('in/a.txt', 'second');
    expect(await fixture.run(object, 'op-1')).toMatchObject({ output: 'first' });
  });

  it('refuses an object that was replaced in a bucket without versions', async () => {
    fixture.useCommand('cat "$OBJECT_FILE"');
    const { versionId: _, ...object } = await fixture.upload('in/a.txt', 'first');
    await fixture.upload('in/a.txt', 'second');
    expect(await fixture.run(object, 'op-1')).toMatchObject({
      exitCode: 74,
      errors: expect.stringContaining('PreconditionFailed'),
    });
  });
});

describe('a download that fails', () => {
  it('asks for another try when S3 might answer otherwise then', async () => {
    fixture.useCommand('cat "$OBJECT_FILE"');
    fixture.fail = (request) => request.startsWith('GetObject');
    expect(await fixture.run(await fixture.upload('in/a.txt'), 'op-1')).toMatchObject({
      exitCode: 75,
      errors: expect.stringMatching(/InternalError[^]*could not be downloaded, which may be different another time/),
    });
  });

  it.each([
    ['NoSuchVersion', (object: ObjectReference) => ({ ...object, versionId: 'gone' })],
    ['AccessDenied', (object: ObjectReference) => object],
  ])('says what to look at when S3 refuses it: %s', async (code, change) => {
    fixture.useCommand('cat "$OBJECT_FILE"');
    fixture.refuse = (request) => code === 'AccessDenied' && request.startsWith('GetObject');
    const object = change(await fixture.upload('in/a.txt'));
    expect(await fixture.run(object, 'op-1')).toMatchObject({
      exitCode: 74,
      errors: expect.stringMatching(new RegExp(`\\(${code}\\)[^]*S3 refuses it. Is the object version still there`)),
    });
  });
});

describe('keys are plain data', () => {
  const key1024 = `${'ä'.repeat(500)}${'x'.repeat(24)}`;
  it.each([
    `in/it's "quoted" and spaced.csv`,
    'in/$(touch pwned)`touch pwned`${IFS}&& touch pwned;',
    'in/line\nbreak\ttab\r.csv',
    'ends with newlines\n\n',
    'file:///etc/passwd',
    'file://secret\n',
    'fileb:///etc/passwd',
    'https://example.com/key',
    '-rf',
    '--endpoint-url',
    '../../../etc/passwd',
    '/leading//double/',
    'Ümläut/日本語/🎉.csv',
    '{{ OperationId }}{{ssm:x}}',
    '%2e%2e+%00&=?#',
    '\\n\\0"\\',
    '*?[a-z]~!',
    key1024,
  ])('%j', async (key) => {
    fixture.useCommand(
      'printf %s "$OBJECT_KEY" >"$RESULTS_DIR/key"; cat "$OBJECT_FILE" >"$RESULTS_DIR/content"; ls >"$RESULTS_DIR/ls"',
    );
    const outcome = await fixture.run(await fixture.upload(key, `content of ${key}`), 'op-1');
    expect(outcome).toMatchObject({ status: 'Success', errors: '' });
    expect(await files('op-1')).toEqual({ key, content: `content of ${key}`, ls: '' });
    expect(readdirSync(join(fixture.runner.directoryOf(fixture.instanceId), 'home'))).toEqual([]);
  });

  it('the stand-in is dangerous as the real command is: an option that begins with file:// is read from disk', async () => {
    fixture.useCommand(
      `printf in/a.txt >name; aws s3api get-object --bucket inbox --key file://name copy >/dev/null; cat copy`,
    );
    expect(await fixture.run(await fixture.upload('in/a.txt', 'from disk'), 'op-1')).toMatchObject({
      output: 'from disk',
    });
  });
});

describe('exit codes', () => {
  it.each([1, 2, 65, 75, 255])(
    '%d is passed on with the end of standard error, and nothing is stored but the logs',
    async (code) => {
      fixture.useCommand(`echo out; echo why >&2; touch "$RESULTS_DIR/half"; exit ${code}`);
      expect(await fixture.run(await fixture.upload('in/a.txt'), 'op-1')).toMatchObject({
        status: 'Failed',
        exitCode: code,
        errors: 'why\n',
        output: 'out\n',
      });
      expect(Object.keys(await fixture.stored('op-1'))).toEqual(['output/stderr.log', 'output/stdout.log']);
    },
  );

  it('194 does not reboot the instance', async () => {
    fixture.useCommand('exit 194');
    const outcome = await fixture.run(await fixture.upload('in/a.txt'), 'op-1');
    expect(outcome).toMatchObject({ exitCode: 1, errors: expect.stringContaining('194') });
    expect(fixture.ssm.commands.all.values().next().value!.invocations[0]!.runCount).toBe(1);
  });

  it('stops at the first command that fails, also inside a pipe', async () => {
    fixture.useCommand('false | cat\necho not reached');
    expect(await fixture.run(await fixture.upload('in/a.txt'), 'op-1')).toMatchObject({ exitCode: 1, output: '' });
  });

  it('a command may end with what it started in the background', async () => {
    fixture.useCommand('sleep 1000 & echo started');
    expect(await fixture.run(await fixture.upload('in/a.txt'), 'op-1')).toMatchObject({
      status: 'Success',
      output: 'started\n',
    });
  });

  it('keeps 1 MB of output whole, and reports its last 2 KB', async () => {
    fixture.useCommand(
      'for i in {1..16384}; do printf "%063d\\n" "$i"; done; for i in {1..16384}; do printf "%063d\\n" "$i" >&2; done; exit 3',
    );
    const outcome = await fixture.run(await fixture.upload('in/a.txt'), 'op-1');
    expect(outcome.errors).toHaveLength(2048);
    expect(outcome.errors.endsWith('16384\n')).toBe(true);
    expect((await fixture.stored('op-1'))['output/stderr.log']!.sizeBytes).toBe(1_048_576);
  });

  it('ends at the timeout when the command goes on for ever', async () => {
    await fixture.close();
    fixture = new InstanceFixture({ realTimeLimitMs: 1_000 });
    fixture.useCommand('sleep 100000', Duration.minutes(10));
    const startMs = fixture.clock.nowMs();
    expect(await fixture.run(await fixture.upload('in/a.txt'), 'op-1')).toMatchObject({
      status: 'TimedOut',
      details: 'ExecutionTimedOut',
    });
    expect(fixture.clock.nowMs() - startMs).toBeGreaterThanOrEqual(600_000);
  });
});

describe('one operation runs once', () => {
  it('a second command waits for the first, and ends as it ended', async () => {
    fixture.useCommand('sleep 1; echo ran; echo ran >&2; touch "$RESULTS_DIR/x"; exit 65');
    const object = await fixture.upload('in/a.txt');
    const commandIds = [fixture.send(object, 'op-1'), fixture.send(object, 'op-1')];
    await fixture.clock.runUntilIdle();
    for (const commandId of commandIds) {
      expect(fixture.outcomeOf(commandId)).toMatchObject({ exitCode: 65, output: 'ran\n', errors: 'ran\n' });
    }
    expect(fixture.requests.filter((request) => request === 'GetObject in/a.txt')).toHaveLength(1);
  });

  it('a run that was cut off is not run again under its id, and may be tried under another', async () => {
    fixture.useCommand('echo ran');
    const object = await fixture.upload('in/a.txt');
    const state = join(fixture.runner.directoryOf(fixture.instanceId), 'object-workflow');
    await fixture.run(object, 'op-0');
    for (const folder of ['operations/op-1', 'work/op-1']) mkdirSync(join(state, folder), { recursive: true });
    writeFileSync(join(state, 'operations/op-1/owner'), '999999999 another-boot\n');
    expect(await fixture.run(object, 'op-1')).toMatchObject({
      exitCode: 75,
      errors: expect.stringContaining('cut off half-way'),
    });
    expect(await fixture.run(object, 'op-2')).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(state, 'work/op-1'))).toBe(false);
  });

  it('a restart of the instance in the middle ends as a failure to be tried again', async () => {
    fixture.useCommand('echo ran >"$RESULTS_DIR/x"');
    const commandId = fixture.send(await fixture.upload('in/a.txt'), 'op-1');
    // The agent runs the script again after a restart: what the first run did is on the disk.
    await fixture.clock.runUntil(() => fixture.ssm.commands.all.get(commandId)!.status === 'InProgress');
    await fixture.clock.runUntilIdle(fixture.clock.nowMs() + 1_000);
    fixture.ec2.instances.reboot(fixture.ec2.instances.get(fixture.instanceId));
    await fixture.clock.runUntilIdle();
    expect(fixture.outcomeOf(commandId)).toMatchObject({ exitCode: 0 });
    expect(fixture.ssm.commands.all.get(commandId)!.invocations[0]!.runCount).toBe(2);
    expect(fixture.requests.filter((request) => request === 'GetObject in/a.txt')).toHaveLength(1);
  });
});

describe('results that cannot be stored', () => {
  it.each([
    ['a link', 'ln -s /etc/passwd "$RESULTS_DIR/link"', 'not a plain file'],
    ['a pipe', 'mkfifo "$RESULTS_DIR/pipe"', 'not a plain file'],
    ['a link in the place of RESULTS_DIR', 'rmdir "$RESULTS_DIR"; ln -s /etc "$RESULTS_DIR"', 'removed or replaced'],
    ['a file beyond 5 GB', 'truncate -s 5G "$RESULTS_DIR/big"', 'too big: big has 5368709120 bytes'],
  ])('%s', async (_, command, message) => {
    fixture.useCommand(command);
    expect(await fixture.run(await fixture.upload('in/a.txt'), 'op-1')).toMatchObject({
      exitCode: 73,
      errors: expect.stringContaining(message),
    });
    expect(await fixture.stored('op-1')).not.toHaveProperty(['manifest.tsv']);
  });

  it('an upload that S3 refuses fails the operation, without a manifest', async () => {
    fixture.useCommand('touch "$RESULTS_DIR/x"');
    fixture.refuse = (request) => request.includes('/files/');
    expect(await fixture.run(await fixture.upload('in/a.txt'), 'op-1')).toMatchObject({
      exitCode: 74,
      errors: expect.stringContaining('AccessDenied'),
    });
    expect(await fixture.stored('op-1')).not.toHaveProperty(['manifest.tsv']);
  });
});

it('an agent that knows no ENV_VAR parameters fails loudly', async () => {
  fixture.useCommand('echo never');
  fixture.ssm.agents.set(fixture.instanceId, { version: '3.2.2303.0' });
  expect(await fixture.run(await fixture.upload('in/a.txt'), 'op-1')).toMatchObject({
    exitCode: 69,
    output: '',
    errors: expect.stringContaining('older than 3.3.2746.0'),
  });
});

/** The `aws` command of simulated instances without a process of its own: a script cannot tell the difference. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { AwsCommandServer } from '../../local/instance/aws-command-server';
import type { ScriptResult } from '../../local/services/ssm';
import { InstanceFixture } from './fixture';

// Real processes on a busy machine.
jest.setTimeout(60_000);

let fixture: InstanceFixture;
beforeEach(() => {
  fixture = new InstanceFixture();
});
afterEach(() => fixture.close());

const run = (script: string): Promise<ScriptResult> => fixture.start(script).ended;
const place = (...names: string[]): string => join(fixture.runner.directoryOf(fixture.instanceId), ...names);

/** Two folders for the search path: with the instance's own `aws`, and with one that is always a process. Both note their processes. */
async function prepareWays(): Promise<void> {
  await run('true');
  for (const way of ['served', 'alone']) mkdirSync(place(way));
  const file = resolve(__dirname, '../../local/instance/aws-command.cjs');
  const alone = `#!/bin/sh\necho "$PWD" >>'${place('processes')}'\nexec '${process.execPath}' '${file}' "$@"\n`;
  const served = readFileSync(place('bin/aws'), 'utf8').replace(/alone=\(.*\)/, `alone=('${place('alone/aws')}')`);
  writeFileSync(place('alone/aws'), alone, { mode: 0o700 });
  writeFileSync(place('served/aws'), served, { mode: 0o700 });
}

const served = 'served';
const alone = 'needs a process';

const calls: readonly (readonly [call: string, way: string])[] = [
  ['aws --version', served],
  ['aws constructor', served],
  ['aws s3 cp missing s3://results/', served],
  ['aws s3 cp "" s3://results/', served],
  ['aws s3api head-object --bucket inbox --key file://missing', served],
  ['env -u AWS_ACCESS_KEY_ID aws s3 ls s3://inbox/', served],
  ['AWS_ENDPOINT_URL=http://127.0.0.1:1 aws s3 ls s3://inbox/', served],
  ['AWS_ACCESS_KEY_ID=unknown aws s3 ls s3://inbox/', served],
  ['aws s3api get-object --bucket inbox --key in/a.txt no/folder/copy', served],
  ['aws s3api get-object --bucket inbox --key in/a.txt tree', served],
  ['aws s3 ls s3://inbox/; aws s3 ls s3://inbox/ --recursive; aws s3 ls s3://inbox/none', served],
  ['aws s3 cp s3://inbox/in . --recursive; cat a.txt', served],
  ['aws s3 cp s3://inbox/in/a.txt deep/deeper/', served],
  ['aws s3 cp s3://inbox/in/a.txt; aws s3 cp s3://inbox/in/a.txt "$PWD/copy"', served],
  ['cd tree; aws s3 cp ../one s3://results/x/; aws s3 cp . s3://results/tree --recursive --no-follow-symlinks', served],
  ['aws s3 cp tree s3://results/ --recursive 2>&1', served],
  ['ln -s tree/deep link; cd link; aws s3 cp ../one s3://results/x/; aws s3 cp . s3://results/ --recursive', served],
  ['umask 077; aws s3 cp s3://inbox/in/a.txt a/b/c; aws s3api get-object --bucket inbox --key in/a.txt d', served],
  ['aws s3api get-object --bucket inbox --key in/a.txt /dev/null', served],
  ['aws s3 cp s3://inbox/in/a.txt copy >&-', served],
  ['aws s3 cp s3://inbox/in/gone copy 2>&-', served],
  ['BASH_ENV=/dev/null/no POSIXLY_CORRECT=1 aws s3 ls s3://inbox/in/a.txt', served],
  ['printf() { echo mine; }; export -f printf; aws s3 ls s3://inbox/in/a.txt', served],
  ['echo kept | { aws s3 ls s3://inbox/in/a.txt; cat; }', served],
  ['exec 9<one; aws s3 ls s3://inbox/in/a.txt; cat <&9', served],
  ['aws s3 cp s3://inbox/in/a.txt -', alone],
  ['echo piped | aws s3 cp - s3://results/piped; aws s3api head-object --bucket results --key piped', alone],
  ['aws s3 cp /dev/stdin s3://results/stdin <one', alone],
  ['aws s3api head-object --bucket inbox --key file://<(printf in/a.txt)', alone],
  ['mkfifo pipe; cat pipe >got & aws s3 cp s3://inbox/in/a.txt pipe; wait; cat got', alone],
  ['umask 000; aws s3 cp s3://inbox/in/a.txt copy', alone],
  ['ln -s one link; aws s3 cp link s3://results/link', alone],
  [
    'sed s/port=[0-9]*/port=1/ "$(command -v aws)" >aws; chmod 700 aws; POSIXLY_CORRECT=1 ./aws s3 ls s3://inbox/in/a.txt',
    alone,
  ],
];

/** What each call writes, how it ends, and what it leaves; and what all of them ask of S3. */
async function observe(
  way: string,
): Promise<{ readonly ends: readonly object[]; readonly requests: readonly string[] }> {
  fixture.requests.length = 0;
  writeFileSync(place('processes'), '');
  const script = calls.map(
    ([call], index) => `
      mkdir -p '${place('calls')}/${index}/tree/deep' && cd '${place('calls')}/${index}' || exit
      printf 1 >one; printf 2 >tree/a; printf 3 >tree/deep/refused; printf 4 >tree/z
      ( ${call}
      ) >../${index}.out 2>../${index}.err; echo $? >../${index}.code`,
  );
  const { standardError } = await run(
    `PATH='${place(way)}':$PATH\n${script.join('\n')}\nmv '${place('calls')}' '${place(`${way}-calls`)}'`,
  );
  expect(standardError).toBe('');
  const root = place(`${way}-calls`);
  const text = (file: string): string =>
    readFileSync(join(root, file), 'utf8')
      .replace(/("VersionId": )".*"/, '$1"…"')
      .replaceAll(place(way), 'bin');
  const ends = calls.map(([call], index) => ({
    call,
    exitCode: Number(text(`${index}.code`)),
    output: text(`${index}.out`),
    errors: text(`${index}.err`),
    files: readdirSync(join(root, String(index)), { recursive: true, encoding: 'utf8' })
      .sort()
      .map((file) => `${file} ${statSync(join(root, String(index), file)).mode.toString(8)}`),
  }));
  return { ends, requests: [...fixture.requests] };
}

it('answers as in a process of its own: what is written, exit codes, files with their rights, requests', async () => {
  await fixture.upload('in/a.txt');
  fixture.refuse = (request) => request.includes('refused');
  await prepareWays();
  const [inProcess, inSimulator] = [await observe('alone'), await observe('served')];

  expect(inSimulator).toEqual(inProcess);
  const processes = readFileSync(place('processes'), 'utf8').split('\n');
  const started = calls.map((_, index) => processes.some((folder) => folder === place('calls', String(index))));
  expect(started).toEqual(calls.map(([, way]) => way === alone));
});

/** A word of bash that stands for these bytes. */
const inBash = (bytes: Uint8Array): string =>
  `$'${[...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')}'`;

/** What the command takes these words for, from what it says about them. */
async function arrivalsOf(words: readonly Uint8Array[], way: string): Promise<readonly (string | undefined)[]> {
  const script = words.map((word, index) => `aws x ${inBash(word)} more '' words 2>'${place(`errors-${index}`)}'`);
  await run(`PATH='${place(way)}':$PATH\n${script.join('\n')}`);
  return words.map((_, index) => {
    const said = readFileSync(place(`errors-${index}`), 'utf8');
    return /^aws x (.*) is not simulated, at the aws command/s.exec(said)?.[1];
  });
}

it('arguments arrive as their bytes, read as Node reads them', async () => {
  await prepareWays();
  const texts = ['', '-', '--', '-n', '\n', 'end\n\n', `'"$(id)\`id\``, '\u202Eltr', '\\0101\\c', '%s%b', '🎉', '*'];
  const broken = Buffer.from([0xff, 0xc3, 0x28, 0xe2, 0x82, 0xf0, 0x9f, 0x8e, 0xed, 0xa0, 0x80, 0x01, 0x7f]);
  const words = [
    ...texts.map((text) => Buffer.from(text)),
    broken,
    Buffer.alloc(100_000, 'é\n'),
    ...fc.sample(fc.uint8Array({ min: 1, maxLength: 100 }), { numRuns: 100, seed: 7 }),
  ];
  expect(await arrivalsOf(words, 'served')).toEqual(words.map((word) => Buffer.from(word).toString('utf8')));
  expect(await arrivalsOf([broken], 'alone')).toEqual([broken.toString('utf8')]);
});

describe('a call that is killed', () => {
  it('with its script asks S3 for nothing more', async () => {
    let letGo = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      fixture.hold = () => {
        resolve();
        return new Promise((answer) => (letGo = answer));
      };
    });
    // A group of processes of its own, which no kill of the script's reaches.
    const script = fixture.start('touch a b c; set -m; aws s3 cp . s3://results/ --recursive & wait');
    await asked;
    script.kill();
    letGo();
    expect(await script.ended).toMatchObject({ exitCode: 137 });
    await run('aws --version');
    expect(fixture.requests).toEqual(['PutObject a']);
  });

  it('by its script asks S3 for nothing more, and leaves nothing', async () => {
    for (const key of ['in/a', 'in/b']) await fixture.upload(key);
    const [isAsked, answer] = [new Turn(), new Turn()];
    fixture.hold = (request) => {
      if (request === 'HeadObject killed') answer.take();
      if (request === 'HeadObject until-asked') return isAsked.taken;
      if (request !== 'GetObject in/a') return undefined;
      isAsked.take();
      return answer.taken;
    };
    const { standardOutput } = await run(`
      head() { aws s3api head-object --bucket inbox --key "$1" 2>/dev/null; }
      aws s3 cp s3://inbox/in . --recursive &
      head until-asked; kill -9 $!; wait $!; echo $?; head killed; head later; ls`);
    expect(standardOutput).toBe('137\n');
    expect(fixture.requests).not.toContain('GetObject in/b');
  });
});

it('serves several scripts at once', async () => {
  const upload = (name: string): string =>
    `for number in {1..10}; do echo ${name} >file && aws s3 cp file s3://results/${name}/$number & wait; done`;
  const names = ['one', 'two', 'three'];
  const ends = await Promise.all(names.map((name) => run(`mkdir ${name}; cd ${name}; ${upload(name)}`)));
  expect(ends.map(({ exitCode, standardError }) => [exitCode, standardError])).toEqual(names.map(() => [0, '']));
  const { standardOutput, standardError } = await run(`
    for number in {1..5}; do aws s3 cp s3://results/two/7 same --quiet & done; wait
    aws s3 ls s3://results --recursive | wc -l; cat same`);
  expect(standardError).toBe('');
  expect(standardOutput?.trim().split(/\s+/)).toEqual(['30', 'two']);
});

describe('the server', () => {
  /** What an instance's `aws` knows of it. */
  async function readExecutable(): Promise<Record<'port' | 'token' | 'environment', string>> {
    await run('true');
    const text = readFileSync(place('bin/aws'), 'utf8');
    const read = (pattern: RegExp): string => pattern.exec(text)![1]!;
    return {
      port: read(/port=(\d+)/),
      token: read(/token=([0-9a-f]{64}) /),
      environment: read(/environment=\((.*)\)/),
    };
  }

  /** What it answers to a request, until it hangs up. */
  async function ask(port: string, request: string): Promise<string> {
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(request);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  }

  it('refuses whoever has not the token, at the first wrong letter', async () => {
    const { port, token, environment } = await readExecutable();
    const request = `\0/\0${environment.replace(/[^ ]+ ?/g, '\0')}1\0--version\x000022\n`;
    expect(await ask(port, `${token}${request}`)).toMatch(/^1aws-cli.*\nexit 0\n$/);
    for (const wrong of ['x', request, `${token}0${request}`, `${'0'.repeat(64)}${request}`])
      expect(await ask(port, wrong)).toBe('');
  });

  it('ends with the runner of the instances', async () => {
    const { port } = await readExecutable();
    fixture.runner.close();
    await expect(ask(port, 'x')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('keeps no process alive, and begins with the first instance', async () => {
    const servers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;
    const before = servers();
    const server = new AwsCommandServer();
    const [first, second] = [await server.executable(), await server.executable()];
    const whileItListens = servers();
    server.close();
    expect(second).toBe(first);
    expect(whileItListens).toBe(before);
  });
});

/** Something that happens once, and can be waited for. */
class Turn {
  take: () => void = () => undefined;
  readonly taken = new Promise<void>((resolve) => (this.take = resolve));
}

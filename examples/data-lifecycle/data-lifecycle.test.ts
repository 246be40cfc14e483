/** The inspection against an independent one, and the whole example: its story, its drills when something does not come back, and its
 * page in a browser. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { simulate, type ServedSimulation, type Simulation } from 'cdk-object-workflow/local';
import fc from 'fast-check';
import { chromium, type Browser, type Page } from 'playwright-core';
import { bucketDeployment, drillOperator, restoreOfBigObjects } from '../../test/access/excused-grants';
import { PermissionJudge } from '../../test/access/permission-judge';
import { ana, bruno, makeStack, tell } from './demo';
import { drill, Visitor } from './local-aws';
import { sampleLog } from './sample-log';
import { DataLifecycleStack } from './stack';

const browserPath = [
  process.env['CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => path !== '' && existsSync(path));

/** The story takes a quarter of a minute, and longer on a machine that has other things to do. */
jest.setTimeout(180_000);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'data-lifecycle-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(installedAwks())('inspect.sh with %s', (awk) => {
  test('finds the open door and the silent logger of the sample', () => {
    const { exitCode, files } = inspect(sampleLog(), awk);

    expect(exitCode).toBe(0);
    expect(files['excursions.csv']).toBe(
      'sensor,kind,from,to,minutes,extreme\n' +
        'van-7-door,too warm,2026-01-01T12:12:00Z,2026-01-01T13:17:00Z,65,10.41\n' +
        'van-7-box,no data,2026-01-01T14:59:30Z,2026-01-01T15:24:00Z,25,\n',
    );
    expect(files['summary.csv']).toContain(
      'van-7-front,1200,2026-01-01T07:00:00Z,2026-01-01T16:59:30Z,3.70,4.71,5.76,0,in range',
    );
    expect(files['chart.svg']).toMatch(/^<svg [\s\S]*<polyline[\s\S]*<\/svg>\n$/);
  });

  test('finds what another reading of the same measurements finds', () => {
    fc.assert(
      fc.property(measurements, (taken) => {
        const { exitCode, stderr, files } = inspect(toCsv(taken), awk);
        expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
        expect(files['excursions.csv']).toBe(expectedExcursions(taken));
      }),
      { numRuns: 25, seed: 7 },
    );
  });

  test.each([
    ['nothing', '', 'the file is empty'],
    ['a header alone', 'time,sensor,celsius\n', 'no measurements below the header'],
    ['another header', 'time;sensor;celsius\n', 'the header is "time;sensor;celsius"; accepted: time,sensor,celsius'],
    ['a missing field', row('2026-01-01T07:00:00Z,a'), 'line 2: 2 fields'],
    [
      'a day that does not exist',
      row('2026-02-30T07:00:00Z,a,4'),
      'time is "2026-02-30T07:00:00Z"; accepted: an instant',
    ],
    ['a time without a zone', row('2026-01-01 07:00,a,4'), 'accepted: an instant in UTC'],
    ['a decimal comma', row('2026-01-01T07:00:00Z,a,"4,5"'), '4 fields'],
    ['a word', row('2026-01-01T07:00:00Z,a,cold'), 'celsius is "cold"'],
    ['a sensor with a path', row('2026-01-01T07:00:00Z,../a,4'), 'sensor is "../a"'],
    [
      'time that goes back',
      row('2026-01-01T07:00:00Z,a,4\n2026-01-01T07:00:00Z,a,4'),
      'not after the one before it of a',
    ],
    ['UTF-16', Buffer.from(row('2026-01-01T07:00:00Z,a,4'), 'utf16le'), 'NUL bytes'],
  ])('rejects %s and says what is accepted', (_, csv, reason) => {
    const { exitCode, stderr, files } = inspect(csv, awk);

    expect(stderr).toContain(reason);
    expect(stderr).toContain('accepted: ');
    expect({ exitCode, files }).toEqual({ exitCode: 65, files: {} });
  });
});

test('a later deployment launches its workers from the published image', () => {
  const stack = new DataLifecycleStack(new App(), 'DataLifecycle', { workerImage: 'published' });

  Template.fromStack(stack).hasResourceProperties('AWS::EC2::LaunchTemplate', {
    LaunchTemplateData: { ImageId: 'resolve:ssm:/data-lifecycle/worker-image' },
  });
});

describe('the deployed example', () => {
  let simulation: Simulation;
  let served: ServedSimulation;
  beforeAll(async () => {
    simulation = await simulate(makeStack());
    served = await simulation.serve({ users: [ana, bruno] });
  });
  afterAll(() => simulation.close());

  test('goes from the login to results, backups, the archive and back', async () => {
    const told: string[] = [];
    await tell(simulation, served.pages[0]!, (line) => void told.push(line));

    expect(told).toEqual(
      expect.arrayContaining([
        'login     with a wrong password: Incorrect username or password.',
        expect.stringMatching(/^trigger .* from no instance to i-/),
        'archive   91 days later the original is in GLACIER',
        '  original  back from GLACIER, the same bytes',
        expect.stringMatching(/^ {2}worker .* launched from ami-\w+, comes to the same results, byte for byte$/),
      ]),
    );
    const group = [...simulation.services.autoscaling.groups.values()][0]!;
    expect(group.members.size).toBe(0);
    await simulation.settle();
    const workers = [...simulation.services.ec2.instances.all.values()];
    expect(workers.map(({ state }) => state)).toEqual(['terminated', 'terminated']);
    expect(simulation.permissions().denied).toEqual([]);
  });

  test('a drill can be repeated, and fails when something comes back that is not the same', async () => {
    const { key } = simulation.records()[0]!;
    const report = await drill(simulation, key);
    expect(report).toMatchObject({ storageClass: 'GLACIER', results: ['chart.svg', 'excursions.csv', 'summary.csv'] });

    const points = simulation.services.backup.jobs.recoveryPoints;
    for (const [arn, point] of points) {
      const contents = point.contents.map((version) =>
        version.key === key ? { ...version, body: Buffer.from('?') } : version,
      );
      points.set(arn, { ...point, contents });
    }
    await expect(drill(simulation, key)).rejects.toThrow(
      'The original and what its recovery point holds is not the same',
    );
    await expect(drill(simulation, 'tours/nobody/nothing.csv')).rejects.toThrow('The ledger knows no stored object');
  });

  test('the role of drills reaches neither another bucket nor another instance', async () => {
    const denied = await drillRoleIsDenied(simulation);
    expect(denied).toEqual(['s3:PutObject', 's3:DeleteObject', 'ec2:TerminateInstances', 'backup:DeleteRecoveryPoint']);
  });

  const inBrowser = browserPath === undefined ? test.skip : test; // Without Chromium there is no page to look at.
  if (browserPath === undefined) test.skip('the page needs Chromium: CHROMIUM, or /usr/bin/chromium', () => undefined);

  inBrowser(
    'the page refuses a wrong password, a wrong type and a file too big, and takes a log to its results',
    async () => {
      const browser = await chromium.launch({
        executablePath: browserPath!,
        args: ['--no-sandbox', '--disable-dev-shm-usage'],
      });
      try {
        await visit(browser);
      } finally {
        await browser.close();
      }
    },
  );

  async function visit(browser: Browser): Promise<void> {
    const page = await (await browser.newContext({ locale: 'en-US' })).newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(served.pages[0]!);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await signIn(page, { ...ana, password: 'guessed' });
    await page.getByRole('alert').filter({ hasText: 'Incorrect username or password.' }).waitFor();
    await signIn(page, ana);
    await page.getByText(ana.email).waitFor();
    expect(await page.title()).toContain('Cold chain archive');

    await choose(page, 'van-7.jpg', 'image/jpeg', 'a photo');
    await page.getByText('It must end with .csv.').waitFor();
    await choose(page, 'year.csv', 'text/csv', 'x'.repeat(6 * 1024 * 1024));
    await page.getByText('It may have at most 5 MB.').waitFor();

    const sent = page.waitForResponse((response) => response.url().endsWith('/complete'));
    await choose(page, 'van-8.csv', 'text/csv', sampleLog('2026-01-02'));
    const card = page.getByRole('listitem').filter({ hasText: 'van-8.csv' });
    expect((await sent).ok()).toBe(true);
    await simulation.settle();
    await signInAgain(page);
    await card.getByText('Done', { exact: true }).waitFor();
    await card.getByRole('button', { name: /results/i }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      card.getByRole('button', { name: /excursions\.csv/ }).click(),
    ]);
    expect(readFileSync((await download.path())!, 'utf8')).toContain('van-7-door,too warm,2026-01-02T12:12:00Z');
    await page.close();
  }

  async function signInAgain(page: Page): Promise<void> {
    await page.reload();
    const button = page.getByRole('button', { name: 'Sign in' });
    const email = page.getByText(ana.email);
    await button.or(email).first().waitFor();
    if (await button.isVisible()) await button.click();
  }

  test('a stranger’s upload cannot be told from none', async () => {
    const [anas, brunos] = [await Visitor.signIn(served.pages[0]!, ana), await Visitor.signIn(served.pages[0]!, bruno)];
    const { body } = await anas.call<{ readonly uploads: readonly { readonly id: string }[] }>('GET /uploads');
    const asked = await Promise.all(
      [body.uploads[0]!.id, '0'.repeat(29)].map((id) => brunos.call(`GET /uploads/${id}`)),
    );
    expect(asked[0]).toEqual(asked[1]);
    expect(asked[0]!.status).toBe(404);
  });

  test('an upload that was announced only is taken back', async () => {
    const visitor = await Visitor.signIn(served.pages[0]!, ana);
    const file = { fileName: 'van-9.csv', contentType: 'text/csv', sizeBytes: 10 };
    const { body } = await visitor.call<{ readonly upload: { readonly id: string } }>('POST /uploads', file);
    expect((await visitor.call(`DELETE /uploads/${body.upload.id}`)).status).toBe(200);
  });

  test('an upload is followed while it waits for its instance', async () => {
    const visitor = await Visitor.signIn(served.pages[0]!, ana);
    // Until the fleet has ended the instance of those before.
    await simulation.advance(30 * 60_000);
    const { id } = await visitor.upload('van-9.csv', sampleLog('2026-01-03'));
    await simulation.advance(10_000);
    expect(await visitor.follow(id)).toMatchObject({ state: 'QUEUED' });
    await simulation.settle();
  });

  test('every permission is needed, and none is missing', () => {
    const judge = new PermissionJudge();
    judge.add(simulation);
    expect(judge.problems(bucketDeployment, drillOperator, restoreOfBigObjects)).toEqual([]);
  });
});

/** @returns what was denied of four calls that a drill has no need of */
async function drillRoleIsDenied(simulation: Simulation): Promise<string[]> {
  const id = [...simulation.services.iam.roles.values()].find(({ name }) => name.includes('DrillOperator'))!.arn;
  const { bucket, key } = simulation.records()[0]!;
  const instance = [...simulation.services.ec2.instances.all.values()].find(({ tags }) => !tags.has('data-lifecycle'))!;
  const point = [...simulation.services.backup.jobs.recoveryPoints.values()][0]!;
  const calls = [
    ['s3', 'PutObject', { Bucket: bucket, Key: key, Body: 'x' }],
    ['s3', 'DeleteObject', { Bucket: bucket, Key: key }],
    ['ec2', 'TerminateInstances', { InstanceIds: [instance.instanceId] }],
    ['backup', 'DeleteRecoveryPoint', { BackupVaultName: point.vaultName, RecoveryPointArn: point.recoveryPointArn }],
  ] as const;
  const denied: string[] = [];
  for (const [service, operation, input] of calls) {
    const call = simulation.cloud.call({ service, operation, input, principal: { id, session: 'test' } });
    await call.catch(() => denied.push(`${service}:${operation}`));
  }
  return denied;
}

async function signIn(page: Page, { email, password }: typeof ana): Promise<void> {
  await page.getByLabel('Email address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

function choose(page: Page, name: string, mimeType: string, content: string): Promise<void> {
  return page.locator('.drop input[type=file]').setInputFiles({ name, mimeType, buffer: Buffer.from(content) });
}

/** The awks of this machine: the inspection must not depend on which one a system calls `awk`. */
function installedAwks(): string[] {
  const find = (name: string) =>
    (process.env['PATH'] ?? '')
      .split(delimiter)
      .map((path) => join(path, name))
      .find((path) => existsSync(path));
  const installed = ['mawk', 'gawk', 'original-awk', 'busybox'].flatMap((name) => find(name) ?? []);
  return installed.length > 0 ? installed : [find('awk') ?? 'awk'];
}

function inspect(csv: string | Uint8Array, awk: string) {
  const run = mkdtempSync(join(folder, 'run-'));
  const results = join(run, 'results');
  mkdirSync(results);
  writeFileSync(join(run, 'object'), csv);
  symlinkSync(awk, join(run, 'awk'));
  const { status, stderr } = spawnSync('bash', [join(__dirname, 'inspect.sh')], {
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: `${run}${delimiter}${process.env['PATH'] ?? ''}`,
      OBJECT_FILE: join(run, 'object'),
      RESULTS_DIR: results,
    },
  });
  const isDone = status === 0;
  const names = isDone ? readdirSync(results) : [];
  const files: Record<string, string> = Object.fromEntries(
    names.map((name) => [name, readFileSync(join(results, name), 'utf8')]),
  );
  rmSync(run, { recursive: true });
  return { exitCode: status, stderr, files };
}

function row(lines: string): string {
  return `time,sensor,celsius\n${lines}\n`;
}

interface Measurement {
  readonly atMinute: number;
  readonly sensor: string;
  readonly hundredths: number;
}

/** Two sensors, in steps of up to half an hour. */
const measurements: fc.Arbitrary<Measurement[]> = fc
  .array(
    fc.record({
      minutes: fc.integer({ min: 1, max: 30 }),
      sensor: fc.constantFrom('a', 'b-2'),
      hundredths: fc.oneof(fc.constantFrom(200, 800, 199, 801, -50), fc.integer({ min: -999, max: 1999 })),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map((steps) => {
    let atMinute = 0;
    return steps.map(({ minutes, sensor, hundredths }) => ({ atMinute: (atMinute += minutes), sensor, hundredths }));
  });

const timeOf = (atMinute: number) =>
  new Date(Date.UTC(2028, 1, 28, 22) + atMinute * 60_000).toISOString().replace('.000Z', 'Z');
const degrees = (hundredths: number) => (hundredths / 100).toFixed(2);

function toCsv(taken: readonly Measurement[]): string {
  return row(
    taken.map(({ atMinute, sensor, hundredths }) => `${timeOf(atMinute)},${sensor},${degrees(hundredths)}`).join('\n'),
  );
}

/** A second reading: each sensor's measurements cut where the kind changes or a gap lies between. */
function expectedExcursions(taken: readonly Measurement[]): string {
  const kindOf = ({ hundredths }: Measurement) => (hundredths > 800 ? 'too warm' : hundredths < 200 ? 'too cold' : '');
  const lines: string[] = [];
  for (const sensor of new Set(taken.map((one) => one.sensor))) {
    const own = taken.filter((one) => one.sensor === sensor);
    const runs: Measurement[][] = [];
    own.forEach((one, index) => {
      const before = own[index - 1];
      const hasGap = before !== undefined && one.atMinute - before.atMinute > 15;
      if (hasGap)
        lines.push(
          `${sensor},no data,${timeOf(before.atMinute)},${timeOf(one.atMinute)},${one.atMinute - before.atMinute},`,
        );
      if (before === undefined || hasGap || kindOf(before) !== kindOf(one)) runs.push([one]);
      else runs.at(-1)!.push(one);
    });
    for (const run of runs.filter(([first]) => kindOf(first!) !== '')) {
      const kind = kindOf(run[0]!);
      const values = run.map(({ hundredths }) => hundredths);
      const extreme = kind === 'too warm' ? Math.max(...values) : Math.min(...values);
      const [from, to] = [run[0]!.atMinute, run.at(-1)!.atMinute];
      lines.push(`${sensor},${kind},${timeOf(from)},${timeOf(to)},${to - from},${degrees(extreme)}`);
    }
  }
  const order = (line: string) => `${line.split(',')[2]}\u0000${line.split(',')[0]}\u0000${line}`;
  return `sensor,kind,from,to,minutes,extreme\n${lines
    .sort((one, other) => (order(one) < order(other) ? -1 : 1))
    .map((line) => `${line}\n`)
    .join('')}`;
}

/** Wrong calls of the command line: each is refused before anything happens, with what is allowed instead. */
import { mkdirSync, readdirSync } from 'node:fs';
import { call, Place } from './command-line';

const place = new Place();
afterAll(() => place.clear());

const file = place.write('sales.csv', 'date,product,units,unit_price\n2026-01-02,Tea,1,2.50\n');
mkdirSync(place.path('folder'));
place.write('folder/precious.txt', 'not ours');
mkdirSync(place.path('empty'));

test.each([
  ['a file that does not exist', ['run', place.path('missing.csv'), '--example', 'sales-report'], 'does not exist'],
  ['a folder instead of a file', ['run', place.path('folder'), '--example', 'sales-report'], 'is a folder'],
  ['a device instead of a file', ['run', '/dev/null', '--example', 'sales-report'], 'is not a regular file'],
  [
    'several wrong files at once',
    ['run', place.path('a'), place.path('b'), '--example', 'sales-report'],
    '2 files cannot',
  ],
  ['an unknown fault', ['run', file, '--example', 'sales-report', '--fault', 'toString'], 'lost-event, failed-command'],
  [
    'an unknown example',
    ['run', file, '--example', 'sales'],
    'allowed: customer-registration, data-lifecycle, sales-report',
  ],
  ['an app that does not exist', ['run', file, '--app', place.path('nowhere')], 'The folder does not exist'],
  ['a folder without an app', ['run', file, '--app', place.path('empty')], 'The folder holds no CDK app'],
  ['two apps', ['run', file, '--app', place.path('empty'), '--example', 'sales-report'], 'Two apps are named'],
  ['an app without input', ['run', '--app', emptyApp()], 'There is nothing to upload'],
  [
    'results over other files',
    ['run', file, '--example', 'sales-report', '--out', place.path('folder')],
    'precious.txt',
  ],
  ['results in a file', ['run', file, '--example', 'sales-report', '--out', file], 'The results cannot be written'],
  ['an app that is not JSON', ['run', file, '--app', brokenApp()], 'The file is not JSON'],
  ['history without a run', ['history', place.path('empty')], 'There is no saved run'],
  ['cost without a run', ['cost', place.path('empty'), '--objects', '10'], 'There is no saved run'],
  ['a number of objects that is none', ['cost', '--objects', 'many'], 'allowed: a whole number from 1'],
  [
    'a picture in a folder that does not exist',
    ['graph', definition(), '--out', place.path('no/g.svg')],
    'cannot be written',
  ],
])('refuses %s and says what is allowed', async (_, words, reason) => {
  const { exitCode, stdout, stderr } = await call(...words);

  expect(stderr).toContain(reason);
  expect(stderr).toMatch(/^error: .*, at .*\n(  got: .*\n)?(  allowed: .*\n)?  fix: /m);
  expect(stderr).not.toContain('    at ');
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test.each([
  ['an unknown option', ['run', '--frobnicate'], "unknown option '--frobnicate'"],
  ['an unknown command', ['runn'], "unknown command 'runn'"],
  ['an option without its value', ['run', '--out'], 'argument missing'],
  ['no number of objects', ['cost'], "required option '--objects <COUNT>'"],
])('refuses %s', async (_, words, reason) => {
  const { exitCode, stdout, stderr } = await call(...words);

  expect(stderr).toContain(reason);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test('the help explains every command, every fault and the exit codes', async () => {
  const general = await call('--help');
  const run = await call('run', '--help');

  expect({ general: general.exitCode, run: run.exitCode }).toEqual({ general: 0, run: 0 });
  for (const command of ['run', 'check', 'graph', 'cost', 'history']) expect(general.stdout).toContain(`  ${command} `);
  for (const fault of ['lost-event', 'failed-command', 'agent-offline', 'bad-object']) {
    expect(run.stdout).toMatch(new RegExp(`^  ${fault}\\n    [A-Z].*\\.\\n    [A-Z].*\\.`, 'm'));
  }
  expect(run.stdout).toContain('Exit code 0 only if every object was stored');
});

test('an app that fails to synthesize is shown with what it printed', async () => {
  mkdirSync(place.path('failing'));
  place.write('failing/cdk.json', '{ "app": "echo the VPC is missing >&2; exit 3" }');
  const { exitCode, stderr } = await call('run', file, '--app', place.path('failing'), '--out', place.path('out'));

  expect(stderr).toContain('The app cannot be synthesized (exit code 3)');
  expect(stderr).toContain('the VPC is missing');
  expect(exitCode).toBe(2);
});

test('nothing is left behind by refused calls', () => {
  expect(readdirSync(place.path('folder'))).toEqual(['precious.txt']);
});

function emptyApp(): string {
  mkdirSync(place.path('app'));
  place.write('app/cdk.json', '{ "app": "true" }');
  return place.path('app');
}

function brokenApp(): string {
  mkdirSync(place.path('broken'));
  place.write('broken/cdk.json', '{ app: }');
  return place.path('broken');
}

function definition(): string {
  return place.write('machine.json', '{ "StartAt": "Done", "States": { "Done": { "Type": "Succeed" } } }');
}

/** The stand-in for the AWS CLI on simulated instances: what it does as the CLI does it, and what it refuses. */
import { InstanceFixture } from './fixture';

// Real processes on a busy machine.
jest.setTimeout(60_000);

let fixture: InstanceFixture;
beforeEach(() => {
  fixture = new InstanceFixture();
});
afterEach(() => fixture.close());

async function run(
  command: string,
): Promise<{ readonly exitCode: number; readonly output: string; readonly errors: string }> {
  await fixture.upload('in/a.txt');
  const { exitCode, standardOutput = '', standardError = '' } = await fixture.start(`set -e\n${command}`).ended;
  return { exitCode: Number(exitCode), output: standardOutput, errors: standardError };
}

it('copies files and folders in both directions, and lists them', async () => {
  const { output, errors } = await run(`
    mkdir -p tree/deep; printf 1 >'tree/one two'; printf 3 >tree/deep/three; ln -s one tree/link
    aws s3 cp tree s3://results/tree --recursive --no-follow-symlinks
    aws s3 cp tree/deep/three s3://results/single/
    echo piped | aws s3 cp - s3://results/piped
    aws s3 cp s3://results/tree back --recursive --only-show-errors
    aws s3 cp s3://results/piped -
    find back -type f | sort
    aws s3 ls s3://results/tree/
    aws s3 ls s3://results/tree --recursive`);
  expect(errors).toBe('');
  expect(output.split('\n').map((line) => line.replace(/^2026-01-01 \d\d:\d\d:\d\d +/, 'TIME '))).toEqual([
    'upload: tree/deep/three to s3://results/tree/deep/three',
    'upload: tree/one two to s3://results/tree/one two',
    'upload: tree/deep/three to s3://results/single/three',
    'piped',
    'back/deep/three',
    'back/one two',
    '                           PRE deep/',
    'TIME 1 one two',
    'TIME 1 tree/deep/three',
    'TIME 1 tree/one two',
    '',
  ]);
});

it('puts, heads, gets and lists single objects', async () => {
  const { output } = await run(`
    printf abc >file
    aws s3api put-object --bucket results --key k --body file --content-type text/csv --checksum-algorithm SHA256 >/dev/null
    aws s3api head-object --bucket results --key k --checksum-mode ENABLED | grep -E 'ContentType|ContentLength|SHA256' | sort
    aws s3api get-object --bucket results --key k copy >/dev/null; cat copy; echo
    aws s3api list-objects-v2 --bucket results --prefix k | grep '"Key"'`);
  expect(output.split('\n').map((line) => line.trim())).toEqual([
    '"ChecksumSHA256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",',
    '"ContentLength": 3',
    '"ContentType": "text/csv",',
    'abc',
    '"Key": "k",',
    '',
  ]);
});

it.each([
  [
    'an error of the service',
    'aws s3api get-object --bucket inbox --key gone copy',
    254,
    'An error occurred (NoSuchKey) when calling the GetObject operation',
  ],
  [
    'a transfer that fails',
    'aws s3 cp s3://inbox/gone copy',
    1,
    'download failed: s3://inbox/gone to copy An error occurred',
  ],
  ['nothing found', 'aws s3 ls s3://inbox/nothing/', 1, ''],
  ['an option that it has not', 'aws s3 cp file s3://results/ --sse', 252, 'Unknown options: --sse'],
  [
    '--cli-input-json for a command that writes a file',
    'aws s3api get-object --cli-input-json {} copy',
    252,
    'Unknown options: --cli-input-json',
  ],
  ['a missing argument', 'aws s3api head-object --bucket inbox', 252, 'the following arguments are required: --key'],
  ['another command', 'aws s3 sync . s3://results/', 252, 'aws s3 sync is not simulated'],
  ['another service', 'aws ec2 describe-instances', 252, 'aws ec2 describe-instances is not simulated'],
  [
    'a checksum over several parts',
    'head -c 9000000 /dev/zero >big; aws s3 cp big s3://results/ --checksum-algorithm SHA256',
    252,
    'in several parts',
  ],
  ['missing credentials', 'env -u AWS_ACCESS_KEY_ID aws s3 ls s3://inbox/', 253, 'Unable to locate credentials'],
])('ends as the CLI does: %s', async (_, command, exitCode, message) => {
  const outcome = await run(command);
  expect(outcome).toMatchObject({ exitCode, errors: expect.stringContaining(message) });
});

it('asks again when the service fails, and gives up after three times', async () => {
  fixture.fail = (request) => request === 'PutObject x';
  expect(await run('echo | aws s3 cp - s3://results/x')).toMatchObject({ exitCode: 254 });
  expect(fixture.requests.filter((request) => request === 'PutObject x')).toHaveLength(3);
});

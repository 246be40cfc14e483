/** The instance's script in real bash, hundreds of operations in a process: what it makes of the parameters it gets.
 * The AWS CLI is a function that writes down its arguments; a canary in the search path tells when anything is evaluated. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ObjectReference } from '../../tasks';
import { parseManifest } from '../../tasks/manifest';
import { commandParameters, operationResultsPrefix } from '../../tasks/operations/command-parameters';
import { same } from './claim-layer';
import { canary } from './hostile-text';

const script = readFileSync(resolve(__dirname, '../../constructs/run-operation.sh'), 'utf8');
const lastLine = '\nmain\n';

/** What the script's functions are given in place of an instance: operations on standard input, one a line.
 * Most of them are `fast`: the same functions in one process, where `base64` prints what was decoded already. */
const driver = `
trace=$SANDBOX/trace
results=$SANDBOX/results
# The last argument is the file to be written.
aws() { { printf '%s\\0' "$@"; printf '%s\\0' END; } >>"$trace"; : >"\${@: -1}"; }
mkdir() { [[ $mode == fast ]] || command mkdir "$@"; }
wc() { if [[ $mode == fast ]]; then echo 0; else command wc "$@"; fi; }
base64() {
  if [[ $mode != fast ]]; then
    command base64 "$@"
  elif [[ $next == environment ]]; then
    next=location
    printf %b "$SSM_Environment"
  else
    printf %b "$SSM_ResultsLocation"
  fi
}
write_command() {
  cat <<'END_OF_COMMAND'
printf %s "$OBJECT_KEY" >"$RESULTS_DIR/key"
name=\${OBJECT_KEY//\\//_}
name=\${name:0:60}
case $name in . | ..) name=dots ;; esac
printf x >"$RESULTS_DIR/$name"
END_OF_COMMAND
}
upload_logs() { :; }
receive() {
  prepare_work
  download_object
  printf '%s\\0' "$id" "$OBJECT_BUCKET" "$OBJECT_KEY" "$OBJECT_VERSION" "$OBJECT_ETAG" "$OBJECT_SIZE" \\
    "$OBJECT_CONTENT_TYPE" "$OBJECT_LAST_MODIFIED" "$OBJECT_ATTEMPT" "$location" >>"$results"
}
process() {
  run_command
  check_results
  write_manifest
  cp "$work/manifest.tsv" "$SANDBOX/$id.manifest"
  [[ ! -e $work/key ]] || cp "$work/key" "$SANDBOX/$id.key"
}
mode=whole
mkdir -p "$home/work/fast"
exec 2>>"$SANDBOX/errors"
while read -r id environment location_text mode; do
  SSM_OperationId=$id SSM_Environment=$environment SSM_ResultsLocation=$location_text
  if [[ $mode == fast ]]; then
    next=environment
    work=$home/work/fast
    receive
  else
    work=$home/work/$id
    (receive && process) || printf '%s %s\\n' "$id" "$?" >>"$SANDBOX/failed"
  fi
done <"$SANDBOX/operations"
`;

/** Operations in one process. */
const batchSize = 500;

/** What the CLI would open: such a key goes through a file. */
const pointer = /^(fileb?|https?):\/\//;

/** Runs operations and compares what arrived with what was sent. */
export class BashLayer {
  /** Operations that went through bash. */
  count = 0;
  /** Of those, the ones that ran a command and wrote a manifest. */
  wholeCount = 0;
  private pending: ObjectReference[] = [];

  /** @param wholeEvery One in so many operations uses the real tools, runs a command and writes a manifest, each in a process
   * of its own. */
  constructor(private readonly wholeEvery: number) {}

  /** @throws Error when an operation of the batch that this one completes is not what was sent */
  take(object: ObjectReference): void {
    this.pending.push(object);
    if (this.pending.length >= batchSize) this.flush();
  }

  /** Runs what is waiting. */
  flush(): void {
    const batch = this.pending;
    this.pending = [];
    if (batch.length > 0) this.wholeCount += runBatch(batch, this.wholeEvery);
    this.count += batch.length;
  }
}

interface Operation {
  readonly id: string;
  readonly object: ObjectReference;
  readonly location: string;
  readonly isWhole: boolean;
}

/** @returns how many operations were whole */
function runBatch(objects: readonly ObjectReference[], wholeEvery: number): number {
  const sandbox = mkdtempSync(join(tmpdir(), 'hostile-'));
  try {
    const folders = ['empty', 'bin', 'home', 'tmp'].map((name) => join(sandbox, name));
    for (const folder of folders) mkdirSync(folder);
    const [empty, bin, home, temporary] = folders as [string, string, string, string];
    writeFileSync(join(bin, canary), `#!/bin/sh\necho "$0 $*" >>'${sandbox}/evaluated'\n`);
    chmodSync(join(bin, canary), 0o755);
    const operations = objects.map((object, index): Operation => {
      const id = `op-${index}`;
      return {
        id,
        object,
        location: operationResultsPrefix('out/', id),
        isWhole: index % wholeEvery === 0 || pointer.test(object.key),
      };
    });
    // A file, because bash reads a pipe byte by byte.
    writeFileSync(join(sandbox, 'operations'), operations.map(lineOf).join(''));
    execFileSync('bash', ['-c', script.slice(0, script.lastIndexOf(lastLine)) + driver], {
      cwd: empty,
      env: {
        PATH: `${bin}:${process.env['PATH'] ?? ''}`,
        SANDBOX: sandbox,
        HOME: home,
        TMPDIR: temporary,
        LC_ALL: 'C.UTF-8',
        RUN_OPERATION_SHELL: 'bash',
        OBJECT_WORKFLOW_HOME: join(sandbox, 'state'),
      },
    });
    compare(sandbox, operations, [empty, home, temporary]);
    return operations.filter(({ isWhole }) => isWhole).length;
  } finally {
    rmSync(sandbox, { recursive: true, force: true });
  }
}

function lineOf({ id, object, location, isWhole }: Operation): string {
  const { Environment, ResultsLocation } = commandParameters({
    operationId: id,
    object,
    resultsBucket: 'results',
    resultsPrefix: location,
  });
  if (isWhole) return `${id} ${Environment[0]} ${ResultsLocation[0]} whole\n`;
  return `${id} ${escaped(Environment[0])} ${escaped(ResultsLocation[0])} fast\n`;
}

/** Decoded, in the escapes of bash's printf. */
function escaped(base64: string): string {
  return Buffer.from(base64, 'base64')
    .toString('latin1')
    .replaceAll(/[^A-Za-z0-9_=/.:-]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function compare(sandbox: string, operations: readonly Operation[], emptyFolders: readonly string[]): void {
  const read = (name: string): string => {
    const path = join(sandbox, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };
  same(read('evaluated'), '', 'what was evaluated');
  same(read('failed') + read('errors'), '', 'what failed');
  for (const folder of emptyFolders) same(readdirSync(folder).join(), '', `the folder ${folder}`);
  const arrived = read('results').split('\0');
  const calls = read('trace').split('\0END\0');
  operations.forEach(({ id, object, location, isWhole }, index) => {
    const expected = [
      ...[id, object.bucket, object.key, object.versionId ?? '', object.etag, String(object.sizeBytes)],
      ...[object.contentType, object.lastModified, String(object.attempt), `s3://results/${location}`],
    ];
    expected.forEach((value, field) =>
      same(arrived[index * expected.length + field], value, `field ${field} of ${id}`),
    );
    checkCall(
      calls[index]!.split('\0'),
      object,
      join(sandbox, 'state', 'work', isWhole ? id : 'fast'),
      read(`${id}.key`),
    );
    if (isWhole) checkManifest(read(`${id}.manifest`), object.key);
  });
}

/** The CLI opens what begins with a scheme: such a key must be in the file that it is pointed to. */
function checkCall(words: readonly string[], object: ObjectReference, work: string, keyFile: string): void {
  const isPointer = pointer.test(object.key);
  const condition = object.versionId ? `--version-id=${object.versionId}` : `--if-match="${object.etag}"`;
  const key = isPointer ? `file://${work}/key` : object.key;
  const expected = ['s3api', 'get-object', `--bucket=${object.bucket}`, `--key=${key}`, condition, `${work}/object`];
  same(JSON.stringify(words), JSON.stringify(expected), 'the call of the AWS CLI');
  if (isPointer) same(keyFile, object.key, 'the file with the key');
}

function checkManifest(text: string, key: string): void {
  const paths = parseManifest(text).map(({ path }) => path);
  same(paths.includes('key'), true, 'the file "key" in the manifest');
  for (const path of paths) same(path.includes('/'), false, `a folder in ${JSON.stringify([path, key])}`);
}

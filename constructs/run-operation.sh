#!/bin/bash
# Runs one operation on an instance: fetches one object version, runs the user's command on it, stores the results,
# and writes their manifest last. Runs as root, once per operation, whatever is sent twice or dies in between.
#
# What an uploader chose (the key above all) arrives base64-encoded and is only ever a quoted variable here:
# never part of a script, never where a shell or the AWS CLI would expand it.
#
# Exit codes: 0 done; 65, 75 and all others as the command gave them, except 194. Our own: 69 this instance lacks
# something, 73 the results cannot be stored, 74 S3 refuses a transfer, 75 a transfer failed that may work another time, or
# an earlier run of the operation was cut off.

# The agent starts scripts with sh: dash on some systems, bash in POSIX mode on others.
if [ "${RUN_OPERATION_SHELL:-}" != bash ]; then exec env RUN_OPERATION_SHELL=bash bash "$0"; fi
unset RUN_OPERATION_SHELL
set -euo pipefail
umask 077

readonly home=${OBJECT_WORKFLOW_HOME:-/var/lib/object-workflow}
readonly tail_bytes=2048
readonly maximum_file_bytes=5368709119 # One byte less than where the CLI, as configured below, splits an upload.
readonly maximum_file_count=10000      # As in tasks/manifest.ts.
operation='' work='' location=''

# The construct puts the user's command between these two lines.
write_command() {
  cat <<'END_OF_COMMAND'
echo 'no command was given' >&2; exit 69
END_OF_COMMAND
}

main() {
  check_instance
  operation=$home/operations/$SSM_OperationId
  work=$home/work/$SSM_OperationId
  claim_operation || adopt_earlier_run
  exec 3>&2 2>>"$operation/notes" # Whatever goes wrong from here on is kept for a second run, too.
  trap finish EXIT
  sweep
  prepare_work
  download_object
  run_command
  store_results
}

note() { printf 'run-operation: %s\n' "$*" >&2; }

stop() {
  local -r code=$1
  shift
  note "$@"
  exit "$code"
}

# An agent that does not know ENV_VAR parameters leaves them unset, and must not get any other chance to interpret them.
check_instance() {
  local name
  for name in SSM_OperationId SSM_Environment SSM_ResultsLocation; do
    [[ -n ${!name:-} ]] || stop 69 "the parameter $name did not arrive: the SSM Agent is older than 3.3.2746.0. Update it"
  done
  [[ $SSM_OperationId =~ ^[A-Za-z0-9_-]+$ ]] || stop 69 'the operation id is not letters, digits, hyphens and underscores'
  export AWS_REGION=${AWS_REGION:-${AWS_SSM_REGION_NAME:-}}
  export AWS_DEFAULT_REGION=$AWS_REGION AWS_PAGER='' HOME=${HOME:-/root} LC_ALL=${LC_ALL:-C.UTF-8}
  local version
  version=$(aws --version 2>&1) || stop 69 "the AWS CLI is not installed: ${version:0:200}"
  # Older ones cannot store SHA-256 checksums in `aws s3 cp`.
  [[ $version =~ ^aws-cli/([0-9]+)\.([0-9]+)\. ]] &&
    ((BASH_REMATCH[1] > 2 || BASH_REMATCH[1] == 2 && BASH_REMATCH[2] >= 18 || BASH_REMATCH[1] == 1 && BASH_REMATCH[2] >= 35)) ||
    stop 69 "the AWS CLI must be 2.18 or newer, got: ${version%% *}. Update it"
}

# A process id means nothing after a reboot without the boot it belongs to.
this_boot() { cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown; }

# Creating a directory is atomic: of two runs of one operation, one goes on.
claim_operation() {
  mkdir -p "$home/operations" "$home/work"
  if ! mkdir "$operation" 2>/dev/null; then
    [[ -d $operation ]] || stop 69 "the folder $operation cannot be created"
    return 1
  fi
  printf '%s %s\n' "$$" "$(this_boot)" >"$operation/owner.part"
  mv "$operation/owner.part" "$operation/owner"
}

# Whether the process that claimed the operation of this folder still runs.
owner_is_alive() {
  local pid boot
  { read -r pid boot <"$1/owner"; } 2>/dev/null && [[ $boot == "$(this_boot)" ]] && kill -0 "$pid" 2>/dev/null
}

# A command was sent twice. The first run is the only one: wait for it and end as it ended.
# When it was cut off, nobody knows how far it came, so it is not run again under this id.
adopt_earlier_run() {
  local patience=5 # Its owner is recorded a moment after its folder appears.
  until [[ -e $operation/exit_code ]]; do
    if ! owner_is_alive "$operation" && [[ ! -e $operation/exit_code ]]; then
      [[ ! -e $operation/owner ]] && ((patience-- > 0)) || stop 75 'an earlier run of this operation was cut off half-way'
    fi
    sleep 1
  done
  cat "$operation/output"
  cat "$operation/errors" >&2
  exit "$(cat "$operation/exit_code")"
}

# Runs at every end but a kill: records how it ended, in an order that a reboot in between cannot twist.
finish() {
  local code=$?
  trap - EXIT
  set +e
  if ((code == 194)); then
    code=1
    note 'the command ended with exit code 194, which asks the SSM Agent for a reboot; taken as 1'
  fi
  exec 2>&3 3>&-
  : >"$operation/output" >"$operation/errors"
  [[ -f $work/output/stdout.log ]] && tail -c "$tail_bytes" "$work/output/stdout.log" >"$operation/output"
  ((code != 0)) && [[ -f $work/output/stderr.log ]] && tail -c "$tail_bytes" "$work/output/stderr.log" >"$operation/errors"
  tail -c "$tail_bytes" "$operation/notes" >>"$operation/errors"
  rm -rf "$work"
  printf '%s\n' "$code" >"$operation/exit_code.part"
  mv "$operation/exit_code.part" "$operation/exit_code"
  cat "$operation/output"
  cat "$operation/errors" >&2
  exit "$code"
}

# Removes what runs that were killed left behind, and the marks of operations that nobody can send again.
sweep() {
  local folder
  for folder in "$home"/work/*/; do
    [[ -d $folder ]] || continue
    folder=${folder%/}
    owner_is_alive "$home/operations/${folder##*/}" || rm -rf "$folder"
  done
  find "$home/operations" -mindepth 1 -maxdepth 1 -type d -mtime +30 -exec rm -rf {} +
}

# Entries end with NUL, so a value may hold anything else, line ends at its end included.
prepare_work() {
  mkdir "$work" "$work/command" "$work/results" "$work/output" "$work/temporary"
  base64 -d <<<"$SSM_Environment" >"$work/environment"
  location=$(base64 -d <<<"$SSM_ResultsLocation")
  local entry
  while IFS= read -r -d '' entry; do
    [[ $entry =~ ^OBJECT_[A-Z_]+= ]] || stop 69 'the parameter Environment sets something that is not OBJECT_…'
    export "${entry?}"
  done <"$work/environment"
  export OBJECT_FILE=$work/object RESULTS_DIR=$work/results TMPDIR=$work/temporary OPERATION_ID=$SSM_OperationId
  unset SSM_OperationId SSM_Environment SSM_ResultsLocation
}

# Fetches the very version or, in a bucket without versions, the object only while it is the one that was validated.
download_object() {
  local key=$OBJECT_KEY version=--version-id=$OBJECT_VERSION
  [[ -n $OBJECT_VERSION ]] || version="--if-match=\"$OBJECT_ETAG\""
  # The CLI takes such a value for the place of the real one: then it finds the key there, and takes that as it is.
  # (--cli-input-json would be simpler, but the CLI has it for no command that writes a file.)
  if [[ $key =~ ^(fileb?|https?):// ]]; then
    printf %s "$key" >"$work/key"
    key=file://$work/key
  fi
  AWS_CLI_FILE_ENCODING=UTF-8 aws s3api get-object --bucket="$OBJECT_BUCKET" --key="$key" "$version" "$OBJECT_FILE" \
    >"$work/downloaded.json" 2>"$work/transfer" || transfer_failed 'the object could not be downloaded'
  (($(wc -c <"$OBJECT_FILE") == OBJECT_SIZE)) || stop 74 "the object is not $OBJECT_SIZE bytes long, as it was when it was validated"
}

# What S3 has answered will not change by asking again; a network, a throttle or S3's own trouble will.
transfer_failed() {
  cat "$work/transfer" >&2
  grep -qE '\((NoSuch(Key|Version|Bucket)|Access ?Denied|Forbidden|InvalidObjectState|PreconditionFailed|MethodNotAllowed|KMS\.[A-Za-z]+|40[0345]|412)\)' "$work/transfer" ||
    stop 75 "$1, which may be different another time"
  stop 74 "$1: S3 refuses it. Is the object version still there and not archived, and may the role of this instance read it, write the results and use their keys?"
}

# Output goes to files: nothing the command prints can fill a pipe, be cut off, or keep the agent waiting for a daemon.
run_command() {
  local code=0
  write_command >"$work/command.sh"
  (cd "$work/command" && exec bash -euo pipefail "$work/command.sh") \
    </dev/null >"$work/output/stdout.log" 2>"$work/output/stderr.log" 3>&- || code=$?
  if ((code != 0)); then
    upload_logs
    exit "$code"
  fi
}

store_results() {
  check_results
  write_manifest
  upload "$work/results/" "${location}files/" --recursive --no-follow-symlinks
  upload_logs
  upload "$work/manifest.tsv" "${location}manifest.tsv" --content-type text/tab-separated-values
  sync -f "$home" 2>/dev/null || true # An image taken from the running instance sees only what has reached the disk.
}

# Only plain files can be stored; following a link would store what the command did not write.
check_results() {
  local other
  [[ -d $work/results && ! -L $work/results ]] || stop 73 'the command has removed or replaced RESULTS_DIR'
  if IFS= read -r -d '' other < <(find "$work/results" ! -type f ! -type d -print0); then
    printf -v other %q "${other#"$work"/results/}"
    stop 73 "the results hold something that is not a plain file (a link, a pipe or a device): ${other:0:200}"
  fi
}

# One line a file: SHA-256 and path in base64, so that every name fits in a line. Read by tasks/manifest.ts.
write_manifest() {
  local file path size count=0
  while IFS= read -r -d '' file; do
    path=${file#"$work"/results/}
    size=$(($(wc -c <"$file")))
    if ((size > maximum_file_bytes)); then
      printf -v path %q "$path"
      stop 73 "a result is too big: ${path:0:200} has $size bytes, $maximum_file_bytes are allowed. Split it"
    fi
    ((++count <= maximum_file_count)) || stop 73 "there are more than $maximum_file_count result files. Pack them into archives"
    printf '%s\t%s\t%s\n' "$(base64_of_hex "$(sha256_of "$file")")" "$size" "$(printf %s "$path" | base64 | tr -d '\n')"
  done < <(find "$work/results" -type f -print0 | LC_ALL=C sort -z) >"$work/manifest.tsv"
}

sha256_of() {
  local sum
  if command -v sha256sum >/dev/null; then sum=$(sha256sum <"$1"); else sum=$(shasum -a 256 <"$1"); fi
  printf %s "${sum%% *}"
}

# 64 hexadecimal digits are 10 times 3 bytes and 2 more, which make 3 characters and a padding.
base64_of_hex() {
  local -r hex=${1}00 digits=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/
  local text='' index bits
  for ((index = 0; index < 66; index += 6)); do
    bits=$((16#${hex:index:6}))
    text+=${digits:bits>>18:1}${digits:bits>>12&63:1}${digits:bits>>6&63:1}${digits:bits&63:1}
  done
  printf %s= "${text:0:43}"
}

# In one part, because only then the stored checksum is the file's own SHA-256.
upload() {
  local -r from=$1 to=$2
  shift 2
  printf '[default]\ns3 =\n  multipart_threshold = 5GB\n  preferred_transfer_client = classic\n' >"$work/aws-config"
  AWS_CONFIG_FILE=$work/aws-config aws s3 cp "$from" "$to" --checksum-algorithm SHA256 --only-show-errors "$@" >&2 2>"$work/transfer" ||
    transfer_failed 'the results could not be uploaded'
}

# The whole output, beside the results. Losing it does not make the work undone.
upload_logs() {
  (upload "$work/output/" "${location}output/" --recursive --content-type 'text/plain; charset=utf-8') ||
    note 'the output of the command is not stored'
}

main

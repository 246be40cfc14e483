# shellcheck shell=bash
# The `aws` command of a simulated instance, as far as a script sees it: hands the call to the process that simulates the instance
# (aws-command-server.ts) and gives back what that answers. Starts no process, because that is what it is here for: Node takes longer to
# start than any call takes. Needs bash 3.2 only, which macOS has.
# An instance's bin/aws sources it and has set `port` and `token`, and in `alone` the command that does the same in a process of its own.

run_alone() {
  exec 9>&-
  exec "${alone[@]}" "$@"
}

# As Node does where standard output is closed. (Whether standard error is, nobody could be told.)
true 2>/dev/null 9>&1 || exec >/dev/null

# `command`: in POSIX mode, a redirection of exec that fails would end the shell.
{ command exec 9<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || run_alone "$@"
# shellcheck disable=SC2154 # bin/aws sets them.
printf '%s\0' "$token" "$PWD" "${environment[@]}" "$#" "$@" >&9
umask >&9

# A line is the number of a stream and what to write there, with all but plain characters as octal escapes; or how to end.
while IFS= read -r line <&9; do
  case $line in
    1*) printf %b "${line#1}" || exit 255 ;;
    2*) printf %b "${line#2}" >&2 ;;
    exit\ *) exit "${line#exit }" ;;
    alone) run_alone "$@" ;;
  esac
done
echo 'The simulation that this instance belongs to has not answered, at its aws command' >&2
exit 255

# What ./run, ./test and the test runners share. Sourced with $top set and the working directory there.
# Long steps write to build/log/<name>.log; what a person sees is one line a step and its time.
# shellcheck shell=bash

: "${top:?set by the script that sources this}"
program=$(basename "$0")
step_pid=

say() { printf '%s\n' "$*"; }
fail() {
  printf '%s: %s\n' "$program" "$*" >&2
  exit 1
}

# The last line of a log that says something, for a one-line failure message.
last_words() { grep -E '[[:alnum:]]' "$1" 2>/dev/null | tail -n 1 | cut -c -160; }

# step NAME TEXT COMMAND...: runs COMMAND with its output in build/log/NAME.log and says how long it
# takes, after 15 seconds and every minute too. Returns COMMAND's status.
step() {
  local log=build/log/$1.log text=$2 start=$SECONDS tell=$((SECONDS + 15)) status=0
  shift 2
  mkdir -p build/log
  # A process group of its own, so that an interrupted step is ended with all it started.
  set -m
  "$@" >"$log" 2>&1 </dev/null &
  step_pid=$!
  set +m
  while kill -0 "$step_pid" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS >= tell)); then
      tell=$((SECONDS + 60))
      say "  ...  $text: $((SECONDS - start)) s so far"
    fi
  done
  wait "$step_pid" || status=$?
  step_pid=
  if [ "$status" = 0 ]; then
    say "  done $text ($((SECONDS - start)) s)"
  else
    say "  FAIL $text ($((SECONDS - start)) s), log: $log"
  fi
  return "$status"
}

# must NAME TEXT COMMAND...: a step without which there is no going on.
must() {
  step "$@" || fail "$2: failed: $(last_words "build/log/$1.log") (all of it: $top/build/log/$1.log)"
}

# To be called when the script ends: an interrupted step must not run on.
end_step() {
  [ -z "$step_pid" ] || kill -- "-$step_pid" 2>/dev/null || true
  step_pid=
}

# with_environment ENTRY: the pids of processes whose environment has this entry, NAME=VALUE.
with_environment() {
  { grep -lszxF -- "$1" /proc/[0-9]*/environ || true; } | cut -d/ -f3
}

# Is something listening on 127.0.0.1:PORT?
port_in_use() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port: a port below the kernel's own range that nothing listens on.
free_port() {
  local port
  for _ in {1..100}; do
    port=$((20000 + RANDOM % 12000))
    port_in_use "$port" || { echo "$port"; return; }
  done
  fail "no free port on 127.0.0.1"
}

# http_get PORT PATH: the whole answer, from a server on 127.0.0.1, within five seconds.
http_get() {
  timeout 5 bash -c '
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n" "$2" "$1" >&3
    cat <&3' http_get "$1" "$2" 2>/dev/null
}

random_word() { head -c 12 /dev/urandom | base64 | tr '+/' '-_'; }

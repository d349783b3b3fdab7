#!/usr/bin/env bash
# Runs one golden case and compares what it prints with what is expected.
#
#   tests/golden/run_case.sh HEAPQL CASE_FOLDER          UPDATE_GOLDEN=1 rewrites `expected`
#
# CASE_FOLDER holds `run`, a bash script, and `expected`, its output (stdout and stderr as the script merges them). The
# script runs in an empty folder and finds the program as `heapql`, the sample dumps in $dumps, its own folder in $here.
set -uo pipefail
heapql=$(realpath "$1") case=$(realpath "$2")
source=$(realpath "$(dirname "$0")/../..")
work=$(realpath "$(mktemp -d)")
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/cwd" "$work/home"
ln -s "$heapql" "$work/bin/heapql"

cd "$work/cwd"
env -u NO_COLOR -u COLUMNS -u XDG_CACHE_HOME PATH="$work/bin:$PATH" HOME="$work/home" TMPDIR="$work" LC_ALL=C TERM=xterm \
  here="$case" dumps="$source/samples/dumps" \
  bash "$case/run" > "$work/output" 2>&1
# The names of temporary folders are not part of the answer.
sed -e "s|$work|WORK|g" -e "s|$source|SOURCE|g" "$work/output" > "$work/found"

if [[ -n ${UPDATE_GOLDEN:-} ]]; then
  cp "$work/found" "$case/expected"
  exit 0
fi
diff -u "$case/expected" "$work/found" || { echo "UPDATE_GOLDEN=1 rewrites $case/expected"; exit 1; }

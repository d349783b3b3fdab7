#!/usr/bin/env bash
# Dumps a sample with the JDK of this machine, then checks it as the checked-in dump is checked.
#
#   tests/peer/fresh_dump.sh HEAPQL NAME [ARGUMENT...]      exit status 77: no JDK here
set -euo pipefail
heapql=$1 name=$2
shift 2
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$source/samples/dump.sh" -o "$work" "$name" "$@" || exit $?
"$source/tests/samples/check_sample.sh" "$heapql" "$work/$name.hprof" "$work/$name.json"

#!/usr/bin/env bash
# Agrees with the reference tools of allocation traces, heap profiles and series: every figure that one of them prints of a
# file, or that is documented of it, is compared with heapql's.
#
#   tests/peer/compare_traces.sh HEAPQL [DATA]      exit status 77: no data here
#
# DATA, else $HEAPQL_DATA, else ../shared/data beside the source tree, is a folder with trace/, where the tools' output lies
# beside their input, and MANIFEST.md, which has the truth of the programs. ONLY=heaptrack runs one script of traces/.
# Prints a line per figure: file, figure, theirs, ours, theirs - ours, why. A figure that differs is explained by a rule
# that gives the difference exactly; without one, exit status 1.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
heapql=$(realpath "$1") data=${2:-${HEAPQL_DATA:-$here/../../../shared/data}}
traces=$data/trace
[[ -d $traces ]] || { echo "no data here: set HEAPQL_DATA to a folder with trace/ and its truth"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C
: > "$work/result"
# shellcheck source=tests/peer/traces/library.sh
source "$here/traces/library.sh"

for script in "$here"/traces/*.sh; do
  name=$(basename "$script" .sh)
  [[ $name != library && ${ONLY:-$name} == "$name" ]] || continue
  source "$script"
  "compare_$name"
done

[[ -s $work/result ]] || { echo "no truth below $traces"; exit 77; }
awk -F '\t' '
  function line() {
    return sprintf("%-46s %-58s %18s %18s %12s  %s", $1, length($2) > 160 ? substr($2, 1, 100) " … " substr($2, length($2) - 56) : $2,
      $3, $4, $5, ($6 == "equal" ? "" : $6 ": " $7))
  }
  { verdicts[$6]++; files[$1]; print line() }
  $6 == "explained" || $6 == "not compared" { kinds[$6 ": " $7]++ }
  $6 == "FAIL" { failed[++failures] = line() }
  END {
    for (name in files) count++
    print ""
    for (kind in kinds) printf "%6d  %s\n", kinds[kind], kind | "sort -k 2"
    close("sort -k 2")
    print ""
    for (i = 1; i <= failures; i++) print failed[i]
    printf "%d files: %d figures equal, %d explained, %d not compared, %d FAIL\n", count, verdicts["equal"],
      verdicts["explained"], verdicts["not compared"], failures
    exit failures > 0
  }' "$work/result"

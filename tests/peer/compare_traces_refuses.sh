#!/usr/bin/env bash
# What compare_traces.sh takes for equal, explained or a failure, on figures written here.
#
#   tests/peer/compare_traces_refuses.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

expect() {  # VERDICT THEIRS FORMAT OURS WHY: of one figure; OURS "-" is none, WHY "-" no rule
  local verdict
  printf 'f\t%s\t%s\n' "$2" "$3" > "$work/theirs"
  : > "$work/ours"
  : > "$work/why"
  [[ $4 == - ]] || printf 'f\t%s\n' "$4" > "$work/ours"
  [[ $5 == - ]] || printf 'f\t%s\tbecause\n' "$5" > "$work/why"
  verdict=$(LC_ALL=C awk -F '\t' -v OFS='\t' -v file=x -f "$here/traces/compare.awk" "$work/why" "$work/ours" "$work/theirs" | cut -f 6)
  [[ $verdict == "$1" ]] && return
  echo "FAIL  theirs $2 ($3), ours $4, rule $5: $verdict, not $1"
  failed=1
}

expect equal 571,429 '' 571429 -
expect FAIL 571429 '' 571428 -
expect FAIL 571429 '' - -
expect explained 15632 '' 15631 1
expect FAIL 15633 '' 15631 1
expect FAIL 15631 '' 15631 1  # the rule no longer holds
expect 'not compared' 5 '' - absent
expect FAIL 5 '' 5 absent
expect 'not compared' 4 '' 5 partial
expect equal 5 '' 5 partial
expect FAIL 6 '' 5 partial
expect equal STABLE text STABLE -
expect FAIL STABLE text LEAKING -
expect equal 10.93M decimal 10932317 -
expect FAIL 10.93M decimal 10935100 -
expect equal 999B decimal 999 -
expect equal 18.637MB memray1024 19542494 -
expect FAIL 18.637MB memray1000 19542494 -
expect equal 280.928kB memray1000 280928 -
expect equal '6.848…' prefix1024 7180885 -
expect FAIL '6.849…' prefix1024 7180885 -
expect equal '1823 KiB' tracemalloc 1866750 -
expect equal '93 B' tracemalloc 93.4 -
expect equal 512kB pprof 524288 -
expect equal 7406.88kB pprof 7584643 -
expect FAIL 7406.87kB pprof 7584643 -
expect equal 0x64 hex 100 -
expect explained 6.89 %.2f 6.888 0.001
exit $failed

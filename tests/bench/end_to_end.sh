#!/usr/bin/env bash
# The whole program on a large dump: CPU seconds, memory, bytes of the database, start-up of a query.
#
#   tests/bench/end_to_end.sh HEAPQL MEASURE DUMP
#
# HEAPQL and MEASURE (measure.cpp) from a release build; DUMP from HeapGenerator.java or hprof_generator. CPU seconds
# are those of the process, so that other work on the machine matters less. "walks" is the same in plain reads of the
# dump (cat, page cache warm, same run): a number that can be compared between machines. "peak" is anonymous memory: what
# the process needs beyond the pages of the mapped dump. Needs about half the dump's size of space in $TMPDIR.
set -euo pipefail
[[ $# == 3 && -x $1 && -x $2 && -f $3 ]] || { sed -n '4p' "$0" >&2; exit 2; }
heapql=$1 measure=$2 dump=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache
bytes=$(stat -c %s "$dump")

cpu=0 peak=0 wall=0
run() {  # COMMAND...: sets cpu, peak (KiB) and wall
  "$measure" "$work/cost" "$@" > "$work/out" 2> "$work/err" || { cat "$work/err" >&2; exit 1; }
  read -r cpu peak wall < "$work/cost"
}
calculate() { awk "BEGIN { printf \"$1\", $2 }"; }

cat "$dump" > /dev/null
run cat "$dump"
walk=$(calculate %.3f "$cpu + 0.001")
line() { printf '%-34s %8.2f CPU-s  %7.1f walks  %7.0f MB peak   %s\n' "$1" "$cpu" "$(calculate %f "$cpu / $walk")" \
  "$(calculate %f "$peak / 1024")" "${2-}"; }

printf '%s: %.0f MB, a plain read takes %.2f CPU-s\n' "$(basename "$dump")" "$(calculate %f "$bytes / 1e6")" "$walk"
run "$heapql" import --quiet "$dump" -o "$work/heap.db"
objects=$(sqlite3 -readonly "$work/heap.db" 'SELECT max(id) + 1 FROM object')
references=$(sqlite3 -readonly "$work/heap.db" 'SELECT count(*) FROM reference')
database=$(stat -c %s "$work/heap.db")
line "import -o DB, all passes" "$(calculate %.2f "$cpu * 1e6 / $objects") us per object"
printf '%-34s %8.1f bytes per object (%d objects, %.2f references each, %.0f MB)\n' 'database' \
  "$(calculate %f "$database / $objects")" "$objects" "$(calculate %f "$references / $objects")" "$(calculate %f "$database / 1e6")"
printf '%-34s %8.1f bytes per object, %.1f per reference\n' 'peak memory' "$(calculate %f "$peak * 1024 / $objects")" \
  "$(calculate %f "$peak * 1024 / $references")"
run "$heapql" analyze --quiet "$dump"
line "analyze, no database kept"
run "$heapql" report --quiet --type histogram --no-graph "$dump"
line "histogram of the raw dump" "$(calculate %.2f "$bytes / 1e9 / $cpu") GB per CPU-s"
run "$heapql" query --quiet "$work/heap.db" 'SELECT count(*) FROM class'
line "query start-up" "$(calculate %.0f "$wall * 1000") ms wall"
[[ $(sqlite3 -readonly "$work/heap.db" 'PRAGMA quick_check') == ok ]] || { echo "the database is not sound"; exit 1; }

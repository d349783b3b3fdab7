#!/usr/bin/env bash
# A core file of a large C++ heap: CPU seconds, memory, what is found of what is known to be there, and of a core cut
# to a fifth of its length.
#
#   tests/bench/native_core.sh HEAPQL MEASURE NATIVE_HEAP [MILLIONS=21.5]
#
# HEAPQL, MEASURE (measure.cpp) and NATIVE_HEAP (native_heap.cpp) from a release build. Needs 300 bytes of $TMPDIR per
# block; the kernel writes the core when its core_pattern is a plain name, else gcore (gdb) does. "truth" is the
# program's own count. Of the cut core, the blocks of the whole core that end before the cut must be found again, with
# the same address and size. Fails when fewer than 99.9 % of the blocks are found, whole or cut.
set -euo pipefail
[[ ($# == 3 || $# == 4) && -x $1 && -x $2 && -x $3 ]] || { sed -n '5p' "$0" >&2; exit 2; }
heapql=$(realpath "$1") measure=$(realpath "$2") program=$(realpath "$3") millions=${4-21.5}
work=$(mktemp -d)
waiting=
trap '[[ -z $waiting ]] || kill "$waiting" 2> /dev/null || true; rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache
cd "$work"

if [[ $(< /proc/sys/kernel/core_pattern) =~ ^[A-Za-z0-9._%-]+$ ]]; then
  ulimit -c unlimited
  { "$program" "$millions" truth || true; } 2> /dev/null
  core=$(find . -maxdepth 1 -type f ! -name truth)
else
  "$program" "$millions" truth wait > pid &
  waiting=$!
  while [[ ! -s pid ]]; do
    kill -0 "$waiting" || exit 1
    sleep 0.1
  done
  gcore -o core "$waiting" > gcore.log 2>&1 || { cat gcore.log >&2; exit 1; }
  kill "$waiting"
  core=core.$waiting
  waiting=
fi
[[ -f $core ]] || { echo "no core was written (limit, core_pattern or space)" >&2; exit 1; }
read -r blocks leaked < truth

cpu=0 peak=0
run() {  # COMMAND...: sets cpu and peak (KiB)
  "$measure" cost "$@" > out 2> err || { cat err >&2; exit 1; }
  read -r cpu peak _ < cost
}
query() { sqlite3 -readonly "$1" "$2"; }
line() {  # NAME OBJECTS
  awk -v name="$1" -v cpu="$cpu" -v peak="$peak" -v n="$2" 'BEGIN {
    printf "%-28s %8.2f CPU-s  %7.0f MB peak   %.2f us, %.0f bytes per block\n", name, cpu, peak * 1024 / 1e6,
           cpu * 1e6 / n, peak * 1024 / n }'
}
share() { awk -v part="$1" -v all="$2" 'BEGIN { printf "%.3f %%", all == 0 ? 100 : 100 * part / all }'; }

bytes=$(stat -c %s "$core")
cat "$core" > /dev/null
run cat "$core"
printf 'core: %d MB, a plain read takes %.2f CPU-s\n' $((bytes / 1000000)) "$cpu"
run "$heapql" import --quiet "$core" -o whole.db
found=$(query whole.db 'SELECT count(*) FROM object')
line "import -o DB, all passes" "$found"
printf 'blocks: %d found, truth %d; references: %d\n' "$found" "$blocks" "$(query whole.db 'SELECT count(*) FROM reference')"
lost=$(query whole.db 'SELECT count(*) FROM object WHERE reachability = 5')
printf 'leaked: %d found, truth %d (%s)\n' "$lost" "$leaked" "$(share "$lost" "$leaked")"
run "$heapql" report --quiet --type histogram --no-graph "$core"
line "histogram, no graph" "$found"

head -c $((bytes / 5)) "$core" > fifth
run "$heapql" import --quiet fifth -o fifth.db
# The core's segments in file order: where the cut falls, and which memory lies before it.
ranges=$(readelf -lW "$core" | awk '$1 == "LOAD" { print $2, $3, $5 }' | while read -r offset address size; do
  length=$((size)) left=$((bytes / 5 - offset))
  (( left < length )) && length=$left
  if (( length > 0 )); then echo "($((address)), $((address + length))),"; fi
done)
before="WITH range(low, high) AS (VALUES ${ranges%,})
  SELECT o.address, o.shallow_size FROM range JOIN object o
    ON o.address >= low AND o.address + o.shallow_size <= high"
read -r expected again < <(sqlite3 -readonly -separator ' ' whole.db "ATTACH 'fifth.db' AS fifth;
  CREATE TEMP TABLE expected AS $before;
  SELECT count(*), count(c.address) FROM expected e
    LEFT JOIN fifth.object c ON c.address = e.address AND c.shallow_size = e.shallow_size")
line "import of the first fifth" "$(query fifth.db 'SELECT count(*) FROM object')"
printf 'blocks before the cut: %d, of which found: %d (%s)\n' "$expected" "$again" "$(share "$again" "$expected")"
awk -v found="$found" -v blocks="$blocks" -v again="$again" -v expected="$expected" 'BEGIN {
  exit !(found >= 0.999 * blocks && expected > 0 && again >= 0.999 * expected) }' || { echo "blocks are missing"; exit 1; }

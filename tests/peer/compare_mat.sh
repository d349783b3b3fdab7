#!/usr/bin/env bash
# Agrees with Eclipse MAT object by object: class, retained size and immediate dominator of every object of a dump.
#
#   tests/peer/compare_mat.sh HEAPQL [DATA]      exit status 77: no data here
#
# DATA, else $HEAPQL_DATA, else ../shared/data beside the source tree, is a folder with dumps below hprof/ and, for each, hprof/**/NAME.mat-objects.csv.gz: address, class_address,
# retained, idom_address as MAT 1.17's index files have them (hexadecimal without 0x; idom 0 = the virtual root).
# Prints a line per dump; exit status 1 when an object differs.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
heapql=$1 data=${2:-${HEAPQL_DATA:-$source/../shared/data}}
[[ -d $data/hprof ]] || { echo "no data here: set HEAPQL_DATA to a folder with hprof/ and its truth"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 compared=0

find_dump() {  # NAME: the dump of that name, whatever it is wrapped in
  find "$data/hprof" -type f \( -name "$1.hprof" -o -name "$1.hprof.gz" -o -name "$1.hprof.zst" -o -name "$1.bin" \
    -o -name "$1.bin.zst" \) | sort | head -n 1
}

while read -r truth; do
  name=$(basename "$truth" .mat-objects.csv.gz)
  dump=$(find_dump "$name")
  if [[ -z $dump ]]; then
    echo "skip  $name: truth without its dump"
    continue
  fi
  rm -f "$work"/*
  gzip -dc "$truth" > "$work/truth.csv"
  if ! "$heapql" import --quiet --sizes=mat --weak=follow "$dump" -o "$work/heap.db" 2> "$work/log"; then
    echo "FAIL  $name: $(tail -n 1 "$work/log")"
    failed=1
    continue
  fi
  # MAT has no object that is not reachable; ours has them without a retained size.
  sqlite3 "$work/compare.db" > "$work/result" << SQL
.mode list
.separator '|'
ATTACH '$work/heap.db' AS heap;
CREATE TABLE mat(address TEXT PRIMARY KEY, class_address TEXT, retained TEXT, idom_address TEXT) WITHOUT ROWID;
.import --csv --skip 1 $work/truth.csv mat
CREATE TABLE ours AS
  SELECT printf('%x', o.address) AS address, coalesce(printf('%x', k.address), '') AS class_address,
         CAST(o.retained_size AS TEXT) AS retained, coalesce(printf('%x', d.address), '0') AS idom_address, c.name AS class
  FROM heap.object o LEFT JOIN heap.class c ON c.id = o.class_id LEFT JOIN heap.object k ON k.id = c.object_id
  LEFT JOIN heap.object d ON d.id = o.dominator_id
  WHERE o.retained_size IS NOT NULL;
CREATE UNIQUE INDEX ours_address ON ours(address);
SELECT 'counts', (SELECT count(*) FROM mat), (SELECT count(*) FROM mat m JOIN ours o USING (address)),
       (SELECT count(*) FROM mat WHERE address NOT IN (SELECT address FROM ours)),
       (SELECT count(*) FROM ours WHERE address NOT IN (SELECT address FROM mat)),
       (SELECT count(*) FROM mat m JOIN ours o USING (address) WHERE m.class_address <> o.class_address),
       (SELECT count(*) FROM mat m JOIN ours o USING (address) WHERE m.retained <> o.retained),
       (SELECT count(*) FROM mat m JOIN ours o USING (address) WHERE m.idom_address <> o.idom_address);
SELECT 'missing', * FROM mat WHERE address NOT IN (SELECT address FROM ours) LIMIT 3;
SELECT 'extra', * FROM ours WHERE address NOT IN (SELECT address FROM mat) LIMIT 3;
SELECT 'differs', o.class, m.*, 'ours', o.class_address, o.retained, o.idom_address FROM mat m JOIN ours o USING (address)
WHERE m.class_address <> o.class_address OR m.retained <> o.retained OR m.idom_address <> o.idom_address LIMIT 5;
SQL
  IFS='|' read -r _ total same missing extra class retained dominator < "$work/result"
  compared=$((compared + 1))
  if ((missing + extra + class + retained + dominator == 0)); then
    echo "ok    $name: $same of $total objects agree"
  else
    failed=1
    echo "FAIL  $name: of $total objects $missing missing, $extra extra; class differs $class, retained $retained, dominator $dominator"
    sed -n '2,$s/^/        /p' "$work/result"
  fi
done < <(find "$data/hprof" -name '*.mat-objects.csv.gz' | sort)

((compared > 0)) || { echo "no truth below $data/hprof"; exit 77; }
exit $failed

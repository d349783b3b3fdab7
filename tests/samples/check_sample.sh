#!/usr/bin/env bash
# Does the program say what is true of a sample's dump?
#
#   tests/samples/check_sample.sh HEAPQL DUMP TRUTH.json
#
# TRUTH.json is what the sample printed of itself (samples/Truth.java). The database is read by the stock sqlite3, which
# also finds whether it is a sound one. Prints a line per check; exit status 1 when one fails.
set -euo pipefail
heapql=$1 dump=$2 truth=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$heapql" import --quiet "$dump" -o "$work/heap.db"
[[ $(sqlite3 "$work/heap.db" 'PRAGMA integrity_check') == ok ]] || { echo "FAIL integrity_check"; exit 1; }

sqlite3 -readonly "$work/heap.db" > "$work/checks" << SQL
.mode list
.separator ' '
CREATE TEMP TABLE truth AS SELECT CAST(readfile('$truth') AS TEXT) AS json;
CREATE TEMP TABLE expected AS
  SELECT value ->> 'class' AS class, value ->> 'count' AS count, value ->> 'reachability' AS reachability
  FROM truth, json_each(truth.json, '$.classes');

-- As many instances as the program made, each of the reachability it says.
SELECT CASE WHEN found = count THEN 'ok  ' ELSE 'FAIL' END, class, reachability, 'found', found, 'expected', count
FROM (SELECT e.*, (SELECT count(*) FROM objects o
                   WHERE o.class = e.class AND o.kind = 'instance' AND o.reachability = e.reachability) AS found
      FROM expected e);
SELECT 'FAIL', class, 'has instances of another reachability:', count(*)
FROM objects o JOIN expected e USING (class)
WHERE o.kind = 'instance' AND o.reachability <> e.reachability GROUP BY class;

-- The fault is the first suspect, by its cause, with the path and the size that are true.
WITH asked AS (SELECT json -> '$.suspect' ->> 'cause' AS cause, json -> '$.suspect' ->> 'through' AS through,
                      json -> '$.suspect' ->> 'retained_at_least' AS bytes
               FROM truth WHERE json -> '$.suspect' <> 'null'),
     first AS (SELECT id, coalesce(cause, '') AS cause, retained_bytes, title FROM suspect ORDER BY id LIMIT 1)
SELECT CASE WHEN first.cause IS coalesce(asked.cause, '') THEN 'ok  ' ELSE 'FAIL' END, 'cause', first.cause, 'expected',
       asked.cause, char(10) || CASE WHEN retained_bytes >= bytes THEN 'ok  ' ELSE 'FAIL' END, 'retained', retained_bytes,
       'expected at least', bytes, char(10) ||
       CASE WHEN through = '' OR EXISTS (SELECT 1 FROM suspect_path p WHERE p.suspect_id = first.id AND p.name = through)
            THEN 'ok  ' ELSE 'FAIL' END, 'path through', through
FROM asked LEFT JOIN first;

-- Garbage is counted, and never a suspect.
SELECT 'FAIL', 'garbage is a suspect:', s.title
FROM suspect s JOIN object o ON o.id = s.object_id JOIN class c ON c.id = o.class_id
JOIN expected e ON e.class = c.name AND e.reachability = 'unreachable';
SELECT CASE WHEN m.value >= (SELECT sum(count) FROM expected WHERE reachability = 'unreachable') THEN 'ok  ' ELSE 'FAIL' END,
       'unreachable objects', m.value
FROM metric m WHERE m.name = 'heap.unreachable_count' AND EXISTS (SELECT 1 FROM expected WHERE reachability = 'unreachable');

-- Conservation: the parts of the heap are the heap.
SELECT CASE WHEN sum(value) FILTER (WHERE name <> 'heap.total_bytes') = max(value) FILTER (WHERE name = 'heap.total_bytes')
            THEN 'ok  ' ELSE 'FAIL' END, 'live + weak + final + phantom + unreachable = total',
       CAST(max(value) FILTER (WHERE name = 'heap.total_bytes') AS INTEGER)
FROM metric WHERE name IN ('heap.live_bytes', 'heap.weak_bytes', 'heap.final_bytes', 'heap.phantom_bytes',
                           'heap.unreachable_bytes', 'heap.total_bytes');
SELECT CASE WHEN (SELECT sum(shallow_size) FROM object) = (SELECT sum(shallow_bytes) FROM class_stat) THEN 'ok  '
            ELSE 'FAIL' END, 'the histogram sums to the heap';
SQL
cat "$work/checks"
grep -q '^ok' "$work/checks" || { echo "FAIL nothing was checked"; exit 1; }
! grep -q '^FAIL' "$work/checks"

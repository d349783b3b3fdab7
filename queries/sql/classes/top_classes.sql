-- Classes whose instances together keep the most bytes alive.
-- param :limit INTEGER = 25  most rows to show
-- column class  name
-- column object_count  instances
-- column shallow_bytes  their own bytes
-- column retained_bytes  freed with all of them; nested instances are not counted twice
-- column percent  of the live bytes
SELECT c.name AS class, t.object_count, t.shallow_bytes, t.retained_bytes,
  round(100.0 * t.retained_bytes / (SELECT value FROM metric WHERE name = 'heap.live_bytes' AND snapshot_id = 1), 2)
    AS percent
FROM class_stat AS t LEFT JOIN class AS c ON c.id = t.class_id
WHERE t.snapshot_id = 1
ORDER BY t.retained_bytes DESC, t.class_id
LIMIT :limit;

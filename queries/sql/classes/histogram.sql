-- Classes by the bytes of their instances.
-- param :limit INTEGER = 25  most rows to show
-- column class  name
-- column object_count  instances
-- column shallow_bytes  their own bytes
-- column reachable_count  live instances
-- column reachable_bytes  their own bytes
-- column retained_bytes  freed with all of them
SELECT c.name AS class, t.object_count, t.shallow_bytes, t.reachable_count, t.reachable_bytes, t.retained_bytes
FROM class_stat AS t LEFT JOIN class AS c ON c.id = t.class_id
WHERE t.snapshot_id = 1
ORDER BY t.shallow_bytes DESC, t.class_id
LIMIT :limit;

-- The top of the dominator tree by class.
-- param :limit INTEGER = 25  most rows to show
-- column class  name
-- column object_count  objects that nothing but roots keeps alive
-- column shallow_bytes  their own bytes
-- column retained_bytes  freed with them
-- column percent  of the live bytes
SELECT c.name AS class, count(*) AS object_count, sum(o.shallow_size) AS shallow_bytes,
  sum(o.retained_size) AS retained_bytes,
  round(100.0 * sum(o.retained_size)
    / (SELECT value FROM metric WHERE name = 'heap.live_bytes' AND snapshot_id = 1), 2) AS percent
FROM object AS o LEFT JOIN class AS c ON c.id = o.class_id
WHERE o.retained_size IS NOT NULL AND o.dominator_id IS NULL
GROUP BY o.class_id
ORDER BY retained_bytes DESC, o.class_id
LIMIT :limit;

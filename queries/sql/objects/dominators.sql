-- The top of the dominator tree: objects that nothing but roots keeps alive.
-- param :limit INTEGER = 25  most rows to show
-- column object_id  object
-- column address  where it was
-- column class  its class
-- column shallow_size  bytes of its own
-- column retained_size  bytes freed with it
-- column percent  of the live bytes
SELECT o.id AS object_id, printf('0x%x', o.address) AS address, c.name AS class, o.shallow_size, o.retained_size,
  round(100.0 * o.retained_size / (SELECT value FROM metric WHERE name = 'heap.live_bytes' AND snapshot_id = 1), 2)
    AS percent
FROM object AS o LEFT JOIN class AS c ON c.id = o.class_id
WHERE o.retained_size IS NOT NULL AND o.dominator_id IS NULL
ORDER BY o.retained_size DESC, o.id
LIMIT :limit;

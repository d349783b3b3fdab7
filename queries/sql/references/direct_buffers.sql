-- Direct byte buffers: memory outside the heap.
-- param :limit INTEGER = 25  most rows to show
-- column object_id  buffer
-- column class  its class
-- column capacity  bytes outside the heap
-- column reachability  strong … unreachable
-- column retained_size  bytes freed with it inside the heap
WITH RECURSIVE kind(id) AS (
  SELECT id FROM class WHERE name = 'java.nio.DirectByteBuffer'
  UNION SELECT c.id FROM class AS c JOIN kind AS k ON c.super_id = k.id)
SELECT o.id AS object_id, c.name AS class, field(o.id, 'capacity') AS capacity,
  CASE o.reachability WHEN 0 THEN 'strong' WHEN 1 THEN 'soft' WHEN 2 THEN 'weak' WHEN 3 THEN 'final'
    WHEN 4 THEN 'phantom' ELSE 'unreachable' END AS reachability,
  o.retained_size
FROM object AS o LEFT JOIN class AS c ON c.id = o.class_id
WHERE o.kind = 0 AND o.class_id IN (SELECT id FROM kind)
ORDER BY field(o.id, 'capacity') DESC, o.id
LIMIT :limit;

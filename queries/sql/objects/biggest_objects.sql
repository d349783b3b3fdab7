-- Objects with the most bytes of their own (shallow size).
-- param :limit INTEGER = 25  most rows to show
-- column object_id  object
-- column address  where it was
-- column class  its class
-- column length  elements of an array
-- column shallow_size  bytes of its own
-- column reachability  strong … unreachable
SELECT o.id AS object_id, printf('0x%x', o.address) AS address, c.name AS class, o.length, o.shallow_size,
  CASE o.reachability WHEN 0 THEN 'strong' WHEN 1 THEN 'soft' WHEN 2 THEN 'weak' WHEN 3 THEN 'final'
    WHEN 4 THEN 'phantom' ELSE 'unreachable' END AS reachability
FROM object AS o LEFT JOIN class AS c ON c.id = o.class_id
ORDER BY o.shallow_size DESC, o.id
LIMIT :limit;

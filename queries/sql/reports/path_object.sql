-- What `heapql path` says of the object itself.
-- param :object TEXT  id or 0x address
-- column object_id  object
-- column address  where it was
-- column class  its class
-- column text  text of a string, name of a class, else Class@address
-- column shallow_size  bytes of its own
-- column retained_size  bytes freed with it; NULL when it is not live
-- column reachability  strong … unreachable
-- column live_bytes  of the whole heap
WITH the(id) AS (SELECT coalesce(obj_at(CASE WHEN :object LIKE '0x%' THEN :object END), :object))
SELECT o.id AS object_id, addr(o.id) AS address, class_of(o.id) AS class, to_string(o.id) AS text, o.shallow_size,
  o.retained_size,
  CASE o.reachability WHEN 0 THEN 'strong' WHEN 1 THEN 'soft' WHEN 2 THEN 'weak' WHEN 3 THEN 'final'
    WHEN 4 THEN 'phantom' WHEN 6 THEN 'uncertain' ELSE 'unreachable' END AS reachability,
  (SELECT value FROM metric WHERE name = 'heap.live_bytes' AND snapshot_id = 1) AS live_bytes
FROM object AS o, the
WHERE o.id = CAST(the.id AS INTEGER) AND addr(the.id) IS NOT NULL
ORDER BY o.id;

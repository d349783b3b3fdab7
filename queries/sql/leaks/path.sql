-- A shortest path from a root to an object.
-- param :object TEXT  id or 0x address
-- column step  0 = at the root
-- column name  of the reference; at step 0 the kind of root
-- column object_id  object
-- column class  its class
-- column retained_size  bytes freed with it
-- column strength  of the reference
SELECT step, coalesce(name, root) AS name, object_id, class, retained_size, strength
FROM path_to_root(:object)
ORDER BY step;

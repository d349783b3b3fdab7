-- What an object keeps alive directly: its children in the dominator tree.
-- param :object TEXT  id or 0x address
-- param :limit INTEGER = 25  most rows to show
-- column object_id  object
-- column address  where it was
-- column class  its class
-- column shallow_size  bytes of its own
-- column retained_size  bytes freed with it
SELECT object_id, address, class, shallow_size, retained_size
FROM dominated(:object)
ORDER BY retained_size DESC, object_id
LIMIT :limit;

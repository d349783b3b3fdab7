-- Who refers to an object.
-- param :object TEXT  id or 0x address
-- param :limit INTEGER = 25  most rows to show
-- column object_id  the referrer
-- column address  where it was
-- column class  its class
-- column name  field or [index]; <class> = it is an instance
-- column strength  strong, soft, weak, final, phantom
-- column retained_size  bytes freed with the referrer
SELECT object_id, address, class, name, strength, retained_size
FROM referrers(:object)
ORDER BY object_id, slot
LIMIT :limit;

-- Arrays with the most elements.
-- param :limit INTEGER = 25  most rows to show
-- column object_id  array
-- column address  where it was
-- column class  its class
-- column length  elements
-- column shallow_size  bytes of its own
-- column retained_size  bytes freed with it; NULL when it is not live
SELECT o.id AS object_id, printf('0x%x', o.address) AS address, c.name AS class, o.length, o.shallow_size,
  o.retained_size
FROM object AS o LEFT JOIN class AS c ON c.id = o.class_id
WHERE o.length IS NOT NULL
ORDER BY o.length DESC, o.id
LIMIT :limit;

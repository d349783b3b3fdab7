-- Maps and lists with the most elements.
-- param :limit INTEGER = 25  most rows to show
-- column object_id  collection
-- column class  its class
-- column size  elements
-- column slot_count  slots of its array
-- column retained_size  bytes freed with it
SELECT id AS object_id, class, size, slot_count, retained_size
FROM collections
WHERE size IS NOT NULL
ORDER BY size DESC, id
LIMIT :limit;

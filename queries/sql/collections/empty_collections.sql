-- Maps and lists without elements, by class, and the bytes of their arrays.
-- param :limit INTEGER = 25  most rows to show
-- column class  of the collection
-- column object_count  empty collections
-- column with_array  those that allocated an array all the same
-- column array_bytes  bytes of these arrays
SELECT class, count(*) AS object_count, count(array_id) AS with_array, coalesce(sum(array_bytes), 0) AS array_bytes
FROM collections
WHERE size = 0
GROUP BY class_id
ORDER BY object_count DESC, class_id
LIMIT :limit;

-- Primitive arrays with equal content.
-- param :limit INTEGER = 25  most rows to show
-- column class  of the arrays
-- column length  elements
-- column object_count  copies
-- column bytes_each  of one copy
-- column wasted_bytes  of all copies but one
-- column example_id  one of them
SELECT c.name AS class, o.length, d.object_count, d.bytes_each, d.wasted_bytes, d.example_id
FROM duplicate AS d LEFT JOIN object AS o ON o.id = d.example_id LEFT JOIN class AS c ON c.id = o.class_id
WHERE NOT d.is_string
ORDER BY d.wasted_bytes DESC, d.example_id
LIMIT :limit;

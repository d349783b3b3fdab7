-- Equal strings: the bytes that one copy of each would save.
-- param :limit INTEGER = 25  most rows to show
-- column value  the text, shortened
-- column object_count  copies
-- column bytes_each  of one copy with its array
-- column wasted_bytes  of all copies but one
-- column example_id  one of them
SELECT value, object_count, bytes_each, wasted_bytes, example_id
FROM duplicate_strings
ORDER BY wasted_bytes DESC, example_id
LIMIT :limit;

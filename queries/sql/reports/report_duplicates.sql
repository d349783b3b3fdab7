-- Groups of equal strings and primitive arrays, most wasteful first.
SELECT d.is_string, d.value, c.name AS class, d.object_count, d.bytes_each, d.wasted_bytes, d.example_id
FROM duplicate AS d
LEFT JOIN object AS o ON o.id = d.example_id
LEFT JOIN class AS c ON c.id = o.class_id
ORDER BY d.wasted_bytes DESC, d.example_id;

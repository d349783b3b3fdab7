-- What a database says of itself, for `heapql info`.
-- column taken_at  ISO 8601, UTC
SELECT path, format, runtime, pointer_size,
       strftime('%Y-%m-%dT%H:%M:%SZ', taken_at / 1000, 'unixepoch') AS taken_at,
       object_count, shallow_bytes, damaged_bytes, damage_count,
       (SELECT count(*) FROM class) AS class_count,
       (SELECT count(*) FROM thread) AS thread_count,
       (SELECT count(*) FROM root) AS root_count,
       (SELECT count(*) FROM suspect) AS suspect_count
FROM snapshot
ORDER BY id
LIMIT 1;

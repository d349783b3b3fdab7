-- What was analysed.
SELECT path, format, runtime, pointer_size, strftime('%Y-%m-%dT%H:%M:%SZ', taken_at / 1000, 'unixepoch') AS taken_at, object_count, shallow_bytes, damaged_bytes, damage_count
FROM snapshot WHERE id = 1;

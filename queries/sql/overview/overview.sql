-- The heap in one table: what the dump is and its metrics.
-- column name  what
-- column value  text or number
-- column unit  bytes, count, percent …; NULL for text
SELECT name, value, unit FROM (
  SELECT 1 AS part, 1 AS place, 'format' AS name, format AS value, NULL AS unit FROM snapshot WHERE id = 1
  UNION ALL SELECT 1, 2, 'runtime', runtime, NULL FROM snapshot WHERE id = 1
  UNION ALL SELECT 1, 3, 'pointer_size', pointer_size, 'bytes' FROM snapshot WHERE id = 1
  UNION ALL SELECT 1, 4, 'taken_at', datetime(taken_at / 1000, 'unixepoch') || ' UTC', NULL FROM snapshot WHERE id = 1
  UNION ALL SELECT 1, 5, 'objects', object_count, 'count' FROM snapshot WHERE id = 1
  UNION ALL SELECT 1, 6, 'shallow_bytes', shallow_bytes, 'bytes' FROM snapshot WHERE id = 1
  UNION ALL SELECT 1, 7, 'classes', (SELECT count(*) FROM class), 'count'
  UNION ALL SELECT 1, 8, 'class_loaders', (SELECT count(DISTINCT loader_id) FROM class), 'count'
  UNION ALL SELECT 1, 9, 'roots', (SELECT count(*) FROM root), 'count'
  UNION ALL SELECT 1, 10, 'threads', (SELECT count(*) FROM thread), 'count'
  UNION ALL SELECT 2, 0, name, value, unit FROM metric WHERE snapshot_id = 1)
ORDER BY part, place, name;

-- Every class with its counts; the loader as text.
SELECT c.id, c.name, coalesce(l.name, CASE WHEN c.loader_id IS NULL THEN '<system class loader>' ELSE '?' END) AS loader,
  s.object_count, s.shallow_bytes, s.reachable_count, s.reachable_bytes, s.retained_bytes, c.source, c.kind
FROM class_stat AS s
JOIN class AS c ON c.id = s.class_id
LEFT JOIN object AS o ON o.id = c.loader_id
LEFT JOIN class AS l ON l.id = o.class_id
WHERE s.snapshot_id = 1
ORDER BY s.class_id;

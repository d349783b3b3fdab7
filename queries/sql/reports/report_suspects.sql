-- Suspects, most retained first.
SELECT s.id, s.kind, s.cause, s.title, s.object_id, c.name AS class, s.accumulation_id, ac.name AS accumulation_class,
  s.retained_bytes, s.percent, s.signature
FROM suspect AS s
LEFT JOIN class AS c ON c.id = s.class_id
LEFT JOIN object AS a ON a.id = s.accumulation_id
LEFT JOIN class AS ac ON ac.id = a.class_id
WHERE s.snapshot_id = 1
ORDER BY s.id;

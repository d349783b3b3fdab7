-- Reference cycles, largest first.
SELECT p.id, c.name AS class, p.object_count, p.shallow_bytes, p.retained_bytes, p.reachability, p.has_finalizer,
  p.example_id
FROM component AS p
LEFT JOIN object AS o ON o.id = p.example_id
LEFT JOIN class AS c ON c.id = o.class_id
ORDER BY p.shallow_bytes DESC, p.id;

-- Leaks by class of the leak head, most bytes first.
SELECT c.name AS class, l.head_count, l.cycle_count, l.object_count, l.shallow_bytes, l.example_id
FROM leak AS l LEFT JOIN class AS c ON c.id = l.class_id
ORDER BY l.shallow_bytes DESC, l.id;

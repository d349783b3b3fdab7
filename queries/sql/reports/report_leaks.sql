-- Leaks of one certainty by class of the leak head, most bytes first.
-- param :certainty TEXT  leaked, or possibly leaked
SELECT c.name AS class, l.head_count, l.cycle_count, l.object_count, l.shallow_bytes, l.example_id, l.cycle, l.why
FROM leak AS l LEFT JOIN class AS c ON c.id = l.class_id
WHERE l.certainty = :certainty
ORDER BY l.shallow_bytes DESC, l.id;

-- Threads, those that retain most first.
SELECT t.id, t.name, t.state, t.object_id, t.stack_id, o.retained_size, c.name AS class, t.os_id
FROM thread AS t
LEFT JOIN object AS o ON o.id = t.object_id
LEFT JOIN class AS c ON c.id = o.class_id
ORDER BY coalesce(o.retained_size, 0) DESC, t.id;

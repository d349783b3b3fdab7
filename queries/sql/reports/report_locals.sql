-- What the frames of one thread hold, most retained first.
-- param :thread INTEGER  thread.id
SELECT DISTINCT r.frame_id, r.object_id, c.name AS class, o.address, o.retained_size
FROM root AS r
LEFT JOIN object AS o ON o.id = r.object_id
LEFT JOIN class AS c ON c.id = o.class_id
WHERE r.thread_id = :thread AND r.kind IN (2, 3, 4)
ORDER BY coalesce(o.retained_size, 0) DESC, r.object_id
LIMIT 20;

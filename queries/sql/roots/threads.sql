-- Threads by the bytes that they keep alive.
-- param :limit INTEGER = 25  most rows to show
-- column thread  name
-- column state  RUNNABLE, WAITING …
-- column object_id  the thread object
-- column local_count  objects held from its stack
-- column retained_size  bytes freed with the thread
-- column frame  where it was
SELECT t.name AS thread, t.state, t.object_id,
  (SELECT count(*) FROM root AS r WHERE r.thread_id = t.id AND r.frame_id IS NOT NULL) AS local_count,
  o.retained_size,
  (SELECT f.function FROM frame AS f WHERE f.stack_id = t.stack_id ORDER BY f.depth LIMIT 1) AS frame
FROM thread AS t LEFT JOIN object AS o ON o.id = t.object_id
ORDER BY o.retained_size DESC, t.id
LIMIT :limit;

-- Stacks of all threads with the locals of each frame.
-- param :limit INTEGER = 200  most rows to show
-- column thread  name
-- column depth  0 = innermost
-- column function  method
-- column file  source
-- column line  of the source
-- column local_count  objects held by the frame
-- column local_bytes  retained by the largest of them
SELECT t.name AS thread, f.depth, f.function, f.file, f.line, count(r.object_id) AS local_count,
  max(o.retained_size) AS local_bytes
FROM thread AS t JOIN frame AS f ON f.stack_id = t.stack_id
LEFT JOIN root AS r ON r.thread_id = t.id AND r.frame_id = f.id LEFT JOIN object AS o ON o.id = r.object_id
GROUP BY t.id, f.id
ORDER BY t.id, f.depth, f.id
LIMIT :limit;

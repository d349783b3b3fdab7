-- Threads of a process with the depth of their stacks, as they are in the dump: the one that died is the first.
SELECT t.id, t.name, t.os_id, t.stack_used_bytes, t.stack_bytes,
  (SELECT count(*) FROM frame AS f WHERE f.stack_id = t.stack_id) AS frame_count,
  (SELECT group_concat(function, ' ← ') FROM
    (SELECT f.function FROM frame AS f WHERE f.stack_id = t.stack_id ORDER BY f.depth LIMIT 3)) AS top_frames,
  t.signal
FROM thread AS t
ORDER BY t.id;

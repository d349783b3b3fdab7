-- Values of ThreadLocal variables, the largest first.
-- param :limit INTEGER = 25  most rows to show
-- column thread  name
-- column thread_id  the thread object
-- column value_id  object kept by the thread local
-- column class  of the value
-- column retained_size  bytes freed with the value
SELECT t.name AS thread, t.object_id AS thread_id, v.object_id AS value_id, v.class, v.retained_size
FROM thread AS t, referents(t.object_id) AS m, referents(m.object_id) AS a, referents(a.object_id) AS e,
  referents(e.object_id) AS v
WHERE t.object_id IS NOT NULL AND m.name IN ('threadLocals', 'inheritableThreadLocals') AND a.name = 'table'
  AND e.slot >= 0 AND v.name = 'value'
ORDER BY v.retained_size DESC, t.object_id, v.object_id
LIMIT :limit;

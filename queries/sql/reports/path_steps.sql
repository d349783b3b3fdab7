-- The paths of `heapql path`.
-- param :object TEXT  id or 0x address
-- param :k INTEGER = 1  how many paths
-- column path  0 = the shortest
-- column step  0 = at the root
-- column object_id  object
-- column address  where it was
-- column class  its class
-- column name  reference from the step before
-- column strength  of that reference
-- column slot  of that reference
-- column shallow_size  bytes of its own
-- column retained_size  bytes freed with it
-- column root  kind of root, at step 0; of native processes with its place
-- column weak_used  1 = there is no path without weak references
-- column text  text of a string, name of a class, else NULL
-- column variable  static data that holds step 0, else NULL
-- column code  functions that write it, else those that pass its address on, as far as code was read
SELECT p.path, p.step, p.object_id, p.address, p.class, p.name, p.strength, p.slot, p.shallow_size, p.retained_size,
  CASE WHEN p.root IN ('register', 'stack', 'thread_local', 'static', 'mapped_memory', 'allocator') THEN
    (SELECT r.kind || coalesce(' ' || r.name, '') || coalesce(' in ' || r.frame, '') || coalesce(' of ' || r.thread, '')
        || coalesce(' (doubtful: ' || r.doubt || ')', '')
      FROM roots AS r WHERE r.object_id = p.object_id
      ORDER BY r.doubt IS NOT NULL, r.kind <> 'static', r.kind <> 'thread_local', r.kind <> 'stack', r.name LIMIT 1)
    ELSE p.root END AS root,
  p.weak_used,
  CASE WHEN o.kind = 3 OR EXISTS (SELECT 1 FROM string AS s WHERE s.object_id = o.id) THEN to_string(o.id)
    ELSE (SELECT t.name FROM thread AS t WHERE t.object_id = o.id) END AS text,
  CASE WHEN p.step = 0 AND p.root = 'static' THEN (SELECT n.value FROM root AS r JOIN name AS n ON n.id = r.name_id
    WHERE r.object_id = p.object_id AND r.kind = 19 ORDER BY r.rowid LIMIT 1) END AS variable,
  CASE WHEN p.step = 0 AND p.root = 'static' THEN (
    SELECT CASE WHEN w.is_write THEN 'written by ' ELSE 'passed on by ' END || group_concat(w.function, ', ') FROM (
      SELECT c.function, max(c.access <> 'address taken') AS is_write FROM root AS r JOIN name AS n ON n.id = r.name_id
      JOIN code_reference AS c ON c.symbol = n.value
      WHERE r.object_id = p.object_id AND r.kind = 19 AND c.access IN ('write', 'read and write', 'address taken')
        AND c.function NOT GLOB '_GLOBAL__sub_I*'
      GROUP BY c.function ORDER BY 2 DESC, c.function LIMIT 3) AS w
    GROUP BY w.is_write ORDER BY w.is_write DESC LIMIT 1) END AS code
FROM paths_to_root(:object, :k) AS p LEFT JOIN object AS o ON o.id = p.object_id
ORDER BY p.path, p.step;

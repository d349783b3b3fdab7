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
SELECT p.path, p.step, p.object_id, p.address, p.class, p.name, p.strength, p.slot, p.shallow_size, p.retained_size,
  CASE WHEN p.root IN ('register', 'stack', 'thread_local', 'static', 'mapped_memory', 'allocator') THEN
    (SELECT r.kind || coalesce(' ' || r.name, '') || coalesce(' in ' || r.frame, '') || coalesce(' of ' || r.thread, '')
        || coalesce(' (doubtful: ' || r.doubt || ')', '')
      FROM roots AS r WHERE r.object_id = p.object_id
      ORDER BY r.doubt IS NOT NULL, r.kind <> 'static', r.kind <> 'thread_local', r.kind <> 'stack', r.name LIMIT 1)
    ELSE p.root END AS root,
  p.weak_used,
  CASE WHEN o.kind = 3 OR EXISTS (SELECT 1 FROM string AS s WHERE s.object_id = o.id) THEN to_string(o.id)
    ELSE (SELECT t.name FROM thread AS t WHERE t.object_id = o.id) END AS text
FROM paths_to_root(:object, :k) AS p LEFT JOIN object AS o ON o.id = p.object_id
ORDER BY p.path, p.step;

-- The roots of one object in words, the one that says most first: named static data, then what is least doubted.
-- param :object INTEGER  object.id
SELECT r.kind, coalesce(r.name, ''), coalesce(r.frame, ''), coalesce(r.thread, '') FROM roots AS r
WHERE r.object_id = :object
ORDER BY r.doubt IS NOT NULL, r.kind <> 'static', r.kind <> 'thread_local', r.kind <> 'stack', r.name
LIMIT 1;

-- Objects that roots hold, by the bytes freed with them.
-- param :limit INTEGER = 25  most rows to show
-- column object_id  object
-- column class  its class
-- column kind  of the root
-- column thread  whose local it is
-- column frame  method of the local
-- column retained_size  bytes freed with the object
SELECT r.object_id, r.class, r.kind, r.thread, r.frame, o.retained_size
FROM roots AS r LEFT JOIN object AS o ON o.id = r.object_id
ORDER BY o.retained_size DESC, r.object_id, r.kind, r.thread_id, r.frame_id
LIMIT :limit;

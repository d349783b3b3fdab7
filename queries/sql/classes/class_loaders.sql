-- Class loaders with their classes and instances.
-- param :limit INTEGER = 25  most rows to show
-- column loader_id  class loader object; NULL = the VM's own
-- column loader  class of the loader
-- column class_count  classes it defined
-- column object_count  instances of them
-- column shallow_bytes  bytes of the instances
-- column loader_retained_size  bytes freed with the loader object
SELECT c.loader_id, coalesce(lc.name, '<boot>') AS loader, count(*) AS class_count,
  coalesce(sum(t.object_count), 0) AS object_count, coalesce(sum(t.shallow_bytes), 0) AS shallow_bytes,
  l.retained_size AS loader_retained_size
FROM class AS c LEFT JOIN class_stat AS t ON t.class_id = c.id AND t.snapshot_id = 1
LEFT JOIN object AS l ON l.id = c.loader_id LEFT JOIN class AS lc ON lc.id = l.class_id
GROUP BY c.loader_id
ORDER BY class_count DESC, c.loader_id
LIMIT :limit;

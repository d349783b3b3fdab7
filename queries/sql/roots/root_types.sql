-- How many roots there are of each kind.
-- column kind  jni_global, java_frame, sticky_class …
-- column root_count  roots
-- column object_count  objects that they hold
-- column shallow_bytes  bytes of those objects
SELECT kind, sum(root_count) AS root_count, count(*) AS object_count, coalesce(sum(shallow_size), 0) AS shallow_bytes
FROM (SELECT r.kind, r.object_id, count(*) AS root_count, o.shallow_size
  FROM roots AS r LEFT JOIN object AS o ON o.id = r.object_id GROUP BY r.kind, r.object_id)
GROUP BY kind
ORDER BY root_count DESC, kind;

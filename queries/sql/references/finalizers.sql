-- Objects that are registered with the finalizer, by class.
-- param :limit INTEGER = 25  most rows to show
-- column class  of the referent
-- column object_count  objects waiting for, or watched by, the finalizer
-- column shallow_bytes  their own bytes
-- column not_live  those that only the finalizer still holds
WITH RECURSIVE kind(id) AS (
  SELECT id FROM class WHERE name IN ('java.lang.ref.FinalReference', 'java.lang.ref.FinalizerReference')
  UNION SELECT c.id FROM class AS c JOIN kind AS k ON c.super_id = k.id)
SELECT r.class, count(*) AS object_count, sum(r.shallow_size) AS shallow_bytes,
  sum(r.retained_size IS NULL) AS not_live
FROM object AS o, referents(o.id) AS r
WHERE o.kind = 0 AND o.class_id IN (SELECT id FROM kind) AND r.name = 'referent'
GROUP BY r.class
ORDER BY object_count DESC, r.class
LIMIT :limit;

-- Soft, weak and phantom reference objects by class.
-- param :limit INTEGER = 25  most rows to show
-- column class  of the reference objects
-- column object_count  reference objects
-- column referent_count  those not cleared
-- column only_weakly_held  referents that nothing stronger keeps alive
WITH RECURSIVE kind(id) AS (
  SELECT id FROM class WHERE name IN ('java.lang.ref.SoftReference', 'java.lang.ref.WeakReference',
    'java.lang.ref.PhantomReference')
  UNION SELECT c.id FROM class AS c JOIN kind AS k ON c.super_id = k.id)
SELECT c.name AS class, count(*) AS object_count, count(r.object_id) AS referent_count,
  coalesce(sum(t.retained_size IS NULL AND r.object_id IS NOT NULL), 0) AS only_weakly_held
FROM object AS o LEFT JOIN class AS c ON c.id = o.class_id
LEFT JOIN referents(o.id) AS r ON r.name = 'referent' LEFT JOIN object AS t ON t.id = r.object_id
WHERE o.kind = 0 AND o.class_id IN (SELECT id FROM kind)
GROUP BY o.class_id
ORDER BY object_count DESC, o.class_id
LIMIT :limit;

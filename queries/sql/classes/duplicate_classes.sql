-- Class names that more than one loader defined: redeployed or badly packaged code.
-- param :limit INTEGER = 25  most rows to show
-- column class  name
-- column class_count  classes of this name
-- column loader_count  loaders that defined one
-- column object_count  instances of all
-- column shallow_bytes  bytes of the instances
SELECT c.name AS class, count(*) AS class_count, count(DISTINCT coalesce(c.loader_id, -1)) AS loader_count,
  coalesce(sum(t.object_count), 0) AS object_count, coalesce(sum(t.shallow_bytes), 0) AS shallow_bytes
FROM class AS c LEFT JOIN class_stat AS t ON t.class_id = c.id AND t.snapshot_id = 1
GROUP BY c.name
HAVING count(*) > 1
ORDER BY class_count DESC, c.name
LIMIT :limit;

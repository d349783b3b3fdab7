-- Garbage that the dump still holds, by class.
-- param :limit INTEGER = 25  most rows to show
-- column class  name
-- column object_count  unreachable objects
-- column shallow_bytes  their own bytes
SELECT c.name AS class, count(*) AS object_count, sum(o.shallow_size) AS shallow_bytes
FROM object AS o LEFT JOIN class AS c ON c.id = o.class_id
WHERE o.reachability = 5
GROUP BY o.class_id
ORDER BY shallow_bytes DESC, o.class_id
LIMIT :limit;

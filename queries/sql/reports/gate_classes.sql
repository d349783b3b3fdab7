-- Live objects by class name, for the gate's [class "…"] rules. Classes of one name and several loaders are summed.
-- column object_count  live objects
-- column shallow_bytes  of live objects
-- column retained_bytes  of the instances as a set
SELECT c.name,
       sum(s.reachable_count) AS object_count,
       sum(s.reachable_bytes) AS shallow_bytes,
       sum(s.retained_bytes) AS retained_bytes
FROM class_stat AS s
JOIN class AS c ON c.id = s.class_id
GROUP BY c.name
ORDER BY retained_bytes DESC, c.name;

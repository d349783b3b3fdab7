-- Objects and bytes by the strongest way in which a root holds them.
-- column reachability  strong, soft, weak, final, phantom, unreachable
-- column object_count  objects
-- column shallow_bytes  their own bytes
SELECT CASE o.reachability WHEN 0 THEN 'strong' WHEN 1 THEN 'soft' WHEN 2 THEN 'weak' WHEN 3 THEN 'final'
    WHEN 4 THEN 'phantom' ELSE 'unreachable' END AS reachability,
  count(*) AS object_count, sum(o.shallow_size) AS shallow_bytes
FROM object AS o
GROUP BY o.reachability
ORDER BY o.reachability;

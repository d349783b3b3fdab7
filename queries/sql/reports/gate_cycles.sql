-- The live cycle that retains most, for the gate's heap.max_cycle_retained.
-- column retained_bytes  of the component as a set
SELECT m.id, m.object_count, m.retained_bytes, c.name AS class
FROM component AS m
LEFT JOIN object AS o ON o.id = m.example_id
LEFT JOIN class AS c ON c.id = o.class_id
WHERE m.reachability <> 5
ORDER BY m.retained_bytes DESC, m.id
LIMIT 1;

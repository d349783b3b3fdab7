-- Used blocks that keep free memory from going back to the system.
SELECT p.id, p.object_id, o.address, c.name AS class, o.shallow_size, o.reachability, p.pinned_bytes, p.gain_bytes,
  r.name AS region, r.live_count
FROM pin AS p LEFT JOIN object AS o ON o.id = p.object_id LEFT JOIN class AS c ON c.id = o.class_id
LEFT JOIN region AS r ON r.id = p.region_id
ORDER BY p.id;

-- Pins by class.
SELECT c.name, s.region_count, s.pinned_bytes
FROM pin_stat AS s LEFT JOIN class AS c ON c.id = s.class_id
ORDER BY s.pinned_bytes DESC, s.class_id;

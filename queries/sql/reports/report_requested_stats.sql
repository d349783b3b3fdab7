-- What blocks were asked for and what they take, by class, most wasted first.
SELECT c.name, s.block_count, s.usable_bytes, s.requested_bytes
FROM requested_stat AS s LEFT JOIN class AS c ON c.id = s.class_id
ORDER BY s.usable_bytes - s.requested_bytes DESC, s.class_id;

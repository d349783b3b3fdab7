-- Unusable-free-space index by request size: all arenas first, then each.
SELECT u.arena_id, a.name, u.request_bytes, u.servable_count, u.unusable_index
FROM unusable_free AS u LEFT JOIN arena AS a ON a.id = u.arena_id
ORDER BY u.arena_id IS NOT NULL, a.bytes DESC, u.arena_id, u.request_bytes;

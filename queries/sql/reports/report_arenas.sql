-- Arenas, largest first.
SELECT id, coalesce(nullif(name, ''), 'arena ' || id) AS name, region_count, bytes, live_bytes, free_bytes, cached_bytes,
  overhead_bytes, released_bytes, largest_free_bytes, live_count, free_count, pinned_bytes, page_count, empty_page_count,
  sparse_page_count, map, bytes_per_cell
FROM arena
ORDER BY bytes DESC, id;

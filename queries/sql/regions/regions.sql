-- What the allocators got from the system, region by region: used, free, cached, overhead.
-- param :limit INTEGER = 25  most rows to show
-- column id  region
-- column start_address  0x…
-- column kind  arena, slab, mapped chunk …
-- column name  which one
-- column arena  regions of one arena belong together
-- column bytes  live + free + cached + overhead
-- column live_bytes  in used blocks
-- column live_count  used blocks
-- column free_bytes  in free blocks
-- column largest_free_bytes  the largest request that it can serve
-- column cached_bytes  in threads' caches: neither used nor reclaimable
-- column overhead_bytes  the allocator's own
-- column external  external fragmentation, 0 … 1
SELECT id, printf('0x%x', start_address) AS start_address, kind, name, arena, end_address - start_address AS bytes,
  live_bytes, live_count, free_bytes, largest_free_bytes, cached_bytes, overhead_bytes,
  CASE WHEN free_bytes > 0 THEN 1.0 - 1.0 * largest_free_bytes / free_bytes ELSE 0.0 END AS external
FROM region
ORDER BY bytes DESC, id
LIMIT :limit;

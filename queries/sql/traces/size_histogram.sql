-- Allocations by requested size.
-- param :limit INTEGER = 50  most rows to show
-- column size  bytes of one allocation; the largest of its range where meta sizes.bucketed is 1
-- column allocation_count  calls
-- column allocated_bytes  in all of them
-- column live_count  at the end
-- column live_bytes  at the end
SELECT size, sum(allocation_count) AS allocation_count, sum(allocated_bytes) AS allocated_bytes,
  sum(live_count) AS live_count, sum(live_bytes) AS live_bytes
FROM site_size
WHERE snapshot_id = 1
GROUP BY size
ORDER BY coalesce(sum(allocation_count), sum(live_count)) DESC, size
LIMIT :limit;

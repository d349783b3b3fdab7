-- Who calls a function that allocates: its direct callers.
-- param :function TEXT = ''  the function, or a pattern with % for anything
-- param :limit INTEGER = 25  most rows to show
-- column function  that allocates
-- column caller  that calls it
-- column allocation_count  through this caller
-- column allocated_bytes  through this caller
-- column live_bytes  at the end
-- column leaked_bytes  at the end, without what is suppressed
SELECT function, caller, sum(allocation_count) AS allocation_count, sum(allocated_bytes) AS allocated_bytes,
  sum(live_bytes) AS live_bytes, sum(leaked_bytes) AS leaked_bytes
FROM allocation_sites
WHERE :function = '' OR function LIKE :function
GROUP BY function, caller
ORDER BY coalesce(sum(allocated_bytes), sum(live_bytes)) DESC, function, caller
LIMIT :limit;

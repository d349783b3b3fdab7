-- Who allocates: sites by allocations, paths of one site summed.
-- param :limit INTEGER = 25  most rows to show
-- column function  innermost frame that is no allocator
-- column file  of that frame
-- column line  of that frame
-- column allocation_count  calls
-- column allocated_bytes  in all of them
-- column live_bytes  at the end
-- column peak_bytes  live when the whole program was at its peak
-- column temporary_count  freed before the next allocation
-- column path_count  call paths to this site
-- column samples  sampled profiles: how many the figures are estimated from; the 95 % error is 196 % / sqrt(samples)
SELECT function, file, line, sum(allocation_count) AS allocation_count, sum(allocated_bytes) AS allocated_bytes,
  sum(live_bytes) AS live_bytes, sum(peak_bytes) AS peak_bytes, sum(temporary_count) AS temporary_count,
  count(*) AS path_count, sum(coalesce(allocation_samples, live_samples)) AS samples
FROM allocation_sites
GROUP BY function, file, line
ORDER BY coalesce(sum(allocation_count), sum(live_bytes), sum(peak_bytes)) DESC, function, file, line
LIMIT :limit;

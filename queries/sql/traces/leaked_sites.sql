-- What was not freed, or is lost, by site; without what is suppressed.
-- param :limit INTEGER = 25  most rows to show
-- column function  innermost frame that is no allocator
-- column file  of that frame
-- column line  of that frame
-- column leaked_count  blocks
-- column leaked_bytes  in all of them
-- column path_count  call paths to this site
SELECT function, file, line, sum(leaked_count) AS leaked_count, sum(leaked_bytes) AS leaked_bytes,
  count(*) AS path_count
FROM allocation_sites
WHERE leaked_bytes > 0
GROUP BY function, file, line
ORDER BY sum(leaked_bytes) DESC, function, file, line
LIMIT :limit;

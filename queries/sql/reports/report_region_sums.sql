-- All regions together.
SELECT count(*), coalesce(sum(end_address - start_address), 0), coalesce(sum(live_bytes), 0),
  coalesce(sum(free_bytes), 0), coalesce(sum(cached_bytes), 0), coalesce(sum(overhead_bytes), 0),
  coalesce(sum(live_count), 0)
FROM region;

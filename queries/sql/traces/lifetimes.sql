-- How old blocks were when they were freed, of the whole program.
-- column clock  bytes (allocated meanwhile), seconds, instructions or allocations
-- column age_below  NULL = not freed in the record
-- column object_count  blocks of that age
-- column bytes  in all of them
-- column is_estimated  1: the format does not say which block was freed
SELECT clock, age_below, object_count, bytes, is_estimated
FROM lifetime
WHERE snapshot_id = 1 AND site_id IS NULL
ORDER BY clock, age_below IS NULL, age_below;

-- Input bytes that could not be used, in the order of the input.
SELECT offset, bytes, what FROM damage WHERE snapshot_id = 1 ORDER BY offset, what LIMIT 20;

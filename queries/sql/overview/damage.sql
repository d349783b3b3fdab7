-- Parts of the input that could not be used.
-- param :limit INTEGER = 25  most rows to show
-- column offset  in the inflated input, bytes
-- column bytes  how many were lost
-- column what  the reason
SELECT offset, bytes, what
FROM damage
WHERE snapshot_id = 1
ORDER BY offset, bytes, what
LIMIT :limit;

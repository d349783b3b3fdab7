-- Used blocks that keep free memory of their region from going back to the system.
-- param :limit INTEGER = 25  most rows to show
-- column object_id  the block
-- column address  0x…
-- column class  its type
-- column pinned_bytes  free bytes of the region that it keeps
-- column gain_bytes  what could go back if this block alone were freed
-- column region  name of the region
-- column held_by  the root in words; NULL = leaked, or not searched
SELECT p.object_id, printf('0x%x', o.address) AS address, c.name AS class, p.pinned_bytes, p.gain_bytes,
  r.name AS region, (SELECT s.name FROM pin_path AS s WHERE s.pin_id = p.id AND s.step = 0) AS held_by
FROM pin AS p LEFT JOIN object AS o ON o.id = p.object_id LEFT JOIN class AS c ON c.id = o.class_id
LEFT JOIN region AS r ON r.id = p.region_id
ORDER BY p.id
LIMIT :limit;

-- The free blocks that large requests are served from.
-- param :limit INTEGER = 25  most rows to show
-- column address  0x…
-- column size  bytes that a request can have of it
-- column bin  of the allocator, NULL = none
-- column region_id  region
-- column region  its name
SELECT printf('0x%x', f.address) AS address, f.size, f.bin, f.region_id, r.name AS region
FROM free_block AS f LEFT JOIN region AS r ON r.id = f.region_id
ORDER BY f.size DESC, f.address
LIMIT :limit;

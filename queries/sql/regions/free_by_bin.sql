-- Free blocks by kind of region and bin of the allocator.
-- column kind  of the region
-- column bin  the allocator's bin or size class, NULL = none
-- column block_count  free blocks
-- column free_bytes  their bytes
-- column smallest  bytes of the smallest block
-- column largest  bytes of the largest block
SELECT r.kind, f.bin, count(*) AS block_count, sum(f.size) AS free_bytes, min(f.size) AS smallest,
  max(f.size) AS largest
FROM free_block AS f LEFT JOIN region AS r ON r.id = f.region_id
GROUP BY r.kind, f.bin
ORDER BY r.kind, f.bin;

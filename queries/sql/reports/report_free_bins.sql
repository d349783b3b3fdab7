-- Free blocks by kind of region and bin, without those of released regions (analyzer/passes/fragmentation).
SELECT r.kind, f.bin, count(*), sum(f.size), min(f.size), max(f.size)
FROM free_block AS f JOIN region AS r ON r.id = f.region_id
WHERE r.kind NOT LIKE '%retained%' AND r.kind NOT LIKE '%returned%'
GROUP BY r.kind, f.bin
ORDER BY r.kind, f.bin;

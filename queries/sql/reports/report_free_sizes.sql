-- Free blocks by their exact size, without those of released regions (analyzer/passes/fragmentation).
SELECT f.size, count(*)
FROM free_block AS f JOIN region AS r ON r.id = f.region_id
WHERE r.kind NOT LIKE '%retained%' AND r.kind NOT LIKE '%returned%'
GROUP BY f.size
ORDER BY f.size;

-- Maps and lists by class: how full their arrays are.
-- param :limit INTEGER = 25  most rows to show
-- column class  of the collection
-- column object_count  collections
-- column element_count  elements in all of them
-- column slot_count  slots of their arrays
-- column fill_percent  elements per slot
-- column retained_bytes  sum over the collections (nested ones count twice)
SELECT class, count(*) AS object_count, sum(size) AS element_count, sum(slot_count) AS slot_count,
  round(100.0 * sum(size) / nullif(sum(slot_count), 0), 1) AS fill_percent, sum(retained_size) AS retained_bytes
FROM collections
GROUP BY class_id
ORDER BY retained_bytes DESC, class_id
LIMIT :limit;

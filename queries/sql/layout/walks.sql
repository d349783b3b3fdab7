-- Walks over large lists, trees, hash tables and arrays of references: how they jump in memory.
-- param :limit INTEGER = 25  most rows to show
-- column kind  linked (from object to object of one class) or array (elements of an array of references)
-- column object_id  the first object, or the array
-- column class  class of most elements
-- column element_count  elements
-- column near_percent  steps that end in the cache line they began in or the next one
-- column page_changes  steps to another page of 4 KiB
-- column page_count  pages that the elements lie in
-- column least_pages  pages that they would take side by side
SELECT w.kind, w.object_id, c.name AS class, w.element_count,
  round(100.0 * w.near_count / max(w.element_count - 1, 1), 1) AS near_percent, w.page_changes, w.page_count,
  (w.bytes + 4095) / 4096 AS least_pages
FROM walk AS w LEFT JOIN class AS c ON c.id = w.class_id
ORDER BY w.id
LIMIT :limit;

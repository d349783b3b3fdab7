-- Views that need our functions. They are made as TEMP views on every connection of ours and never stored: a stock
-- sqlite3 that met them in the file could not read it.

-- Maps and lists with their number of elements and the array that holds them. NULL where the field's value is not stored.
CREATE TEMP VIEW collections AS
WITH RECURSIVE kind(id) AS (
  SELECT id FROM class WHERE name IN ('java.util.HashMap', 'java.util.Hashtable', 'java.util.WeakHashMap',
    'java.util.IdentityHashMap', 'java.util.ArrayList', 'java.util.Vector', 'java.util.ArrayDeque',
    'java.util.PriorityQueue')
  UNION SELECT c.id FROM class AS c JOIN kind AS k ON c.super_id = k.id),
collection AS (
  SELECT o.id, o.class_id, o.retained_size,
    coalesce(field(o.id, 'size'), field(o.id, 'count'), field(o.id, 'elementCount')) AS size,
    coalesce(field(o.id, 'table'), field(o.id, 'elementData'), field(o.id, 'elements'), field(o.id, 'queue'))
      AS array_id
  FROM object AS o WHERE o.kind = 0 AND o.class_id IN (SELECT id FROM kind))
SELECT k.id, k.class_id, c.name AS class, k.size, a.id AS array_id, a.length AS slot_count, a.shallow_size AS array_bytes,
  k.retained_size
FROM collection AS k LEFT JOIN class AS c ON c.id = k.class_id LEFT JOIN object AS a ON a.id = k.array_id;

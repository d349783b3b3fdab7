-- One object: class, sizes, who dominates it.
-- param :object TEXT  id or 0x address
-- column name  property
-- column value  its value
WITH the(id) AS (SELECT coalesce(obj_at(CASE WHEN :object LIKE '0x%' THEN :object END), :object))
SELECT name, value FROM (
  SELECT 1 AS place, 'object_id' AS name, o.id AS value FROM object AS o, the WHERE o.id = the.id
  UNION ALL SELECT 2, 'address', addr(o.id) FROM object AS o, the WHERE o.id = the.id
  UNION ALL SELECT 3, 'class', class_of(o.id) FROM object AS o, the WHERE o.id = the.id
  UNION ALL SELECT 4, 'text', to_string(o.id) FROM object AS o, the WHERE o.id = the.id
  UNION ALL SELECT 5, 'shallow_size', o.shallow_size FROM object AS o, the WHERE o.id = the.id
  UNION ALL SELECT 6, 'length', o.length FROM object AS o, the WHERE o.id = the.id
  UNION ALL SELECT 7, 'retained_size', o.retained_size FROM object AS o, the WHERE o.id = the.id
  UNION ALL SELECT 8, 'dominator_id', o.dominator_id FROM object AS o, the WHERE o.id = the.id
  UNION ALL SELECT 9, 'root_distance', o.root_distance FROM object AS o, the WHERE o.id = the.id)
ORDER BY place;

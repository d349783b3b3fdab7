-- References and primitive fields of one object.
-- param :object TEXT  id or 0x address
-- param :limit INTEGER = 100  most rows to show
-- column slot  place in the object; -1 = its class; NULL for primitive fields
-- column name  field or [index]
-- column type  L for references, else the JVM letter
-- column target_id  object referred to
-- column value  its text, or the number
WITH the(id) AS (SELECT coalesce(obj_at(CASE WHEN :object LIKE '0x%' THEN :object END), :object))
SELECT slot, name, type, target_id, value FROM (
  SELECT 1 AS part, r.slot AS slot, r.name AS name, 'L' AS type, r.object_id AS target_id,
    to_string(r.object_id) AS value
  FROM the, referents(the.id) AS r
  UNION ALL
  SELECT 2, NULL, n.value, v.type, NULL, v.value
  FROM the, value AS v LEFT JOIN name AS n ON n.id = v.name_id WHERE v.object_id = CAST(the.id AS INTEGER))
ORDER BY part, slot, name
LIMIT :limit;

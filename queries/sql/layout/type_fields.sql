-- Members of types, what their values are over all objects, and how many functions use them.
-- param :type TEXT = %  type; % and _ as in LIKE
-- param :limit INTEGER = 100  most rows to show
-- column type  the type it is a member of
-- column member  its name; a.b = member b of member a
-- column member_type  its type
-- column offset  bytes from the start of the object
-- column size  bytes
-- column hole_bytes  unused bytes behind it
-- column zero_percent  objects in which it is 0, null or empty; NULL = none were looked at
-- column common_value  the value that more than half have
-- column needed_bits  bits that hold every value, of integers
-- column functions  methods of the class that use it, by the code
SELECT t.name AS type, f.name AS member, f.type AS member_type, f.offset, f.size, f.hole_bytes,
  round(100.0 * f.zero_count / f.value_count, 1) AS zero_percent, f.common_value, f.needed_bits,
  (SELECT count(DISTINCT a.function) FROM field_access AS a WHERE a.class = t.name AND a.offset < f.offset + f.size
    AND a.offset + coalesce(a.size, 1) > f.offset) AS functions
FROM type_field AS f JOIN type_layout AS t ON t.id = f.type_id
WHERE t.name LIKE :type
ORDER BY f.type_id, f.ordinal
LIMIT :limit;

-- Which fields the methods of a class use, by the code: hints, not measurements.
-- param :class TEXT = %  class; % and _ as in LIKE
-- param :limit INTEGER = 100  most rows to show
-- column class  class
-- column offset  of the field in the object
-- column size  bytes used, NULL = only the address is taken
-- column readers  functions that read it
-- column writers  functions that write it
-- column loop_depth  deepest loop around a use
-- column locked  1 = used with a lock prefix, or as a mutex
-- column functions  some of them
SELECT f.class, f.offset, f.size,
  COUNT(DISTINCT CASE WHEN f.access LIKE '%read%' THEN f.function END) AS readers,
  COUNT(DISTINCT CASE WHEN f.access LIKE '%write%' THEN f.function END) AS writers,
  MAX(f.loop_depth) AS loop_depth, MAX(f.locked) AS locked, substr(group_concat(DISTINCT f.function), 1, 200) AS functions
FROM field_access AS f
WHERE f.class LIKE :class
GROUP BY f.class, f.offset, f.size
ORDER BY f.class, f.offset, f.size
LIMIT :limit;

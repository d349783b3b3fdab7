-- Paths from roots to the suspects.
-- param :limit INTEGER = 1000  most rows to show
-- column suspect_id  number in the report
-- column step  0 = at the root
-- column name  of the reference; at step 0 the kind of root
-- column object_id  object
-- column class  its class
-- column retained_size  bytes freed with it
SELECT p.suspect_id, p.step, p.name, p.object_id, c.name AS class, o.retained_size
FROM suspect_path AS p LEFT JOIN object AS o ON o.id = p.object_id LEFT JOIN class AS c ON c.id = o.class_id
ORDER BY p.suspect_id, p.step
LIMIT :limit;

-- What keeps a suspect alive, from the root down.
-- param :suspect INTEGER  suspect.id
-- column name  kind of the root for the first step, else the reference from the step before
SELECT p.step,
       p.name,
       CASE WHEN o.kind = 3 THEN (SELECT m.name FROM class AS m WHERE m.object_id = o.id LIMIT 1) ELSE c.name END AS class,
       o.kind = 3 AS is_class,
       o.retained_size AS retained_bytes
FROM suspect_path AS p
LEFT JOIN object AS o ON o.id = p.object_id
LEFT JOIN class AS c ON c.id = o.class_id
WHERE p.suspect_id = :suspect
ORDER BY p.step;

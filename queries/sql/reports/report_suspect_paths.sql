-- What keeps each suspect alive, from the root down. class: of the object, or the class that a class object stands for.
SELECT p.suspect_id, p.step, p.name, coalesce(m.name, c.name) AS class, m.name IS NOT NULL AS is_class, p.object_id,
  o.address, o.retained_size
FROM suspect_path AS p
LEFT JOIN object AS o ON o.id = p.object_id
LEFT JOIN class AS c ON c.id = o.class_id
LEFT JOIN class AS m ON o.kind = 3 AND m.object_id = o.id
ORDER BY p.suspect_id, p.step;

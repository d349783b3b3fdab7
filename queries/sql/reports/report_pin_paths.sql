-- How pins are held, from the root down.
SELECT p.pin_id, p.step, p.name, c.name AS class, p.object_id, o.address, o.retained_size
FROM pin_path AS p LEFT JOIN object AS o ON o.id = p.object_id LEFT JOIN class AS c ON c.id = o.class_id
ORDER BY p.pin_id, p.step;

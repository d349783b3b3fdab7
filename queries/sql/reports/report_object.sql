-- The class of one object.
-- param :object INTEGER  object.id
SELECT c.name, printf('0x%x', o.address) FROM object AS o LEFT JOIN class AS c ON c.id = o.class_id WHERE o.id = :object;

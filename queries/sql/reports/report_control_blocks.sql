-- Control blocks of shared pointers, by class: own = a block for the counts alone, else they lie before the object.
SELECT c.name, s.object_count, s.shallow_bytes, c.name NOT LIKE 'std::make\_shared block of %' ESCAPE '\' AS own
FROM class_stat AS s JOIN class AS c ON c.id = s.class_id
WHERE c.name LIKE 'std::make\_shared block of %' ESCAPE '\' OR c.name LIKE 'std::shared\_ptr control block%' ESCAPE '\'
  OR c.name LIKE 'std::\_Sp\_counted\_%' ESCAPE '\'
ORDER BY s.object_count DESC, c.id;

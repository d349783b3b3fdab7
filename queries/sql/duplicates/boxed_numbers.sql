-- Boxed numbers: objects that could be primitives or shared.
-- param :limit INTEGER = 25  most rows to show
-- column class  java.lang.Integer …
-- column object_count  objects
-- column shallow_bytes  their own bytes
-- column distinct_values  different numbers among them; NULL when the import left values out
SELECT c.name AS class, count(*) AS object_count, sum(o.shallow_size) AS shallow_bytes,
  nullif(count(DISTINCT v.value), 0) AS distinct_values
FROM object AS o JOIN class AS c ON c.id = o.class_id
LEFT JOIN value AS v ON v.object_id = o.id
  AND v.name_id = (SELECT id FROM name WHERE value = 'value' ORDER BY id LIMIT 1)
WHERE o.kind = 0 AND c.name IN ('java.lang.Integer', 'java.lang.Long', 'java.lang.Short', 'java.lang.Byte',
  'java.lang.Character', 'java.lang.Boolean', 'java.lang.Float', 'java.lang.Double')
GROUP BY c.name
ORDER BY shallow_bytes DESC, c.name
LIMIT :limit;

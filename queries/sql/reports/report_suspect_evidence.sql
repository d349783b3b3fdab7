-- The evidence of each suspect in its order.
SELECT e.suspect_id, e.kind, e.name, e.object_id, o.address, e.object_count, e.bytes, e.text
FROM suspect_evidence AS e
LEFT JOIN object AS o ON o.id = e.object_id
ORDER BY e.suspect_id, e.ordinal;

-- Who holds the strings: classes by the strings that their instances refer to.
-- param :limit INTEGER = 25  most rows to show
-- column class  of the referrer
-- column field  name of the reference
-- column string_count  references to strings
-- column distinct_count  different texts among them
SELECT c.name AS class, coalesce(n.value, '[*]') AS field, count(*) AS string_count,
  count(DISTINCT s.hash) AS distinct_count
FROM reference AS r JOIN string AS s ON s.object_id = r.target_id
JOIN object AS o ON o.id = r.source_id LEFT JOIN class AS c ON c.id = o.class_id LEFT JOIN name AS n ON n.id = r.name_id
GROUP BY o.class_id, r.name_id
ORDER BY string_count DESC, o.class_id, r.name_id
LIMIT :limit;

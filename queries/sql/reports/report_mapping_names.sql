-- Mappings by what they are of: allocators' kinds of regions, files.
-- param :files INTEGER  1: files (static data, code, the rest), 0: allocators
SELECT coalesce(m.name, '') AS name, count(*) AS mapping_count, sum(m.end_address - m.start_address) AS bytes,
  sum(m.resident_bytes) AS resident_bytes,
  (SELECT t.value FROM meta AS t WHERE t.key = 'module.' || m.name) AS status
FROM mapping AS m
WHERE CASE WHEN :files THEN m.kind IN ('static_data', 'code', 'file') ELSE m.kind IN ('heap', 'allocator') END
GROUP BY coalesce(m.name, '')
ORDER BY sum(m.resident_bytes) DESC, sum(m.end_address - m.start_address) DESC, m.name;

-- The address space of a process by kind of mapping, most resident bytes first.
SELECT m.kind, count(*) AS mapping_count, sum(m.end_address - m.start_address) AS bytes,
  sum(m.resident_bytes) AS resident_bytes
FROM mapping AS m
GROUP BY m.kind
ORDER BY sum(m.resident_bytes) DESC, sum(m.end_address - m.start_address) DESC, m.kind;

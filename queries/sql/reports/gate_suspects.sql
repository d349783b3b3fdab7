-- Leak suspects as the gate counts them, most retained first.
-- column id  suspect.id
-- column retained_bytes  retained size in bytes
-- column percent  of heap.live_bytes
SELECT s.id, s.kind, s.cause, s.title, s.retained_bytes, s.percent, s.signature, c.name AS class
FROM suspect AS s
LEFT JOIN class AS c ON c.id = s.class_id
ORDER BY s.retained_bytes DESC, s.id;

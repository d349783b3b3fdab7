-- Who had leaked blocks last: words in dead stacks that point to the examples of leaks.
-- param :certainty TEXT  leaked, or possibly leaked
SELECT l.example_id, c.name, s.thread_id, s.callee, s.caller, printf('0x%x', s.address)
FROM leak AS l JOIN stale_word AS s ON s.object_id = l.example_id LEFT JOIN object AS o ON o.id = l.example_id
LEFT JOIN class AS c ON c.id = o.class_id
WHERE l.certainty = :certainty
ORDER BY l.id, s.rowid;

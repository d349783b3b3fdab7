-- Cache lines that threads share, surest first, and who uses what of them.
SELECT s.id, printf('0x%x', s.address), s.kind, s.confidence, s.place, s.object_id, s.samples, u.address - s.address,
  u.size, t.name, u.function, u.access, u.member, u.locked, u.loop_depth, u.evidence, u.samples, u.thread_id
FROM shared_line AS s JOIN shared_line_use AS u ON u.line_id = s.id LEFT JOIN thread AS t ON t.id = u.thread_id
ORDER BY s.id, u.address, u.thread_id;

-- False sharing: cache lines in which threads use different words and one writes.
-- param :limit INTEGER = 100  most rows to show
-- column line  address of the line
-- column confidence  measured, high, medium or low
-- column place  type of the block, or module of the variables
-- column byte  in the line
-- column member  member, element or variable
-- column access  write, read, or pointer: points there, no more is known
-- column locked  1 = with a lock prefix
-- column thread_id  thread
-- column function  function that does it
-- column evidence  how it is known
SELECT hex_addr(s.address) AS line, s.confidence, s.place, u.address - s.address AS byte, u.member, u.access, u.locked,
  u.thread_id, u.function, u.evidence
FROM shared_line AS s JOIN shared_line_use AS u ON u.line_id = s.id
ORDER BY s.id, u.address, u.thread_id
LIMIT :limit;

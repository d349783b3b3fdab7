-- The freed blocks of a trace that lived longest, by the events in between (import --events).
-- param :limit INTEGER = 25  most rows to show
-- column allocation_id  event that began the block
-- column free_id  event that ended it
-- column seconds  between them, where the record has a clock
-- column address  of the block
-- column size  bytes requested
-- column function  that names the call path of the allocation
-- column is_estimated  1: the record does not say which block of its kind was freed
SELECT b.id AS allocation_id, l.id AS free_id, l.t_ms / 1000.0 - b.t AS seconds, b.address, b.size, b.function,
  (SELECT e.is_estimated FROM events AS e WHERE e.id = l.id) AS is_estimated
FROM (SELECT id, allocation_id, t_ms FROM event WHERE allocation_id IS NOT NULL
    ORDER BY id - allocation_id DESC, id LIMIT :limit) AS l
JOIN events AS b ON b.id = l.allocation_id
ORDER BY l.id - l.allocation_id DESC, l.id;

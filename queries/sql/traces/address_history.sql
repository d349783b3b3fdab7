-- What happened at one address of a trace: every block that began or ended there (import --events).
-- param :address TEXT  0x address
-- param :limit INTEGER = 1000  most rows to show
-- column id  of the event, in the order of the record
-- column t  seconds from the start of the record
-- column kind  malloc, free …
-- column size  bytes requested of the block that begins or ends
-- column function  that names the call path, where it is recorded
-- column thread_id  see table `thread`
-- column allocation_id  of an end: the event that began the block
SELECT id, t, kind, size, function, thread_id, allocation_id
FROM events
WHERE address = :address
ORDER BY id
LIMIT :limit;

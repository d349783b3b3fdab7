-- The address space of a process: heaps, stacks, thread-local data, files, the rest.
-- param :kind TEXT = ''  heap, allocator, stack, thread_local, static_data, code, file, anonymous or reserved; '' = all
-- param :limit INTEGER = 100  most rows to show
-- column start_address  first byte
-- column end_address  behind the last
-- column bytes  between them
-- column kind  what it is for
-- column name  the file, or the allocator and its kind of region
-- column permissions  rwx
-- column resident_bytes  that the dump has
-- column thread  whose it is
SELECT printf('0x%x', m.start_address) AS start_address, printf('0x%x', m.end_address) AS end_address,
  m.end_address - m.start_address AS bytes, m.kind, m.name, m.permissions, m.resident_bytes, t.name AS thread
FROM mapping AS m LEFT JOIN thread AS t ON t.id = m.thread_id
WHERE :kind = '' OR m.kind = :kind
ORDER BY m.start_address
LIMIT :limit;

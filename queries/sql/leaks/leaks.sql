-- What the program allocated and lost: unreachable blocks of a native heap, by the class of the leak head.
-- param :limit INTEGER = 25  most rows to show
-- column class  of the head: no other leaked block points to it, or it is part of a cycle that nothing else points to
-- column head_count  leak heads of this class
-- column cycle_count  of them, members of a cycle
-- column object_count  blocks that the heads hold, themselves included
-- column shallow_bytes  their bytes
-- column example_id  the head that holds most
SELECT c.name AS class, l.head_count, l.cycle_count, l.object_count, l.shallow_bytes, l.example_id
FROM leak AS l LEFT JOIN class AS c ON c.id = l.class_id
ORDER BY l.shallow_bytes DESC, l.id
LIMIT :limit;

-- What the program allocated and lost: unreachable blocks of a native heap, by the class of the leak head.
-- param :limit INTEGER = 25  most rows to show
-- column class  of the head: no other leaked block points to it, or it is part of a cycle that nothing else points to
-- column head_count  leak heads of this class
-- column cycle_count  of them, members of a cycle
-- column object_count  blocks that the heads hold, themselves included
-- column shallow_bytes  their bytes
-- column example_id  the head that holds most
-- column certainty  leaked, or possibly leaked: held by what may be no pointer, or no owner
-- column cycle  the cycle that the head is in
-- column why  of possibly leaked ones: what holds the head, and why that is doubted
SELECT c.name AS class, l.head_count, l.cycle_count, l.object_count, l.shallow_bytes, l.example_id, l.certainty,
  l.cycle, l.why
FROM leak AS l LEFT JOIN class AS c ON c.id = l.class_id
ORDER BY l.certainty, l.shallow_bytes DESC, l.id
LIMIT :limit;

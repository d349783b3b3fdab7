-- Types by the bytes that hold nothing in their objects: holes, padding, and what another order would save.
-- param :type TEXT = %  type; % and _ as in LIKE
-- param :limit INTEGER = 25  most rows to show
-- column type  its name
-- column object_count  objects, those inside of others included
-- column size  bytes of one; NULL = varies
-- column unused_bytes  holes and padding of one
-- column wasted_bytes  of all objects; NULL = no heap, or not known
-- column best_size  with the members in the best order
-- column saved_bytes  what that saves in this heap
-- column straddling_count  objects that lie across one cache line more than they need
SELECT t.name AS type, t.instance_count + t.nested_count AS object_count, t.size,
  coalesce(t.hole_bytes, 0) + t.padding_bytes AS unused_bytes, t.wasted_bytes, t.reordered_size AS best_size, t.saved_bytes,
  t.straddling_count
FROM type_layout AS t
WHERE t.name LIKE :type
ORDER BY t.wasted_bytes DESC, t.id
LIMIT :limit;

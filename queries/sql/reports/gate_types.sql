-- Types by name, for the gate's [type "…"] rules.
-- column size  bytes of an object
-- column unused_bytes  holes and padding of one
-- column wasted_bytes  of all objects; NULL where there is no heap
SELECT t.name, t.size, t.hole_bytes + t.padding_bytes AS unused_bytes, t.wasted_bytes, t.reordering, t.reordered_size
FROM type_layout AS t
ORDER BY t.name, t.id;

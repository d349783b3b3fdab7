-- Objects at the top of the dominator tree: one pass over the object table, the caller sums and keeps the biggest.
SELECT id, class_id, address, kind, shallow_size, retained_size
FROM object WHERE dominator_id IS NULL AND retained_size IS NOT NULL;

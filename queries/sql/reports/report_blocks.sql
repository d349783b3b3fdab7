-- Every object in address order, to be matched with those of another dump of the same process.
SELECT id, address, shallow_size, class_id, dominator_id, retained_size, reachability FROM object ORDER BY id;

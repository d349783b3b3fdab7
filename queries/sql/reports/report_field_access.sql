-- What code does with members, by class and place.
SELECT f.class, f.offset, f.size, f.access, max(f.loop_depth), max(f.locked), sum(f.instruction_count)
FROM field_access AS f
GROUP BY f.class, f.offset, f.size, f.access
ORDER BY f.class, f.offset, f.size, f.access;

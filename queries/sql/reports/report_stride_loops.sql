-- Loops over arrays of structs, those first that touch least of each.
SELECT l.function, l.module, l.address, l.stride, l.touched_bytes, l.depth, l.writes, l.is_vectorised
FROM stride_loop AS l
ORDER BY l.is_vectorised, 1.0 * l.touched_bytes / l.stride, l.stride DESC, l.address;

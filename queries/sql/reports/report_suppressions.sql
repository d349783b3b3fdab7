-- Suppressions of leaks and what each of them hides, in the order in which they were tried.
SELECT pattern, source, leak_count, bytes FROM suppression ORDER BY id;

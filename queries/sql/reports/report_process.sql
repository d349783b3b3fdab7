-- What the dump says of a process: its program, signal, allocators and their self-checks.
-- column key  of `meta`
SELECT key, value FROM meta
WHERE key LIKE 'core.%' OR key LIKE 'allocator.%' OR key LIKE 'check.%' OR key LIKE 'warning.%'
ORDER BY key;

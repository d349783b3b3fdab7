-- How often each function of an allocator was called, frees included, where the record tells them apart, most first.
SELECT substr(key, length('memray.calls.') + 1), CAST(value AS INTEGER) FROM meta WHERE key LIKE 'memray.calls.%'
ORDER BY 2 DESC, 1;

-- Everything in `meta`, for `heapql info --verbose`.
SELECT key, value FROM meta ORDER BY key;

-- SQL functions, for .functions.
-- column usage  how it is called
-- column help  what it answers
SELECT usage, help
FROM heapql_functions
ORDER BY kind, name;

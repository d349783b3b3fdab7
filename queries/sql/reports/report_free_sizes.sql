-- Free blocks by their exact size.
SELECT size, count(*) FROM free_block GROUP BY size ORDER BY size;

-- Tables and views of the database, for .tables.
-- column name  of the table
-- column type  table or view
SELECT name, type
FROM (SELECT * FROM sqlite_schema UNION ALL SELECT * FROM sqlite_temp_schema)  -- collections is of the session
WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'
ORDER BY type, name;

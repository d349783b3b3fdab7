-- Names that the shell completes: tables, views and their columns, functions.
-- column name  word
WITH relation AS (SELECT * FROM sqlite_schema UNION ALL SELECT * FROM sqlite_temp_schema)
SELECT name FROM (
  SELECT m.name AS name FROM relation AS m WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%'
  UNION SELECT p.name FROM relation AS m, pragma_table_info(m.name) AS p WHERE m.type IN ('table', 'view')
  UNION SELECT f.name FROM heapql_functions AS f)
ORDER BY name;

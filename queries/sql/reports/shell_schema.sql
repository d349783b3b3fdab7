-- CREATE statements, for .schema.
-- param :name TEXT = %  table, view or index; % stands for any text
-- column sql  statement
SELECT sql || ';' AS sql
FROM (SELECT * FROM sqlite_schema UNION ALL SELECT * FROM sqlite_temp_schema)
WHERE sql IS NOT NULL AND (name LIKE :name OR tbl_name LIKE :name)
ORDER BY type DESC, name;

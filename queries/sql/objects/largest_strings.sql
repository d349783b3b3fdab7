-- Strings with the longest text.
-- param :limit INTEGER = 25  most rows to show
-- column object_id  string object
-- column length  characters stored in the database (the import may have shortened the text)
-- column retained_size  bytes freed with it
-- column value  the beginning of the text
SELECT s.object_id, length(s.value) AS length, o.retained_size, substr(s.value, 1, 100) AS value
FROM string AS s JOIN object AS o ON o.id = s.object_id
ORDER BY length(s.value) DESC, s.object_id
LIMIT :limit;

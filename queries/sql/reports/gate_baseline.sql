-- Suspect signatures anywhere in a baseline file (heapql/baseline@1 or heapql/check@1).
-- param :json TEXT  the file's text
SELECT DISTINCT atom AS signature
FROM json_tree(:json)
WHERE key = 'signature' AND type = 'text'
ORDER BY atom;

-- Leak suspects, the largest first.
-- param :limit INTEGER = 25  most rows to show
-- column suspect_id  number in the report
-- column kind  object, group, thread …
-- column cause  a named cause; NULL = none was recognised
-- column title  what is suspected
-- column class  of the suspect
-- column object_id  the object; NULL for a group
-- column retained_bytes  freed with it
-- column percent  of the live bytes
-- column signature  the same in every dump of the same fault
SELECT id AS suspect_id, kind, cause, title, class, object_id, retained_bytes, round(percent, 2) AS percent, signature
FROM suspects
ORDER BY retained_bytes DESC, id
LIMIT :limit;

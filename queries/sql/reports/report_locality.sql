-- How far objects lie from their owners, by class.
SELECT a.name, b.name, l.object_count, l.same_line, l.same_page, l.median_distance
FROM locality AS l LEFT JOIN class AS a ON a.id = l.owner_class_id LEFT JOIN class AS b ON b.id = l.owned_class_id
ORDER BY l.object_count DESC, l.rowid;

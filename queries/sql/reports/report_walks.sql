-- What walks over the largest structures touch.
SELECT w.id, w.kind, c.name, w.object_id, w.element_count, w.bytes, w.near_count, w.page_changes, w.line_count,
  w.page_count, h.name
FROM walk AS w LEFT JOIN class AS c ON c.id = w.class_id LEFT JOIN object AS o ON o.id = w.object_id
LEFT JOIN class AS h ON h.id = o.class_id
ORDER BY w.id;

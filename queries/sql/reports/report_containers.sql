-- Containers inside of objects: how many are empty, and what they have more than they need.
SELECT c.kind, t.name, c.field, c.object_count, c.empty_count, c.inline_bytes, c.slack_bytes
FROM container_use AS c JOIN type_layout AS t ON t.id = c.type_id
ORDER BY c.slack_bytes + c.inline_bytes * c.empty_count / max(c.object_count, 1) DESC, t.id, c.field;

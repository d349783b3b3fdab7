-- Reference cycles (strongly connected components), the largest first.
-- param :limit INTEGER = 25  most rows to show
-- column component_id  number
-- column object_count  objects on cycles with each other
-- column shallow_bytes  their own bytes
-- column retained_bytes  freed with them as a set; 0 when unreachable
-- column reachability  strong … unreachable
-- column has_finalizer  1 = an object with a finalizer is part of it
-- column example_id  the largest member
-- column example_class  its class
SELECT p.id AS component_id, p.object_count, p.shallow_bytes, p.retained_bytes,
  CASE p.reachability WHEN 0 THEN 'strong' WHEN 1 THEN 'soft' WHEN 2 THEN 'weak' WHEN 3 THEN 'final'
    WHEN 4 THEN 'phantom' ELSE 'unreachable' END AS reachability,
  p.has_finalizer, p.example_id, c.name AS example_class
FROM component AS p LEFT JOIN object AS o ON o.id = p.example_id LEFT JOIN class AS c ON c.id = o.class_id
ORDER BY p.shallow_bytes DESC, p.object_count DESC, p.id
LIMIT :limit;

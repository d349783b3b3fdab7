-- The views of a heapql database (contract). They use only what stock SQLite 3.34 has: no function of ours.
-- `… AS x WHERE snapshot_id = 1`: a database holds one snapshot's graph, always number 1.

CREATE VIEW objects AS
SELECT o.id, printf('0x%x', o.address) AS address, c.name AS class,
  CASE o.kind WHEN 0 THEN 'instance' WHEN 1 THEN 'object_array' WHEN 2 THEN 'primitive_array' WHEN 3 THEN 'class'
    WHEN 4 THEN 'block' END AS kind,
  o.shallow_size, o.length, o.retained_size, o.dominator_id,
  CASE o.reachability WHEN 0 THEN 'strong' WHEN 1 THEN 'soft' WHEN 2 THEN 'weak' WHEN 3 THEN 'final'
    WHEN 4 THEN 'phantom' WHEN 5 THEN 'unreachable' WHEN 6 THEN 'uncertain' END AS reachability,
  (SELECT s.value FROM string AS s WHERE s.object_id = o.id) AS value,
  o.class_id, o.root_distance
FROM object AS o LEFT JOIN class AS c ON c.id = o.class_id;

CREATE VIEW references_named AS
SELECT r.source_id, sc.name AS source_class,
  coalesce((SELECT n.value FROM name AS n WHERE n.id = r.name_id), '[' || r.slot || ']') AS name,
  r.target_id, tc.name AS target_class,
  CASE r.strength WHEN 0 THEN 'strong' WHEN 1 THEN 'soft' WHEN 2 THEN 'weak' WHEN 3 THEN 'final' WHEN 4 THEN 'phantom'
    WHEN 5 THEN 'internal' WHEN 6 THEN 'uncertain' END AS strength,
  r.slot
FROM reference AS r
LEFT JOIN object AS s ON s.id = r.source_id LEFT JOIN class AS sc ON sc.id = s.class_id
LEFT JOIN object AS t ON t.id = r.target_id LEFT JOIN class AS tc ON tc.id = t.class_id;

CREATE VIEW classes AS
SELECT c.id, c.name, (SELECT s.name FROM class AS s WHERE s.id = c.super_id) AS super, c.loader_id,
  CASE c.kind WHEN 0 THEN 'instance' WHEN 1 THEN 'object_array' WHEN 2 THEN 'primitive_array' WHEN 4 THEN 'block' END
    AS kind,
  c.instance_size, c.object_id,
  coalesce(t.object_count, 0) AS object_count, coalesce(t.shallow_bytes, 0) AS shallow_bytes,
  t.reachable_count, t.reachable_bytes, t.retained_bytes, c.super_id
FROM class AS c LEFT JOIN class_stat AS t ON t.class_id = c.id AND t.snapshot_id = 1;

CREATE VIEW histogram AS
SELECT c.name AS class, t.object_count, t.shallow_bytes, t.reachable_count, t.reachable_bytes, t.retained_bytes,
  t.class_id, c.loader_id
FROM class_stat AS t LEFT JOIN class AS c ON c.id = t.class_id
WHERE t.snapshot_id = 1
ORDER BY t.shallow_bytes DESC, t.class_id;

-- The dominator tree: every live object with its parent; dominator_id NULL = at the top.
CREATE VIEW dominators AS
SELECT o.id, o.dominator_id, printf('0x%x', o.address) AS address, c.name AS class, o.shallow_size, o.retained_size,
  100.0 * o.retained_size / (SELECT m.value FROM metric AS m WHERE m.name = 'heap.live_bytes' AND m.snapshot_id = 1)
    AS percent
FROM object AS o LEFT JOIN class AS c ON c.id = o.class_id
WHERE o.retained_size IS NOT NULL;

CREATE VIEW suspects AS
SELECT s.id, s.kind, s.cause, s.title, s.object_id, c.name AS class, s.accumulation_id, ac.name AS accumulation_class,
  s.retained_bytes, s.percent, s.signature
FROM suspect AS s LEFT JOIN class AS c ON c.id = s.class_id
LEFT JOIN object AS a ON a.id = s.accumulation_id LEFT JOIN class AS ac ON ac.id = a.class_id
ORDER BY s.retained_bytes DESC, s.id;

-- Call paths of allocation profiles: a frame, and who called it there.
CREATE VIEW site AS
SELECT p.id, p.parent_id, f.function, f.file, f.line, f.module, f.is_inlined
FROM site_path AS p LEFT JOIN site_frame AS f ON f.id = p.frame_id;

-- Allocation profiles, newest record: a row for each call path, named by its innermost frame that is no allocator.
-- leaked_*: not freed, or not pointed to where the recorder looked; without what is suppressed.
CREATE VIEW allocation_sites AS
SELECT t.site_id, n.function, n.file, n.line, n.module,
  (SELECT c.function FROM site AS c WHERE c.id = n.parent_id) AS caller,
  t.allocation_count, t.allocated_bytes, t.live_count, t.live_bytes, t.peak_count, t.peak_bytes, t.temporary_count,
  l.leaked_count, l.leaked_bytes, t.live_samples, t.allocation_samples
FROM site_stat AS t
JOIN site AS n ON n.id = coalesce(t.named_site_id, t.site_id)
LEFT JOIN (SELECT k.site_id, sum(k.object_count) AS leaked_count, sum(k.bytes) AS leaked_bytes FROM site_leak AS k
    WHERE k.snapshot_id = 1 AND k.suppression IS NULL AND k.kind NOT IN ('possible', 'reachable') GROUP BY k.site_id) AS l
  ON l.site_id = t.site_id
WHERE t.snapshot_id = 1;

-- Single events of an allocation trace (heapql import --events). live_bytes_delta: what the event does to live bytes, so
-- that sum(live_bytes_delta) OVER (ORDER BY id) is what was live. function: that names the call path, as in
-- allocation_sites. is_estimated: of allocation_id, see table `event`.
CREATE VIEW events AS
SELECT e.id, e.t_ms / 1000.0 AS t,
  CASE e.kind WHEN 0 THEN 'allocation' WHEN 1 THEN 'free' WHEN 2 THEN 'missed_free' WHEN 3 THEN 'delete'
    WHEN 4 THEN 'munmap' WHEN 5 THEN 'pymalloc_free' WHEN 6 THEN 'malloc' WHEN 7 THEN 'calloc' WHEN 8 THEN 'realloc'
    WHEN 9 THEN 'posix_memalign' WHEN 10 THEN 'aligned_alloc' WHEN 11 THEN 'memalign' WHEN 12 THEN 'valloc'
    WHEN 13 THEN 'pvalloc' WHEN 14 THEN 'new' WHEN 15 THEN 'mmap' WHEN 16 THEN 'pymalloc_malloc'
    WHEN 17 THEN 'pymalloc_calloc' WHEN 18 THEN 'pymalloc_realloc' END AS kind,
  CASE WHEN e.address IS NOT NULL THEN printf('0x%x', e.address) END AS address, e.size,
  CASE WHEN e.kind BETWEEN 1 AND 5 THEN -e.size ELSE e.size END AS live_bytes_delta, e.site_id,
  (SELECT s.function FROM site AS s WHERE s.id = coalesce((SELECT t.named_site_id FROM site_stat AS t
      WHERE t.site_id = e.site_id AND t.snapshot_id = 1), e.site_id)) AS function,
  e.thread_id, (SELECT h.name FROM thread AS h WHERE h.id = e.thread_id) AS thread, e.allocation_id,
  CASE WHEN e.allocation_id IS NOT NULL
    THEN (SELECT m.value = '1' FROM meta AS m WHERE m.key = 'event.is_estimated') END AS is_estimated
FROM event AS e;

CREATE VIEW duplicate_strings AS
SELECT d.value, d.object_count, d.bytes_each, d.wasted_bytes, d.example_id, d.hash
FROM duplicate AS d WHERE d.is_string
ORDER BY d.wasted_bytes DESC, d.example_id;

CREATE VIEW unreachable AS
SELECT o.id, printf('0x%x', o.address) AS address, c.name AS class, o.shallow_size, o.length,
  (SELECT s.value FROM string AS s WHERE s.object_id = o.id) AS value
FROM object AS o LEFT JOIN class AS c ON c.id = o.class_id
WHERE o.reachability = 5;

CREATE VIEW roots AS
SELECT r.object_id, c.name AS class,
  CASE r.kind WHEN 0 THEN 'unknown' WHEN 1 THEN 'jni_global' WHEN 2 THEN 'jni_local' WHEN 3 THEN 'java_frame'
    WHEN 4 THEN 'native_stack' WHEN 5 THEN 'sticky_class' WHEN 6 THEN 'thread_block' WHEN 7 THEN 'monitor_used'
    WHEN 8 THEN 'thread_object' WHEN 9 THEN 'interned_string' WHEN 10 THEN 'finalizing' WHEN 11 THEN 'debugger'
    WHEN 12 THEN 'reference_cleanup' WHEN 13 THEN 'vm_internal' WHEN 14 THEN 'jni_monitor'
    WHEN 15 THEN 'reconstructed' WHEN 16 THEN 'register' WHEN 17 THEN 'stack' WHEN 18 THEN 'thread_local'
    WHEN 19 THEN 'static' WHEN 20 THEN 'mapped_memory' WHEN 21 THEN 'allocator' END AS kind,
  r.thread_id, t.name AS thread, r.frame_id, f.function AS frame, n.value AS name, r.doubt
FROM root AS r LEFT JOIN object AS o ON o.id = r.object_id LEFT JOIN class AS c ON c.id = o.class_id
LEFT JOIN thread AS t ON t.id = r.thread_id LEFT JOIN frame AS f ON f.id = r.frame_id
LEFT JOIN name AS n ON n.id = r.name_id;

-- Perfetto's names, so that queries from its documentation run unchanged. Differences: no INCLUDE PERFETTO MODULE, no
-- macros, upid is NULL, heap_graph_reference.id is made of source and slot, counts that are not stored are NULL.

CREATE VIEW heap_graph AS
SELECT s.id, s.taken_at * 1000000 AS ts, NULL AS upid, NULL AS dump_reason, s.shallow_bytes AS heap_size,
  s.damage_count > 0 AS truncated
FROM snapshot AS s WHERE s.id = 1;

CREATE VIEW heap_graph_class AS
SELECT c.id, c.name, NULL AS deobfuscated_name, NULL AS location, c.super_id AS superclass_id,
  c.loader_id AS classloader_id,
  CASE WHEN c.name = 'java.lang.String' THEN 'KIND_STRING' WHEN c.name = 'java.lang.Class' THEN 'KIND_CLASS'
    WHEN c.kind IN (1, 2) THEN 'KIND_ARRAY' WHEN c.referent_strength = 1 THEN 'KIND_SOFT_REFERENCE'
    WHEN c.referent_strength = 2 THEN 'KIND_WEAK_REFERENCE' WHEN c.referent_strength = 3 THEN 'KIND_FINALIZER_REFERENCE'
    WHEN c.referent_strength = 4 THEN 'KIND_PHANTOM_REFERENCE' ELSE 'KIND_NORMAL' END AS kind
FROM class AS c;

CREATE VIEW heap_graph_object AS
SELECT o.id, NULL AS upid, (SELECT s.taken_at * 1000000 FROM snapshot AS s WHERE s.id = 1) AS graph_sample_ts,
  o.shallow_size AS self_size, 0 AS native_size, o.id AS reference_set_id,
  o.retained_size IS NOT NULL AS reachable, NULL AS heap_type, o.class_id AS type_id,
  (SELECT CASE r.kind WHEN 1 THEN 'ROOT_JNI_GLOBAL' WHEN 2 THEN 'ROOT_JNI_LOCAL' WHEN 3 THEN 'ROOT_JAVA_FRAME'
      WHEN 4 THEN 'ROOT_NATIVE_STACK' WHEN 5 THEN 'ROOT_STICKY_CLASS' WHEN 6 THEN 'ROOT_THREAD_BLOCK'
      WHEN 7 THEN 'ROOT_MONITOR_USED' WHEN 8 THEN 'ROOT_THREAD_OBJECT' WHEN 9 THEN 'ROOT_INTERNED_STRING'
      WHEN 10 THEN 'ROOT_FINALIZING' WHEN 11 THEN 'ROOT_DEBUGGER' WHEN 12 THEN 'ROOT_REFERENCE_CLEANUP'
      WHEN 13 THEN 'ROOT_VM_INTERNAL' WHEN 14 THEN 'ROOT_JNI_MONITOR' ELSE 'ROOT_UNKNOWN' END
    FROM root AS r WHERE r.object_id = o.id LIMIT 1) AS root_type,
  coalesce(o.root_distance, -1) AS root_distance, o.id AS object_data_id
FROM object AS o;

CREATE VIEW heap_graph_object_data AS
SELECT o.id, o.id AS field_set_id, (SELECT s.value FROM string AS s WHERE s.object_id = o.id) AS value_string,
  CASE WHEN o.kind = 2 THEN rtrim((SELECT c.name FROM class AS c WHERE c.id = o.class_id), '[]') END
    AS array_element_type,
  o.length AS array_element_count, NULL AS array_data_id, NULL AS array_data_hash
FROM object AS o;

CREATE VIEW heap_graph_reference AS
SELECT (r.source_id << 31) | r.slot AS id, r.source_id AS reference_set_id, r.source_id AS owner_id,
  r.target_id AS owned_id,
  coalesce((SELECT n.value FROM name AS n WHERE n.id = r.name_id), '[' || r.slot || ']') AS field_name,
  NULL AS field_type_name, NULL AS deobfuscated_field_name
FROM reference AS r;

CREATE VIEW heap_graph_primitive AS
SELECT (v.object_id << 31) | v.ordinal AS id, v.object_id AS field_set_id,
  (SELECT n.value FROM name AS n WHERE n.id = v.name_id) AS field_name,
  CASE v.type WHEN 'Z' THEN 'boolean' WHEN 'B' THEN 'byte' WHEN 'C' THEN 'char' WHEN 'S' THEN 'short' WHEN 'I' THEN 'int'
    WHEN 'J' THEN 'long' WHEN 'F' THEN 'float' WHEN 'D' THEN 'double' END AS field_type,
  CASE v.type WHEN 'Z' THEN v.value END AS bool_value, CASE v.type WHEN 'B' THEN v.value END AS byte_value,
  CASE v.type WHEN 'C' THEN v.value END AS char_value, CASE v.type WHEN 'S' THEN v.value END AS short_value,
  CASE v.type WHEN 'I' THEN v.value END AS int_value, CASE v.type WHEN 'J' THEN v.value END AS long_value,
  CASE v.type WHEN 'F' THEN v.value END AS float_value, CASE v.type WHEN 'D' THEN v.value END AS double_value
FROM value AS v;

CREATE VIEW heap_graph_thread_callsite AS
SELECT t.id, 1 AS heap_graph_id, t.id AS utid, t.stack_id AS callsite_id FROM thread AS t WHERE t.stack_id IS NOT NULL;

CREATE VIEW heap_graph_dominator_tree AS
SELECT o.id, o.dominator_id AS idom_id, NULL AS dominated_obj_count, o.retained_size AS dominated_size_bytes,
  0 AS dominated_native_size_bytes, NULL AS depth
FROM object AS o WHERE o.retained_size IS NOT NULL;

CREATE VIEW android_heap_graph_class_aggregation AS
SELECT NULL AS upid, (SELECT s.taken_at * 1000000 FROM snapshot AS s WHERE s.id = 1) AS graph_sample_ts,
  t.class_id AS type_id, c.name AS type_name,
  (c.kind IN (1, 2) OR c.name LIKE 'java.%' OR c.name LIKE 'android.%') AS is_libcore_or_array,
  t.object_count AS obj_count, t.shallow_bytes AS size_bytes, 0 AS native_size_bytes,
  t.reachable_count AS reachable_obj_count, t.reachable_bytes AS reachable_size_bytes,
  0 AS reachable_native_size_bytes, NULL AS dominated_obj_count, t.retained_bytes AS dominated_size_bytes,
  0 AS dominated_native_size_bytes
FROM class_stat AS t LEFT JOIN class AS c ON c.id = t.class_id
WHERE t.snapshot_id = 1;

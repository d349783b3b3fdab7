-- The tables of a heapql database (contract). Ordinary tables only: stock sqlite3 and Python's sqlite3 read every one.
-- A NULL means "not known", never 0. Sizes are bytes. Addresses are 64-bit integers (two's complement above 2^63).
-- Small integers in kind, strength and reachability are the enumerations of queries/ids.h; views show them as text.
-- Written by queries/store.cpp; `object`, `reference`, `reference_page`, `inbound`, `string`, `value` and `event` as pages
-- of our own (queries/page_writer.h), so their column order and keys here are what the writer encodes.

CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- taken_at: Unix time in milliseconds. t: seconds since the first record of a series, NULL = no series. damage_count, damaged_bytes: true totals, even where `damage` is capped.
CREATE TABLE snapshot (
  id INTEGER PRIMARY KEY, path TEXT, format TEXT, runtime TEXT, pointer_size INTEGER, taken_at INTEGER,
  object_count INTEGER, shallow_bytes INTEGER, damaged_bytes INTEGER, damage_count INTEGER, t REAL);

-- Input bytes that could not be used. offset: in the (inflated) input.
CREATE TABLE damage (snapshot_id INTEGER, offset INTEGER, bytes INTEGER, what TEXT);

-- loader_id, object_id: objects (the class loader; the class as an object of the heap). kind: 0 instance, 1 object_array,
-- 2 primitive_array, 4 block. instance_size: shallow bytes of an instance, NULL for arrays. source: how it is known.
CREATE TABLE class (
  id INTEGER PRIMARY KEY, name TEXT, super_id INTEGER, loader_id INTEGER, kind INTEGER, instance_size INTEGER,
  source TEXT, object_id INTEGER, referent_strength INTEGER, has_finalizer INTEGER);
CREATE INDEX class_by_name ON class (name);

-- Declared fields, those of super classes not repeated. type: descriptor letter (L = reference). offset: in the object.
CREATE TABLE field (
  class_id INTEGER, ordinal INTEGER, name TEXT, type TEXT, offset INTEGER, size INTEGER, is_static INTEGER,
  name_id INTEGER, PRIMARY KEY (class_id, ordinal)) WITHOUT ROWID;

-- Every object, ids in address order. kind: 0 instance, 1 object_array, 2 primitive_array, 3 class, 4 block.
-- length: elements of an array. reachability: 0 strong, 1 soft, 2 weak, 3 final, 4 phantom, 5 unreachable, 6 uncertain
-- (possibly leaked).
-- retained_size, dominator_id: of live objects only; dominator_id NULL = directly under the virtual root.
-- root_distance: references from the nearest root, 0 = held by a root.
CREATE TABLE object (
  id INTEGER PRIMARY KEY, address INTEGER, class_id INTEGER, kind INTEGER, shallow_size INTEGER, length INTEGER,
  reachability INTEGER, retained_size INTEGER, dominator_id INTEGER, root_distance INTEGER, site_id INTEGER);

-- Explicit references. The one from every object to its class is not here: object.class_id tells it.
-- slot: position of the field or element in its object. name_id NULL: an array element, called [slot].
-- strength: 0 strong, 1 soft, 2 weak, 3 final, 4 phantom, 5 internal, 6 uncertain (may be no pointer, or no owner).
CREATE TABLE reference (
  source_id INTEGER NOT NULL, slot INTEGER NOT NULL, target_id INTEGER, name_id INTEGER,
  strength INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (source_id, slot)) WITHOUT ROWID;

-- Written instead of `reference` by --references=packed; `data` is decoded by heapql and its extension only
-- (queries/packed_references.h).
CREATE TABLE reference_page (first_source INTEGER PRIMARY KEY, data BLOB);
-- The sources of the references to each object, packed (queries/packed_references.h).
CREATE TABLE inbound (first_target INTEGER PRIMARY KEY, data BLOB);

CREATE TABLE name (id INTEGER PRIMARY KEY, value TEXT);

-- kind: queries/ids.h RootKind; view `roots` has the text. Locals of a thread are roots and references of its object.
-- doubt: of native heaps, why this may be no pointer, or not one that owns ("interior pointer"); NULL = there is none.
CREATE TABLE root (
  object_id INTEGER, kind INTEGER, thread_id INTEGER, frame_id INTEGER, name_id INTEGER, doubt TEXT);
CREATE INDEX root_by_object ON root (object_id);

-- stack_id: frame.stack_id. frame.depth 0 = innermost. line: NULL not known, -1 unknown, -2 compiled, -3 native.
-- stack_used_bytes: from the stack pointer up. signal: that the thread had when it was dumped, 0 = none.
CREATE TABLE thread (
  id INTEGER PRIMARY KEY, name TEXT, object_id INTEGER, stack_id INTEGER, state TEXT, os_id INTEGER,
  stack_bytes INTEGER, stack_used_bytes INTEGER, signal INTEGER);
CREATE TABLE frame (
  id INTEGER PRIMARY KEY, stack_id INTEGER, depth INTEGER, function TEXT, file TEXT, line INTEGER, module TEXT,
  address INTEGER);
CREATE INDEX frame_by_stack ON frame (stack_id, depth);

-- Text of string objects, shortened to the import's --string-limit. hash: of the whole content, equal = equal text.
CREATE TABLE string (object_id INTEGER PRIMARY KEY, value TEXT, hash INTEGER);

-- Primitive fields (statics under their class object). type: descriptor letter. value: INTEGER, or REAL for F and D.
CREATE TABLE value (
  object_id INTEGER NOT NULL, name_id INTEGER, type TEXT, value, ordinal INTEGER NOT NULL,
  PRIMARY KEY (object_id, ordinal)) WITHOUT ROWID;

-- The address space of a process, by address, without gaps but for those between mappings. kind: heap (an allocator's
-- regions), allocator (its structures elsewhere), stack, thread_local, static_data (and .bss), code, file, anonymous,
-- reserved (no access). name: the file, or the allocator and its kind of region. resident_bytes: that the dump has.
CREATE TABLE mapping (
  id INTEGER PRIMARY KEY, start_address INTEGER, end_address INTEGER, kind TEXT, name TEXT, permissions TEXT,
  resident_bytes INTEGER, thread_id INTEGER);
-- What an allocator got from the system. live + free + cached + overhead bytes = end_address - start_address. cached: in
-- threads' caches, neither used nor reclaimable. arena: regions of one arena belong together.
CREATE TABLE region (
  id INTEGER PRIMARY KEY, start_address INTEGER, end_address INTEGER, kind TEXT, name TEXT, live_bytes INTEGER,
  free_bytes INTEGER, largest_free_bytes INTEGER, arena INTEGER, cached_bytes INTEGER, overhead_bytes INTEGER,
  live_count INTEGER);
-- bin: the allocator's bin or size class, NULL = none.
CREATE TABLE free_block (address INTEGER, size INTEGER, region_id INTEGER, bin INTEGER);
-- Regions by arena, largest first, capped. released_bytes: free in regions of which the allocator keeps the address space
-- only; not in free_bytes, nor in what follows it. pinned_bytes: free bytes that used blocks keep from going back to the system.
-- Pages of 4 KiB: empty = no used byte, sparse = some, but less than a tenth. map: used share by cell of bytes_per_cell
-- bytes, '.' nothing, 0-9 tenths, '#' all.
CREATE TABLE arena (
  id INTEGER PRIMARY KEY, name TEXT, region_count INTEGER, bytes INTEGER, live_bytes INTEGER, free_bytes INTEGER,
  cached_bytes INTEGER, overhead_bytes INTEGER, released_bytes INTEGER, largest_free_bytes INTEGER, live_count INTEGER,
  free_count INTEGER, pinned_bytes INTEGER, page_count INTEGER, empty_page_count INTEGER, sparse_page_count INTEGER,
  bytes_per_cell INTEGER, map TEXT);
-- Unusable-free-space index: the share of free bytes that requests of this size cannot use. arena_id NULL: all arenas.
CREATE TABLE unusable_free (
  arena_id INTEGER, request_bytes INTEGER, servable_count INTEGER, unusable_index REAL);
-- Used blocks that keep free bytes of their region from going back, most first, capped; gain_bytes: what could go back if
-- this block alone were freed. pin_path: how the block is held, step 0 = at the root, its name the root in words.
CREATE TABLE pin (
  id INTEGER PRIMARY KEY, region_id INTEGER, object_id INTEGER, pinned_bytes INTEGER, gain_bytes INTEGER);
CREATE TABLE pin_path (
  pin_id INTEGER, step INTEGER, object_id INTEGER, name TEXT, PRIMARY KEY (pin_id, step)) WITHOUT ROWID;
-- By class of the pinning block; class_id NULL: blocks in threads' caches.
CREATE TABLE pin_stat (class_id INTEGER, region_count INTEGER, pinned_bytes INTEGER);
-- Blocks of which it is known how many bytes the program asked for.
CREATE TABLE requested_stat (
  class_id INTEGER PRIMARY KEY, block_count INTEGER, usable_bytes INTEGER, requested_bytes INTEGER);

-- Strongly connected components of at least two objects, or of one that references itself. Largest first, capped.
CREATE TABLE component (
  id INTEGER PRIMARY KEY, object_count INTEGER, shallow_bytes INTEGER, retained_bytes INTEGER, reachability INTEGER,
  has_finalizer INTEGER, example_id INTEGER);

-- Heaps whose program frees its memory itself: objects that no root reaches, by the class of the leak head that holds
-- them and the cycle it is in. cycle_count: heads that are part of a cycle. object_count, shallow_bytes: heads and all
-- they hold; the rows of a certainty sum to all unreachable, to all uncertain objects. example_id: the head that holds
-- most. certainty: 'leaked' or 'possibly leaked'. cycle: in words, of the example. holder_id, why: of possibly leaked
-- ones, the object whose uncertain reference holds the example (NULL: a root does), and why that is doubted.
CREATE TABLE leak (
  id INTEGER PRIMARY KEY, class_id INTEGER, head_count INTEGER, cycle_count INTEGER, object_count INTEGER,
  shallow_bytes INTEGER, example_id INTEGER, certainty TEXT, cycle TEXT, holder_id INTEGER, why TEXT);

-- reachable_*: live objects. retained_bytes: of the instances as a set (top-most instances only); SUM(retained_size)
-- over `object` counts nested instances twice.
CREATE TABLE class_stat (
  snapshot_id INTEGER, class_id INTEGER, object_count INTEGER, shallow_bytes INTEGER, reachable_count INTEGER,
  reachable_bytes INTEGER, retained_bytes INTEGER, PRIMARY KEY (snapshot_id, class_id)) WITHOUT ROWID;

-- Groups of at least two objects with equal content, most wasteful first, capped. wasted_bytes: all copies but one.
CREATE TABLE duplicate (
  hash INTEGER, is_string INTEGER, example_id INTEGER, object_count INTEGER, bytes_each INTEGER, wasted_bytes INTEGER,
  value TEXT);

-- Allocation traces and heap profiles. site_path: frames of call paths, parent_id = the caller, NULL = outermost; ids come
-- after their parents'. An allocation site is the whole path, named by its innermost frame. site_frame: the distinct
-- frames. The view `site` is both (views.sql). line NULL: not known.
CREATE TABLE site_path (id INTEGER PRIMARY KEY, parent_id INTEGER, frame_id INTEGER);
CREATE TABLE site_frame (
  id INTEGER PRIMARY KEY, function TEXT, file TEXT, line INTEGER, module TEXT, is_inlined INTEGER);
-- Of allocations whose path ends in the site (callees not included): a column sums to the total, metric `allocations.count`
-- and so on. NULL: the record does not say. peak_*: live when the whole program was at its peak; max_*: the site's own
-- peak. *_samples: how many sampled allocations a figure is estimated from, NULL = counted exactly.
-- named_site_id: the innermost frame of the path that is no allocator, which names it.
-- snapshot_id: 1 the newest record of a series, 2 … the earlier ones in time order.
CREATE TABLE site_stat (
  snapshot_id INTEGER, site_id INTEGER, allocation_count INTEGER, allocated_bytes INTEGER, live_count INTEGER,
  live_bytes INTEGER, peak_bytes INTEGER, temporary_count INTEGER, peak_count INTEGER, max_bytes INTEGER,
  max_count INTEGER, live_samples INTEGER, allocation_samples INTEGER, named_site_id INTEGER);
CREATE INDEX site_stat_by_site ON site_stat (site_id, snapshot_id);
-- The same by requested size: size is exact, or the largest of its bucket where meta `sizes.bucketed` is 1.
CREATE TABLE site_size (
  snapshot_id INTEGER, site_id INTEGER, size INTEGER, allocation_count INTEGER, allocated_bytes INTEGER,
  live_count INTEGER, live_bytes INTEGER, peak_count INTEGER, peak_bytes INTEGER, temporary_count INTEGER);
-- kind: at_end (live when the record ends), or what the source found: definite, indirect, possible, reachable, direct.
-- suppression: the pattern that hides the row, NULL = none.
CREATE TABLE site_leak (
  snapshot_id INTEGER, site_id INTEGER, kind TEXT, object_count INTEGER, bytes INTEGER, suppression TEXT);
-- Suppressions in the order in which they were tried; a leak belongs to the first that matches. source: a file, embedded
-- (came with the record) or built-in. leak_count 0: it matched nothing.
CREATE TABLE suppression (id INTEGER PRIMARY KEY, pattern TEXT, source TEXT, leak_count INTEGER, bytes INTEGER);
-- clock: bytes (allocated by the program meanwhile), seconds, instructions or allocations. lifetime_sum / freed_count =
-- mean. is_estimated: the format has lost which block was freed, the mean is exact, the distribution is not.
CREATE TABLE site_lifetime (
  snapshot_id INTEGER, site_id INTEGER, clock TEXT, freed_count INTEGER, lifetime_sum REAL, is_estimated INTEGER);
-- How old allocations were when they were freed: age below age_below and not below the row before; age_below NULL: not
-- freed in the record. site_id NULL: of the whole program.
CREATE TABLE lifetime (
  snapshot_id INTEGER, site_id INTEGER, clock TEXT, age_below REAL, object_count INTEGER, bytes INTEGER,
  is_estimated INTEGER);
-- What was done with the blocks, where the recorder watched (DHAT). site_access_offset: accesses by byte of the block.
CREATE TABLE site_access (snapshot_id INTEGER, site_id INTEGER, read_bytes INTEGER, written_bytes INTEGER);
CREATE TABLE site_access_offset (snapshot_id INTEGER, site_id INTEGER, offset INTEGER, access_count INTEGER);
-- Single events of an allocation trace, in the order of the record; only with heapql import --events. Failed calls are not
-- here. A row begins a block (malloc, mmap, …) or ends one (kinds 1 to 5); realloc is a free of the old block and, in the
-- next row of the thread, the new one. View `events` has kind, address and time as people read them.
-- t_ms: milliseconds from the start of the record, as the recorder last said (0 before that); NULL = it has no clock. kind: queries/ids.h
-- EventKind. size: bytes requested of the block that begins or ends, of munmap those that end; NULL: a free of a block
-- that the record does not have. site_id: the call path, NULL = not recorded, as that of most frees is not.
-- allocation_id: of the end of a block, the event that began it. meta `event.is_estimated` 1: the record does not say
-- which block was freed but of which site and size it was; the youngest one is named.
CREATE TABLE event (
  id INTEGER PRIMARY KEY, t_ms INTEGER, kind INTEGER, size INTEGER, site_id INTEGER, allocation_id INTEGER,
  address INTEGER, thread_id INTEGER);
-- t: seconds from the start of the record.
CREATE TABLE series (name TEXT, t REAL, value REAL, unit TEXT);
-- subject: series; site, its live bytes over a series of records; class, its live bytes over a series of heaps. verdict: LEAKING, WARMING UP, STEP, STABLE or
-- INSUFFICIENT DATA. *_per_hour: Theil-Sen slope of the lower envelope and its 95 % interval, NULL = no clock. q: the
-- false discovery rate among all rows of its kind. is_primary: the series that speaks for the whole process.
CREATE TABLE growth (
  subject TEXT, name TEXT, site_id INTEGER, verdict TEXT, unit TEXT, per_hour REAL, per_hour_low REAL, per_hour_high REAL,
  percent_per_hour REAL, p REAL, q REAL, tau REAL, r2 REAL, first_value REAL, last_value REAL, seconds REAL,
  point_count INTEGER, window_count INTEGER, hours_to_limit REAL, is_primary INTEGER);
CREATE TABLE gc_event (
  t REAL, collector TEXT, kind TEXT, cause TEXT, pause_ms REAL, before_bytes INTEGER, after_bytes INTEGER,
  capacity_bytes INTEGER, promoted_bytes INTEGER);

-- id: from 1, largest first. percent: of heap.live_bytes. signature: stable across dumps. cause: a named cause, NULL = none was recognised.
CREATE TABLE suspect (
  id INTEGER PRIMARY KEY, snapshot_id INTEGER, kind TEXT, title TEXT, object_id INTEGER, class_id INTEGER,
  accumulation_id INTEGER, retained_bytes INTEGER, percent REAL, signature TEXT, cause TEXT);
-- step 0 = at the root; name: of the reference from the step before, for step 0 the root's kind.
CREATE TABLE suspect_path (
  suspect_id INTEGER, step INTEGER, object_id INTEGER, name TEXT, PRIMARY KEY (suspect_id, step)) WITHOUT ROWID;
CREATE TABLE suspect_evidence (
  suspect_id INTEGER, ordinal INTEGER, kind TEXT, name TEXT, object_id INTEGER, class_id INTEGER, object_count INTEGER,
  bytes INTEGER, text TEXT, PRIMARY KEY (suspect_id, ordinal)) WITHOUT ROWID;

-- What the machine code of a core's modules says (only files of the same build; heapql import --code). module, function,
-- symbol: names; a function without one is module+offset. Counts and loop depths are of instructions, not of executions.
-- code_reference: instructions with the address of writable data, one row for each function, target and access. symbol:
-- the variable, or module+offset as a root there is named. access: read, write, read and write, address taken.
CREATE TABLE code_reference (
  module TEXT, function TEXT, address INTEGER, target INTEGER, symbol TEXT, access TEXT);
CREATE INDEX code_reference_by_symbol ON code_reference (symbol);
-- Calls of operator new, malloc, …. size: bytes asked for, NULL = not a constant. class_id: what is built there, where
-- the heap has such blocks; block_count: those of the size that the allocator makes of it.
CREATE TABLE allocation_site_code (
  module TEXT, function TEXT, address INTEGER, size INTEGER, class_id INTEGER, block_count INTEGER, allocator TEXT);
-- Use of fields by methods, through `this`. size NULL: only the address is taken. locked: lock prefix, xchg, or a mutex.
CREATE TABLE field_access (
  class TEXT, offset INTEGER, size INTEGER, access TEXT, loop_depth INTEGER, locked INTEGER, function TEXT,
  instruction_count INTEGER);
CREATE INDEX field_access_by_class ON field_access (class, offset);
-- Loops that go over memory in equal steps. touched_bytes: of each step; NULL where is_vectorised, whole vectors are
-- loaded there.
CREATE TABLE stride_loop (
  module TEXT, function TEXT, address INTEGER, stride INTEGER, touched_bytes INTEGER, depth INTEGER, writes INTEGER,
  is_vectorised INTEGER);
-- Functions of which the instructions are kept: those on stacks, at allocation sites and that use variables which hold
-- blocks. bytes: hexadecimal digits.
CREATE TABLE code_function (address INTEGER PRIMARY KEY, size INTEGER, module TEXT, function TEXT);
CREATE TABLE instruction (address INTEGER PRIMARY KEY, bytes TEXT, text TEXT);
-- Words in the dead part of stacks that still point to blocks: they hold nothing, but tell who had a leaked block last.
-- callee: function in whose frame it was left, caller: that called it, by the return address above; NULL = not known.
CREATE TABLE stale_word (address INTEGER, thread_id INTEGER, object_id INTEGER, callee TEXT, caller TEXT);
CREATE INDEX stale_word_by_object ON stale_word (object_id);

-- How types lay out their objects, and what that costs in this heap. source: debug info; code (no debugging information:
-- the fields that machine code uses); dump (JVM). size: sizeof, of one instance; NULL = varies. header_bytes: the vtable
-- pointer, a JVM's object header. Instances are objects that are no member of others; nested_count are those that are,
-- and bases. wasted_bytes: holes and padding in all of them, those inside of members in the members' rows: the column
-- sums to the heap's. reordered_size, reordering: with the members in the best order. block_count …: blocks with one
-- instance. line_count: cache lines that instances touch where they lie; straddling_count: instances that touch one
-- more than they need. saved_bytes: what the best order saves in this heap, after the allocator's rounding.
CREATE TABLE type_layout (
  id INTEGER PRIMARY KEY, name TEXT, source TEXT, class_id INTEGER, size INTEGER, alignment INTEGER, header_bytes INTEGER,
  hole_count INTEGER, hole_bytes INTEGER, padding_bytes INTEGER, bit_hole_bits INTEGER, reordered_size INTEGER,
  reordering TEXT, instance_count INTEGER, instance_bytes INTEGER, nested_count INTEGER, block_count INTEGER, usable_bytes INTEGER,
  requested_bytes INTEGER, wasted_bytes INTEGER, line_count INTEGER, straddling_count INTEGER, saved_bytes INTEGER);
CREATE INDEX type_layout_by_name ON type_layout (name);
-- Members, those of members and bases in their place. bit_offset: in the byte at offset. hole_bytes: unused bytes behind
-- it. value_count: instances whose value was looked at (all, of millions evenly spread ones); zero_count: of these 0, null
-- or empty; common_value, common_count: the value that more than half have. needed_bits: of integers, what holds every
-- value. kind: unsigned (smallest, largest: two's complement above 2^63), signed, boolean, float, pointer, container,
-- bytes. What code does with it: field_access.
CREATE TABLE type_field (
  type_id INTEGER, ordinal INTEGER, name TEXT, type TEXT, offset INTEGER, size INTEGER, bit_offset INTEGER,
  bit_size INTEGER, hole_bytes INTEGER, value_count INTEGER, zero_count INTEGER, common_value TEXT, common_count INTEGER,
  smallest INTEGER, largest INTEGER, needed_bits INTEGER, kind TEXT, PRIMARY KEY (type_id, ordinal)) WITHOUT ROWID;
-- Containers inside of instances. object_count: that were looked at; slack_bytes: allocated for elements that are not
-- there (of strings: behind the text).
CREATE TABLE container_use (
  kind TEXT, type_id INTEGER, field TEXT, object_count INTEGER, empty_count INTEGER, inline_bytes INTEGER,
  slack_bytes INTEGER);

-- False sharing: cache lines of 64 bytes in which threads use different words and one writes. kind: members of an object,
-- slots of an array, neighbours (two blocks), variables. confidence: measured (perf), high, medium, low; how each is told:
-- importers/native_sharing.h. place: type of the block, or the module. shared_line_use: who does what; access: write,
-- read, pointer (points there, no more is known); samples: of a measurement.
CREATE TABLE shared_line (
  id INTEGER PRIMARY KEY, address INTEGER, kind TEXT, confidence TEXT, place TEXT, object_id INTEGER, samples INTEGER);
CREATE TABLE shared_line_use (
  line_id INTEGER, address INTEGER, size INTEGER, thread_id INTEGER, function TEXT, access TEXT, member TEXT,
  locked INTEGER, loop_depth INTEGER, evidence TEXT, samples INTEGER);
CREATE INDEX shared_line_use_by_line ON shared_line_use (line_id);

-- Memory accesses that perf sampled (--memory-samples), joined with the core. is_line: the figures are of all of the
-- cache line, whose places may have rows as well: do not add up both. hitm_*: loads of a line that another core had
-- modified. evidence: perf c2c, perf mem, perf script.
CREATE TABLE memory_sample (
  address INTEGER, is_line INTEGER, object_id INTEGER, type TEXT, member TEXT, thread_id INTEGER, thread_os_id INTEGER,
  function TEXT, module TEXT, source TEXT, event TEXT, evidence TEXT, samples INTEGER, loads INTEGER, stores INTEGER,
  hitm_local INTEGER, hitm_remote INTEGER, mean_cycles INTEGER);

-- How far objects lie from the one that owns them (their immediate dominator), by both classes, most frequent first,
-- capped. object_count: pairs that were looked at (metric `locality.sampled_every`: one of so many). same_page includes
-- same_line. median_distance: bytes, to a power of two upwards.
CREATE TABLE locality (
  owner_class_id INTEGER, owned_class_id INTEGER, object_count INTEGER, same_line INTEGER, same_page INTEGER,
  median_distance INTEGER);
-- Walks over large structures, most elements first, capped. kind: linked (from object to object of one class: lists,
-- trees, hash chains), array (elements of an array of references). object_id: the first one, or the array; class_id: of
-- most elements. near_count: steps that end in the cache line they began in or the next one. page_changes: steps to
-- another page of 4 KiB. line_count, page_count: different ones that the elements lie in.
CREATE TABLE walk (
  id INTEGER PRIMARY KEY, kind TEXT, object_id INTEGER, class_id INTEGER, element_count INTEGER, bytes INTEGER,
  near_count INTEGER, page_changes INTEGER, line_count INTEGER, page_count INTEGER);

CREATE TABLE metric (
  snapshot_id INTEGER, name TEXT, value REAL, unit TEXT, PRIMARY KEY (snapshot_id, name)) WITHOUT ROWID;
CREATE TABLE query (name TEXT PRIMARY KEY, title TEXT, description TEXT, params TEXT, sql TEXT) WITHOUT ROWID;

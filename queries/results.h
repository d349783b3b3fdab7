// What the passes found, in the shape the store writes it: per-object columns and rows of the small result tables.
// Computed in analyzer/, stored by queries/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "queries/ids.h"

namespace queries {

struct ClassStatRow {
  ClassId class_id{};
  std::uint64_t object_count = 0;
  std::uint64_t shallow_bytes = 0;
  std::uint64_t reachable_count = 0;  ///< live: those with a retained size
  std::uint64_t reachable_bytes = 0;
  std::uint64_t retained_bytes = 0;  ///< of the instances as a set (top-most instances only), class object excluded
};

/// A strongly connected component of at least two objects, or one object that references itself.
struct ComponentRow {
  std::uint32_t object_count = 0;
  std::uint64_t shallow_bytes = 0;
  std::uint64_t retained_bytes = 0;  ///< as a set; 0 for unreachable ones
  Reachability reachability = Reachability::unreachable;
  bool has_finalizer = false;
  ObjectId example = no_object;  ///< the largest member by shallow size, ties by id
};

/// Leaked objects of a heap that the program frees itself, by the class of the leak head that holds them and the cycle
/// that it is in. Possibly leaked ones: held by uncertain evidence alone; their heads are what that evidence points to.
struct LeakRow {
  ClassId class_id{};
  bool is_certain = true;  ///< leaked; false: possibly leaked
  std::uint64_t head_count = 0;
  std::uint64_t cycle_count = 0;   ///< of the heads: members of a cycle (shared_ptr cycles, doubly-linked lists)
  std::uint64_t object_count = 0;  ///< heads and all they hold
  std::uint64_t shallow_bytes = 0;
  ObjectId example = no_object;  ///< the head that holds most
  std::vector<ObjectId> cycle;   ///< of the example, head first, shortened; empty when it is in none
  ObjectId holder =
      no_object;           ///< possibly leaked: the object whose uncertain reference holds the example; else a root
  std::string cycle_text;  ///< "std::shared_ptr cycle: A+0x8 ↔ B+0x8", "" = no cycle, or not described
  std::string why;         ///< possibly leaked: what holds the example, and why that is doubted
};

/// A group of at least two objects with equal content.
struct DuplicateRow {
  std::uint64_t hash = 0;
  bool is_string = false;
  ObjectId example = no_object;  ///< lowest id
  std::uint64_t object_count = 0;
  std::uint64_t bytes_each = 0;    ///< shallow bytes of one copy (a string with its array)
  std::uint64_t wasted_bytes = 0;  ///< bytes of all copies but one
  std::string value;               ///< text of a string, shortened; empty for arrays
};

struct SuspectPathRow {
  std::uint32_t suspect = 0;  ///< index into suspects
  std::uint32_t step = 0;     ///< 0 = at the root
  ObjectId object = no_object;
  std::string name;  ///< of the reference from the step before; for step 0: the root's kind
};

/// One line of evidence under a suspect; `kind` tells which section of the report it belongs to.
struct SuspectEvidenceRow {
  std::uint32_t suspect = 0;
  std::uint32_t ordinal = 0;  ///< order within the suspect
  std::string kind;           ///< summary advice top_class biggest child pattern fact frame local keyword hint
  std::string name;           ///< class, field, frame, keyword …
  ObjectId object = no_object;
  ClassId class_id = no_class;
  std::int64_t object_count = -1;  ///< -1 = not applicable (NULL)
  std::int64_t bytes = -1;         ///< -1 = not applicable (NULL)
  std::string text;                ///< a sentence, or empty
};

struct SuspectRow {
  std::string kind;             ///< object, group, thread, class, class_loader; named causes: listener_list, …
  std::string title;            ///< the first paragraph's first sentence, plain text
  ObjectId object = no_object;  ///< of a single suspect
  ClassId class_id = no_class;  ///< class of the suspect, or of the group's instances
  ObjectId accumulation = no_object;
  std::uint64_t retained_bytes = 0;
  double percent = 0;     ///< of heap.live_bytes
  std::string signature;  ///< stable across dumps: no addresses, no ids
  std::string cause;      ///< listener_list, unbounded_map, finalizer_cycle, thread_local, class_loader,
                          ///< duplicate_strings; empty = no named cause
};

/// The regions of one arena (RegionRow::arena) together.
struct ArenaRow {
  std::int32_t arena = 0;
  std::string name;  ///< what the names of its regions have in common; with the arena's number where not unique
  std::uint64_t region_count = 0;
  std::uint64_t bytes = 0;  ///< of the regions = live + free + cached + overhead
  std::uint64_t live_bytes = 0;
  std::uint64_t free_bytes = 0;
  std::uint64_t cached_bytes = 0;
  std::uint64_t overhead_bytes = 0;
  std::uint64_t released_bytes = 0;  ///< address space kept, memory given back: not counted as free
  std::uint64_t largest_free_bytes = 0;
  std::uint64_t live_count = 0;
  std::uint64_t free_count = 0;         ///< free blocks
  std::uint64_t pinned_bytes = 0;       ///< free bytes that a used block keeps from going back to the system
  std::uint64_t page_count = 0;         ///< 4 KiB pages, those at a region's border for their part in it
  std::uint64_t empty_page_count = 0;   ///< without a used byte
  std::uint64_t sparse_page_count = 0;  ///< some bytes used, but less than a tenth
  std::uint64_t bytes_per_cell = 0;     ///< of `map`, 0 = no map
  std::string map;                      ///< used share by cell: '.' nothing, '0'…'9' tenths, '#' all
};

/// The unusable-free-space index for requests of one size.
struct UnusableFreeRow {
  bool whole = false;  ///< of all arenas together; `arena` then says nothing
  std::int32_t arena = 0;
  std::uint64_t request_bytes = 0;
  std::uint64_t servable_count = 0;  ///< requests of that size that the free blocks can serve
  double unusable_index = 0;         ///< share of the free bytes that is of no use to them, 0…1
};

/// A used block that keeps free bytes of its region from going back to the system.
struct PinRow {
  std::uint32_t region = 0;  ///< index into Snapshot::regions
  ObjectId object = no_object;
  std::uint64_t pinned_bytes = 0;  ///< free bytes of the region that it keeps
  std::uint64_t gain_bytes = 0;    ///< what could go back if this block alone were freed: itself and the free bytes
                                   ///< between it and the next used block below
};

struct PinPathRow {
  std::uint32_t pin = 0;   ///< index into pins
  std::uint32_t step = 0;  ///< 0 = at the root
  ObjectId object = no_object;
  std::string name;  ///< of the reference from the step before; for step 0: the root in words
};

/// Pinned bytes by class of the block; no_class: slabs that only blocks in threads' caches keep.
struct PinStatRow {
  ClassId class_id{};
  std::uint64_t region_count = 0;
  std::uint64_t pinned_bytes = 0;
};

/// Blocks of a class of which it is known how much was asked for.
struct RequestedStatRow {
  ClassId class_id{};
  std::uint64_t block_count = 0;
  std::uint64_t usable_bytes = 0;
  std::uint64_t requested_bytes = 0;
};

/// How far objects lie from the one that owns them (their immediate dominator), by both classes.
struct LocalityRow {
  ClassId owner{};
  ClassId owned{};
  std::uint64_t object_count = 0;     ///< pairs that were looked at
  std::uint64_t same_line = 0;        ///< the owned begins in a cache line of its owner
  std::uint64_t same_page = 0;        ///< in a page of its owner; those in the same line included
  std::uint64_t median_distance = 0;  ///< bytes between the two, to a power of two upwards
};

/// What a walk over a large structure touches.
struct WalkRow {
  bool is_linked = false;      ///< from object to object of one class; false: the elements of an array of references
  ObjectId first = no_object;  ///< the first object; of an array, the array
  ClassId class_id{};          ///< of the elements: of most of them
  std::uint64_t element_count = 0;
  std::uint64_t bytes = 0;         ///< of the elements
  std::uint64_t near_count = 0;    ///< steps that end in the line they began in or the next one: prefetched
  std::uint64_t page_changes = 0;  ///< steps to another page
  std::uint64_t line_count = 0;    ///< different cache lines that the elements lie in
  std::uint64_t page_count = 0;    ///< different pages of 4 KiB
};

struct MetricRow {
  std::string name;
  double value = 0;
  std::string unit;  ///< bytes, count, percent, ratio, ms
};

struct Results {
  // Per object, by id. Empty vectors = pass not run.
  std::vector<ObjectId> dominator;           ///< no_object = under the virtual root, or not live
  std::vector<std::uint64_t> retained_size;  ///< 0 = not live (dead objects have no retained size)
  std::vector<Reachability> reachability;
  std::vector<std::uint32_t> root_distance;  ///< 0 = a root; 0xFFFFFFFF = unreachable
  // Small tables.
  std::vector<ClassStatRow> class_stats;
  std::vector<ComponentRow> components;  ///< largest first, capped; totals are metrics
  std::vector<DuplicateRow> duplicates;  ///< most wasteful first, capped; totals are metrics
  std::vector<LeakRow> leaks;            ///< most bytes first; sum to all unreachable objects
  std::vector<SuspectRow> suspects;
  std::vector<SuspectPathRow> suspect_paths;
  std::vector<SuspectEvidenceRow> suspect_evidence;
  // Of heaps with regions.
  std::vector<ArenaRow> arenas;                   ///< by bytes, largest first, capped
  std::vector<UnusableFreeRow> unusable_free;     ///< whole heap first, then by arena; ascending request sizes
  std::vector<PinRow> pins;                       ///< most pinned bytes first, capped
  std::vector<PinPathRow> pin_paths;              ///< of the first pins
  std::vector<PinStatRow> pin_stats;              ///< most pinned bytes first, all
  std::vector<RequestedStatRow> requested_stats;  ///< most wasted bytes first, all
  std::vector<LocalityRow> locality;              ///< most pairs first, capped
  std::vector<WalkRow> walks;                     ///< most elements first, capped
  std::vector<MetricRow> metrics;
};

inline constexpr std::uint32_t unreachable_distance = 0xFFFF'FFFFu;

}  // namespace queries

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
  std::vector<SuspectRow> suspects;
  std::vector<SuspectPathRow> suspect_paths;
  std::vector<SuspectEvidenceRow> suspect_evidence;
  std::vector<MetricRow> metrics;
};

inline constexpr std::uint32_t unreachable_distance = 0xFFFF'FFFFu;

}  // namespace queries

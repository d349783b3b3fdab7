// The questions that SQL should not answer by recursion: paths, reachability, dominator tree, what-if. Plain functions
// over a GraphCache; all iterative, all deterministic (ties by object id), interrupted through GraphCache::poll().
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "queries/graph_cache.h"

namespace queries {

/// One object of an answer. What the numbers mean depends on the question.
struct Row {
  ObjectId object = no_object;
  std::uint32_t path = 0;
  std::uint32_t step = 0;               ///< step of a path from the root; depth; distance
  std::int64_t slot = class_edge_slot;  ///< of the edge that leads here (or away, for referrers)
  NameId name = no_name;
  Strength strength = Strength::strong;
  bool by_edge = false;    ///< slot, name, strength are those of an edge
  bool weak_used = false;  ///< path: there is no path of strong references
};

/// A shortest path from a root: step 0 is the root, the last is `object`. Empty when no root reaches it. Walks from
/// referrer to referrer one step nearer the root: a few look-ups a step.
[[nodiscard]] std::vector<Row> path_to_root(GraphCache& graph, ObjectId object);

/// The k shortest paths that differ in at least one object and visit none twice, shortest first; soft, weak, final and
/// phantom references are left out unless there is no path without them (Row::weak_used). A path ends at the first
/// object that a root holds directly. A* over inbound references with root_distance as the bound.
[[nodiscard]] std::vector<Row> paths_to_root(GraphCache& graph, ObjectId object, std::uint32_t k);

/// Objects reachable from `object`, itself included, breadth first; Row::step = distance. `all` = over every strength,
/// else those that keep alive.
[[nodiscard]] std::vector<Row> reachable_from(GraphCache& graph, ObjectId object, bool all);

/// What would be freed with the object: everything it dominates, itself first. Empty when it is not live. Visits only
/// the set and its edges: an object found from inside belongs to it exactly when its dominator does.
[[nodiscard]] std::vector<Row> retained_set(GraphCache& graph, ObjectId object);

/// Descendants in the dominator tree down to `depth` levels (0 = all), by level, then id; the object itself excluded.
[[nodiscard]] std::vector<Row> dominated(GraphCache& graph, ObjectId object, std::uint32_t depth);

/// The object, its immediate dominator, … up to the virtual root.
[[nodiscard]] std::vector<Row> dominator_chain(GraphCache& graph, ObjectId object);

/// One row for each reference to the object, by (source, slot); the class edges of instances last.
[[nodiscard]] std::vector<Row> referrers(GraphCache& graph, ObjectId object);

/// One row for each reference of the object, by slot, the class edge last.
[[nodiscard]] std::vector<Row> referents(GraphCache& graph, ObjectId object);

/// Instances of every class of this name (and, if asked, of classes derived from them), by id.
[[nodiscard]] std::vector<Row> instances(GraphCache& graph, const std::string& class_name, bool with_subclasses);

/// Bytes that would be freed if this one reference were cut (slot -1 = the edge to the class object): the retained size
/// of its target when every other live reference to the target comes from what the target dominates, else 0.
/// nullopt when there is no such reference.
[[nodiscard]] std::optional<std::int64_t> what_if_cut(GraphCache& graph, ObjectId source, std::int64_t slot);

}  // namespace queries

// Shortest paths from the roots to the few objects that suspects name, without weak, soft, final and phantom references
// unless there is no other way.
//
// To an object below the top of the dominator tree no breadth-first search of the heap is needed: every path to it goes
// through its dominators in order, so the path is the way to the topmost of them, and then from each to the next, which
// is one reference in most cases and a search among what that dominator retains in the others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "queries/heap_graph.h"
#include "queries/object_details.h"
#include "queries/results.h"
#include "queries/snapshot.h"

namespace analyzer {

struct RootStep {
  queries::ObjectId object = queries::no_object;
  std::string name;  ///< of the reference that leads here; of the first step: the kind of the root
};
using RootPath = std::vector<RootStep>;

class RootPaths {
 public:
  RootPaths(const queries::Snapshot& snapshot, const queries::HeapGraph& graph, const queries::Results& results,
            const queries::ObjectDetails& details);
  /// Searches the ways to the tops of these objects' dominator chains. Once, before path() and the rest.
  void search(const std::vector<queries::ObjectId>& targets);

  /// Root first, `target` last; empty when no path is known.
  [[nodiscard]] RootPath path(queries::ObjectId target) const;
  /// Names for a chain of objects, the first being a root.
  [[nodiscard]] RootPath named(const std::vector<queries::ObjectId>& chain) const;
  /// The object before this one on its path; no_object: a root, or not found. Only of objects that search() visited.
  [[nodiscard]] queries::ObjectId parent(queries::ObjectId id) const;
  [[nodiscard]] bool found(queries::ObjectId id) const;
  /// Position in the order of the search (parents have smaller ones); needs found().
  [[nodiscard]] std::uint32_t position(queries::ObjectId id) const;
  [[nodiscard]] queries::ObjectId at(std::uint32_t position) const { return order_[position]; }
  [[nodiscard]] std::uint32_t parent_position(std::uint32_t position) const { return parent_[position]; }
  static constexpr std::uint32_t no_position = 0xFFFF'FFFFu;

 private:
  [[nodiscard]] queries::ObjectId top_of(queries::ObjectId id) const;
  void search_with(queries::Follow follow, const std::vector<queries::ObjectId>& wanted);
  [[nodiscard]] std::vector<queries::ObjectId> way_down(queries::ObjectId from, queries::ObjectId to) const;
  [[nodiscard]] std::string root_name(queries::ObjectId id) const;

  const queries::HeapGraph& graph_;
  const queries::Results& results_;
  const queries::ObjectDetails& details_;
  std::vector<queries::ObjectId> order_;
  std::vector<std::uint32_t> parent_;
  std::vector<std::pair<queries::ObjectId, std::uint32_t>> positions_;  ///< of what was wanted, sorted
  std::vector<std::pair<queries::ObjectId, queries::RootKind>> roots_;  ///< sorted
  const queries::Snapshot& snapshot_;
};

}  // namespace analyzer

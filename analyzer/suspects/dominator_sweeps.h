// The questions that suspects ask of the dominator tree, each answered by sweeps over the per-object columns: no list
// of children is ever made for the whole heap.
#pragma once

#include <cstdint>
#include <vector>

#include "queries/columns.h"
#include "queries/heap_graph.h"
#include "queries/results.h"

namespace analyzer {

/// An object, or all other instances of a class, at the top of the dominator tree that retain more than the threshold.
struct Candidate {
  bool group = false;
  queries::ObjectId object = queries::no_object;  ///< of a single one
  queries::ClassId class_id = queries::no_class;
  std::uint64_t retained = 0;
  std::uint64_t instances = 1;
};

/// Most retained first; ties: single before group, then lowest id. O(n).
[[nodiscard]] std::vector<Candidate> find_candidates(const queries::HeapGraph& graph, const queries::Results& results,
                                                     std::uint64_t threshold, std::size_t limit);

/// The child that retains most, for objects that retain at least `floor`. 0.19 bytes per object + 4 per such object.
class HeavyTree {
 public:
  HeavyTree(const queries::Results& results, std::uint64_t floor);
  /// no_object: no child retains `floor`. Ties: lowest id.
  [[nodiscard]] queries::ObjectId largest_child(queries::ObjectId id) const {
    return heavy_.test(index(id)) ? child_[heavy_.rank(index(id))] : queries::no_object;
  }

 private:
  queries::Bitmap heavy_;
  std::vector<queries::ObjectId> child_;
};

struct ClassShare {
  queries::ClassId class_id = queries::no_class;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
};

/// What each candidate retains, by class, most bytes first. 1 byte per object while working. O(n).
[[nodiscard]] std::vector<std::vector<ClassShare>> retained_by_class(const queries::HeapGraph& graph,
                                                                     const queries::Results& results,
                                                                     const std::vector<Candidate>& candidates);

/// Members of a set: how many there are, what they retain together, the biggest, and an evenly spaced sample.
struct Members {
  std::uint64_t count = 0;
  std::uint64_t retained = 0;
  std::vector<queries::ObjectId> biggest;  ///< most retained first, ties by id
  std::vector<queries::ObjectId> sample;   ///< ascending
};

/// Children of `parents` in the dominator tree. One sweep for all. O(n).
[[nodiscard]] std::vector<Members> children_of(const queries::Results& results,
                                               const std::vector<queries::ObjectId>& parents, std::size_t limit);
/// The instances of each group candidate; empty for single ones. One sweep for all. O(n).
[[nodiscard]] std::vector<Members> group_members(const queries::HeapGraph& graph, const queries::Results& results,
                                                 const std::vector<Candidate>& candidates, std::size_t limit,
                                                 std::size_t sample_size);

}  // namespace analyzer

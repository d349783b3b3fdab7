// Reference answers for graphs of at most 64 objects, found the obvious way: a set of objects is a 64-bit mask, a
// dominator is what makes others unreachable when it is taken away. Slow, short, and sharing no code with the passes.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "queries/heap_graph.h"

namespace tests {

using Mask = std::uint64_t;

class NaiveGraph {
 public:
  /// At most 64 objects.
  explicit NaiveGraph(const queries::Snapshot& snapshot);

  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] Mask all() const { return size_ == 64 ? ~Mask{0} : (Mask{1} << size_) - 1; }
  /// Objects reached from the roots over references of these strengths (and class edges), never entering `removed`.
  [[nodiscard]] Mask reachable(queries::Follow follow, Mask removed = 0) const;
  /// For each object the set of objects that dominate it, itself included; 0 for unreachable ones.
  [[nodiscard]] std::vector<Mask> dominator_sets(queries::Follow follow) const;
  /// The immediate dominator, no_object under the virtual root or unreachable.
  [[nodiscard]] std::vector<queries::ObjectId> immediate_dominators(queries::Follow follow) const;
  [[nodiscard]] std::uint64_t bytes(Mask objects) const;
  /// Bytes that are unreachable when the object is removed; 0 for unreachable ones.
  [[nodiscard]] std::vector<std::uint64_t> retained_sizes(queries::Follow follow) const;
  /// Retained sizes of those members that no other member dominates.
  [[nodiscard]] std::uint64_t retained_as_set(queries::Follow follow, Mask members) const;
  [[nodiscard]] std::vector<queries::Reachability> reachability() const;
  /// Shortest path over objects at most as weakly reachable, by relaxing until nothing changes.
  [[nodiscard]] std::vector<std::uint32_t> root_distances() const;
  /// For each object its strongly connected component over strong, soft and internal references; 0 when it is alone
  /// without a self reference.
  [[nodiscard]] std::vector<Mask> components() const;

 private:
  struct Edge {
    std::uint32_t source, target;
    queries::Strength strength;
    bool is_class_edge;
  };
  [[nodiscard]] Mask closure(Mask from, Mask removed, const std::array<Mask, 64>& successors) const;
  [[nodiscard]] std::array<Mask, 64> successors(queries::Follow follow, bool class_edges) const;

  std::uint32_t size_;
  Mask roots_ = 0;
  Mask uncertain_roots_ = 0;  ///< of them
  std::vector<Edge> edges_;
  std::vector<std::uint64_t> sizes_;
};

}  // namespace tests

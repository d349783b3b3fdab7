// Which edges of a heap graph one traversal takes: explicit references by strength, and the implicit edge to the class
// object. Kept apart so that the usual case (no weak reference anywhere) costs no look-up per edge.
#pragma once

#include <cstdint>

#include "queries/heap_graph.h"

namespace analyzer {

class EdgeFilter {
 public:
  /// O(classes). Borrows the graph.
  EdgeFilter(const queries::HeapGraph& graph, queries::Follow follow)
      : graph_(graph), follow_(follow), check_strength_(graph.has_references_outside(follow)) {}

  /// Whether the traversal takes explicit reference number `edge`.
  [[nodiscard]] bool takes(std::uint32_t edge) const {
    return !check_strength_ || follow_.has(graph_.strength_of(edge));
  }

 private:
  const queries::HeapGraph& graph_;
  queries::Follow follow_;
  bool check_strength_;
};

}  // namespace analyzer

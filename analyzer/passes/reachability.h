// How strongly each object is reachable, and how far it is from a root.
//
// Six waves: strong, soft, weak, final, phantom, uncertain. A wave starts at references of its strength out of
// everything reached so far and follows references at least that strong, so an object gets the strongest way in which
// any path holds it (the weakest reference of a path decides the path). Within a wave breadth first: the distance is
// that of the shortest path among the paths of the object's own strength that start in the wave before.
//
// O(n + m + w log w), w = references not followed at once. Work memory: 0.125 bytes per object + 4 per object of two
// neighbouring levels + 8 per weaker reference. Results 5 bytes per object.
#pragma once

#include <cstdint>
#include <vector>

#include "queries/heap_graph.h"
#include "queries/results.h"

namespace analyzer {

struct ReachabilityResult {
  std::vector<queries::Reachability> reachability;
  std::vector<std::uint32_t> root_distance;  ///< references from a root; queries::unreachable_distance
};

[[nodiscard]] ReachabilityResult find_reachability(const queries::HeapGraph& graph);

}  // namespace analyzer

// Retained sizes: the bytes that would be freed if the object went away = shallow sizes of its dominator subtree.
// One backward sweep over an order in which each object comes after its dominator. O(n), no work memory; the result is
// 8 bytes per object.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "queries/heap_graph.h"

namespace analyzer {

struct RetainedSizes {
  std::vector<std::uint64_t> bytes;  ///< by object; 0 = not reached (or dominating nothing but empty objects)
  std::uint64_t total = 0;           ///< of the virtual root = shallow bytes of all reached objects
};

[[nodiscard]] RetainedSizes find_retained_sizes(const queries::HeapGraph& graph,
                                                std::span<const queries::ObjectId> order,
                                                std::span<const queries::ObjectId> dominator);

}  // namespace analyzer

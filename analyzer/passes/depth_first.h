// Depth-first spanning forest of a heap graph, numbered in preorder, and the edges that are not in it. The first half
// of the dominators pass.
//
// Visited objects are a bitmap (1.25 MB for 10 million: fits the cache). An edge to an object visited before its source
// was (back or cross edge) is met while its source is scanned, so the targets alone are kept, in source order, with a
// count per source. Successors not yet visited go on the stack and are visited when popped; one that was visited in
// between is a descendant of its source (forward edge) and is kept as a pair.
#pragma once

#include <cstdint>
#include <vector>

#include "analyzer/passes/spool.h"
#include "analyzer/passes/work_array.h"
#include "queries/columns.h"
#include "queries/heap_graph.h"

namespace analyzer {

struct DepthFirst {
  DepthFirst(std::uint32_t objects, std::uint64_t edges)
      : visited(objects), earlier(edges), forward(64 + edges / 16), long_counts(64) {}

  std::uint32_t count = 0;                    ///< objects reached; their numbers are 1 … count
  queries::Bitmap visited;                    ///< by object
  WorkArray<std::uint32_t> parent;            ///< by number; 0 = the virtual root
  WorkArray<std::uint8_t> earlier_count;      ///< by number: edges in `earlier` that start here; 255 = see long_counts
  Spool earlier;                              ///< targets (objects) of back and cross edges, by source number
  Spool forward;                              ///< forward edges: source number, target object, …
  std::vector<queries::ObjectId> under_root;  ///< class objects found to be dominated by the virtual root alone
  Spool long_counts;                          ///< counts ≥ 255, in order
  std::uint64_t stack_bytes = 0;              ///< the most that the stack took

  static constexpr std::uint8_t long_count = 255;
};

/// Numbers the objects reached from the roots: `number[id]` is set for reached objects only and must have a place for
/// every object. Self references and edges to root objects by way of a class are left out.
[[nodiscard]] DepthFirst search_depth_first(const queries::HeapGraph& graph, queries::Follow follow,
                                            queries::ObjectId* number);

}  // namespace analyzer

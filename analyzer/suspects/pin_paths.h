// How the blocks are held that keep free memory from going back to the system: the shortest path from a root to each of
// the largest pins.
#pragma once

#include "queries/heap_graph.h"
#include "queries/object_details.h"
#include "queries/results.h"
#include "queries/snapshot.h"

namespace analyzer {

/// Fills `pin_paths` of the first few pins; a pin that no root reaches gets none. Needs `pins`, `dominator` and
/// `retained_size`. One breadth-first search that stops when all are found: O(n + m), 8 bytes per object visited.
void find_pin_paths(const queries::Snapshot& snapshot, const queries::HeapGraph& graph,
                    const queries::ObjectDetails& details, queries::Results& results);

}  // namespace analyzer

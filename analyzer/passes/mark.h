// The mark phase: which objects do the roots reach?
// Explicit stack, one bit per object, and a window of a dozen objects whose rows are being fetched while others are
// scanned (Cher, Hosking, Vitek: "Software prefetching for mark-sweep garbage collection", 2004).
// O(n + m). Work memory: 0.125 bytes per object + 4 per object on the stack.
#pragma once

#include "queries/columns.h"
#include "queries/heap_graph.h"

namespace analyzer {

/// Follows explicit references of the given strengths and all class edges.
[[nodiscard]] queries::Bitmap mark_reachable(const queries::HeapGraph& graph, queries::Follow follow);

}  // namespace analyzer

// What a program lost: in a heap whose memory the program itself frees, objects that no root reaches are leaked. Each
// is counted with the leak head that holds it: an object that no other leaked object points to, or one member of a
// cycle that nothing outside of it points to. Freeing the heads' trees frees every leak.
#pragma once

#include <vector>

#include "queries/heap_graph.h"
#include "queries/results.h"

namespace analyzer {

/// Grouped by the head's class, most bytes first; the rows sum to all unreachable objects. An object that several heads
/// reach is counted with one of them. Work memory: 12 bytes per object that is leaked, 0.25 per object. O(n + m).
[[nodiscard]] std::vector<queries::LeakRow> find_leaks(const queries::HeapGraph& graph,
                                                       const std::vector<queries::Reachability>& reachability);

}  // namespace analyzer

// Leaks in words: the cycle that keeps a leaked group alive, by its members, and what holds the possibly leaked ones.
#pragma once

#include "queries/heap_graph.h"
#include "queries/object_details.h"
#include "queries/results.h"
#include "queries/snapshot.h"

namespace analyzer {

/// Fills LeakRow::cycle_text and why of the first few hundred rows of each certainty. A std::shared_ptr's control block
/// and what it owns are one thing here: "std::shared_ptr cycle: Parent+0x10 \u2194 Child+0x8". O(roots) per row.
void describe_leaks(const queries::Snapshot& snapshot, const queries::HeapGraph& graph,
                    const queries::ObjectDetails& details, queries::Results& results);

}  // namespace analyzer

// What a program lost: in a heap whose memory the program itself frees, objects that no root reaches are leaked. Each
// is counted with the leak head that holds it: an object that no other leaked object points to, or one member of a
// cycle that nothing outside of it points to. Freeing the heads' trees frees every leak.
//
// Objects that only uncertain evidence reaches (Reachability::uncertain) are possibly leaked: the same, but their heads
// are held by that evidence, and grouped by it too.
#pragma once

#include <vector>

#include "queries/heap_graph.h"
#include "queries/results.h"

namespace analyzer {

inline constexpr std::size_t longest_leak_cycle = 8;  // members that LeakRow::cycle names

/// Leaked ones first, then possibly leaked ones; grouped by the head's class and its cycle's classes, possibly leaked
/// ones by the class of what holds them; most bytes first. The rows sum to all unreachable and all uncertain objects.
/// An object that several heads reach is counted with one of them. Work memory: 12 bytes per object that is leaked,
/// 0.25 per object. O(n + m).
[[nodiscard]] std::vector<queries::LeakRow> find_leaks(const queries::HeapGraph& graph,
                                                       const std::vector<queries::Reachability>& reachability);

}  // namespace analyzer

// Whether objects lie where the program looks for them: how far from their owner, and what a walk over the largest
// lists, trees, hash tables and arrays of references touches.
//
// Definitions:
// - Owner: the immediate dominator. Distance: bytes between the end of one and the beginning of the other.
// - Linked walk: along references from an object to one of its own class (a list's next, a tree's children, a hash
//   table's chain), depth first in the order of the slots, each object once. It begins where no object of the class
//   leads to it. Array walk: the targets of an object's references in the order of the slots.
// - A step is near when the next element begins in a line that the one before touches, or in the line behind it:
//   the processor has it by then. Page change: the two begin in different pages of 4 KiB.
// Back references (strength weak in native heaps) are no steps.
//
// Where an object lies is kept in 4 bytes: granules of 8 bytes, gaps of more than 1 MiB shortened, the place in the
// page kept. Beyond 32 GiB of objects, what follows is left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "queries/heap_graph.h"
#include "queries/results.h"

namespace analyzer {

struct Locality {
  std::vector<queries::LocalityRow> pairs;
  std::vector<queries::WalkRow> walks;
  std::vector<queries::MetricRow> metrics;
};

inline constexpr std::uint32_t least_elements = 256;  ///< of a walk that is worth a row

/// `dominator`: queries::Results::dominator. `row_limit`: rows of pairs and of walks. Pairs of at most two million
/// objects, evenly spread. O(n + m + elements log elements); work memory 4 bytes per object and 2 bits.
[[nodiscard]] Locality find_locality(const queries::Snapshot& snapshot, const queries::HeapGraph& graph,
                                     const std::vector<queries::ObjectId>& dominator, std::size_t row_limit);

}  // namespace analyzer

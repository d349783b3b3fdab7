// Objects with equal content: strings, and primitive arrays that no string owns. Equal means same class and same 64-bit
// hash of the content (the importer's).
//
// Only live objects count: a second copy that is garbage already wastes nothing. A string's bytes are its own and its
// array's; an array that several equal strings share (string deduplication) counts once, one that other strings use too
// (substrings of old JDKs and Androids) not at all.
// Deterministic: O(d log d) for d objects of repeated content; work memory for the largest group only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "queries/heap_graph.h"
#include "queries/results.h"
#include "queries/snapshot.h"

namespace analyzer {

struct Duplicates {
  std::vector<queries::DuplicateRow> rows;  ///< most wasteful first, ties by example; at most `limit`; without text
  std::uint64_t groups = 0;                 ///< all of them
  std::uint64_t wasted_bytes = 0;           ///< of all groups
  std::uint64_t string_wasted_bytes = 0;    ///< of the groups of strings
};

/// `live`: the objects that count.
[[nodiscard]] Duplicates find_duplicates(const queries::Snapshot& snapshot, const queries::HeapGraph& graph,
                                         const queries::Bitmap& live, std::size_t limit);

}  // namespace analyzer

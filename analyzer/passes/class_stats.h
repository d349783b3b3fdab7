// Per class: how many, how big, how many of them live, and what the instances retain as a set. Instances only: the
// class object and what its statics hold are not part of the set (Eclipse MAT includes them).
// One sweep over the objects and one over the dominator tree. O(n).
#pragma once

#include <span>
#include <vector>

#include "queries/columns.h"
#include "queries/results.h"
#include "queries/snapshot.h"

namespace analyzer {

/// `tree`: live objects in preorder of the dominator tree. A row for every class, in class order; live = in `tree`.
[[nodiscard]] std::vector<queries::ClassStatRow> find_class_stats(const queries::Snapshot& snapshot,
                                                                  std::span<const queries::ObjectId> tree,
                                                                  std::span<const queries::ObjectId> dominator,
                                                                  std::span<const std::uint64_t> retained);

}  // namespace analyzer

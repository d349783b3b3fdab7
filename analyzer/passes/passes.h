// What the heap means: runs the passes over an imported snapshot, in an order that keeps the peak of memory low, and
// collects what they found in the shape the store writes.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "queries/heap_graph.h"
#include "queries/object_details.h"
#include "queries/results.h"
#include "queries/snapshot.h"

namespace analyzer {

struct PassOptions {
  /// What keeps an object alive: dominators, retained sizes and "live" follow these strengths. queries::follow_all =
  /// --weak=follow, as Eclipse MAT.
  queries::Follow follow = queries::follow_collector;
  unsigned threads = 1;  ///< results do not depend on it
  /// (phase, done, total) as each pass begins and ends. May be empty.
  std::function<void(std::string_view phase, std::uint64_t done, std::uint64_t total)> progress;
  bool components = true;
  bool duplicates = true;
  std::size_t row_limit = 10'000;                   ///< rows of components and of duplicates; totals are of all
  const queries::ObjectDetails* details = nullptr;  ///< for the text of duplicate strings; nullptr = without
};

/// O((n + m) log n). Peak beyond the snapshot, results (17 bytes per object) included: about 21 bytes per object, in
/// the dominators pass and once more in reachability, when most results are there.
[[nodiscard]] queries::Results run_passes(const queries::Snapshot& snapshot, const PassOptions& options);

}  // namespace analyzer

// Several databases or dumps of one program, one moment each → the series that their figures make, as a snapshot of its
// own: growth of the heap, of its metrics, of every class or allocation site. `heapql trend`.
#pragma once

#include <span>
#include <string>

#include "analyzer/passes/growth.h"
#include "queries/database.h"
#include "queries/results.h"
#include "queries/snapshot.h"

namespace analyzer {

struct TrendMoment {
  std::string name;  ///< as the user named it
  const queries::Database* database = nullptr;
};

struct Trend {
  queries::Snapshot snapshot;  ///< with a profile: series, growth, and the records of profiles
  queries::Results results;    ///< the newest moment's metrics, and growth.*
};

/// Moments in the order given, or by the time at which they were taken where all say it. At least two. O(rows of class
/// statistics and sites). Throws UsageError when heaps and allocation profiles are mixed.
[[nodiscard]] Trend find_trend_of(std::span<const TrendMoment> moments, const GrowthOptions& options);

}  // namespace analyzer

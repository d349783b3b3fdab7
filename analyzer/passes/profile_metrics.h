// The metrics of an allocation profile by name (contract: design "Metrics"), for gates and reports.
#pragma once

#include <vector>

#include "queries/allocation_profile.h"
#include "queries/results.h"
#include "queries/snapshot.h"

namespace analyzer {

/// Totals of the newest record; what the record does not say has no row. `leaks.*`: what nothing points to where the
/// recorder looked (memcheck, LeakSanitizer), else what was live at the end; suppressed rows are counted apart.
/// O(rows).
[[nodiscard]] std::vector<queries::MetricRow> profile_metrics(const queries::AllocationProfile& profile,
                                                              const queries::Snapshot& snapshot);

}  // namespace analyzer

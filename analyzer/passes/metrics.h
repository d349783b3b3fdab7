// The heap's metrics by name (contract: design "Metrics"), for gates and reports.
#pragma once

#include <cstdint>
#include <vector>

#include "analyzer/passes/components.h"
#include "analyzer/passes/duplicates.h"
#include "queries/results.h"
#include "queries/snapshot.h"

namespace analyzer {

/// `live` = follows what PassOptions::follow follows; the other objects are counted under how they are reachable, so
/// live + weak + final + phantom + unreachable = total. O(n).
[[nodiscard]] std::vector<queries::MetricRow> heap_metrics(const queries::Snapshot& snapshot,
                                                           const queries::Bitmap& live,
                                                           const std::vector<queries::Reachability>& reachability);
[[nodiscard]] std::vector<queries::MetricRow> component_metrics(const ComponentTotals& totals);
[[nodiscard]] std::vector<queries::MetricRow> leak_metrics(const std::vector<queries::LeakRow>& leaks);
/// How much of a native heap is typed by which evidence: "types.debug_info_bytes" and "…_count" for each
/// ClassRow::source that there is. They sum to the heap. O(n).
[[nodiscard]] std::vector<queries::MetricRow> type_metrics(const queries::Snapshot& snapshot);
/// "layout.wasted_bytes" and so on: sums over the types whose layout is known; nothing where none is.
/// "layout.shared_line_count": of processes, lines of medium confidence and more. O(types + lines).
[[nodiscard]] std::vector<queries::MetricRow> layout_metrics(const queries::Snapshot& snapshot);
[[nodiscard]] std::vector<queries::MetricRow> duplicate_metrics(const Duplicates& duplicates);

}  // namespace analyzer

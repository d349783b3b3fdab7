// The histogram of a raw dump that was only counted: no graph, so no live, no retained bytes.
#pragma once

#include "analyzer/reports/report.h"
#include "analyzer/reports/reports.h"
#include "queries/snapshot.h"

namespace analyzer {

/// Needs Snapshot::histogram (ImportOptions::histogram_only). Classes by shallow bytes, the rest and a total.
[[nodiscard]] Report build_raw_histogram(const queries::Snapshot& snapshot, const ReportOptions& options);

}  // namespace analyzer

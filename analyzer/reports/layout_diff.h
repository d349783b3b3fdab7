// What changed in the layouts of types from one core or program to another.
#pragma once

#include <optional>

#include "analyzer/reports/reports.h"

namespace analyzer {

/// Types by name: size, holes and padding, how many objects there are and what they waste. Nothing where one of the two
/// knows no layouts. O(types).
[[nodiscard]] std::optional<Section> layout_diff(const queries::Database& before, const queries::Database& after,
                                                 const ReportOptions& options);

}  // namespace analyzer

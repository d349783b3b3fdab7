// The sections of the layout report. Each is empty (no name) where it has nothing to say.
#pragma once

#include <optional>

#include "analyzer/reports/layout_model.h"
#include "analyzer/reports/report.h"
#include "analyzer/reports/reports.h"

namespace analyzer {

/// Pictures of the types that waste most: each member, hole and cache line, with what it holds and what code does.
[[nodiscard]] std::optional<Section> type_pictures_section(const std::vector<LayoutType>& types,
                                                           const ReportOptions& options);
/// Members that hold the same everywhere, nothing, or less than their type.
[[nodiscard]] std::optional<Section> field_values_section(const std::vector<LayoutType>& types,
                                                          const ReportOptions& options);
/// Bytes that loops use beside bytes that no code was seen to use.
[[nodiscard]] std::optional<Section> hot_fields_section(const std::vector<LayoutType>& types,
                                                        const ReportOptions& options);
[[nodiscard]] std::optional<Section> containers_section(const queries::Database& database,
                                                        const ReportOptions& options);
/// Loops that use little of each element they pass.
[[nodiscard]] std::optional<Section> stride_loops_section(const queries::Database& database,
                                                          const std::vector<LayoutType>& types,
                                                          const ReportOptions& options);
/// Lines in which threads use different words, and one writes.
[[nodiscard]] std::optional<Section> shared_lines_section(const queries::Database& database,
                                                          const ReportOptions& options);
/// Walks over large structures, and how far objects lie from their owners.
[[nodiscard]] std::optional<Section> locality_section(const queries::Database& database, const ReportOptions& options);

}  // namespace analyzer

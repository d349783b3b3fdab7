// What the reports of allocation profiles share: their beginning, tables of sites, call paths and trees.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "analyzer/passes/site_figures.h"
#include "analyzer/reports/report.h"
#include "analyzer/reports/reports.h"
#include "queries/database.h"
#include "queries/load_profile.h"

namespace analyzer {

/// A report with its warnings (damage, sampling), and one section that says so when the database holds no allocations.
[[nodiscard]] Report begin_profile_report(const queries::Database& database, std::string name, std::string title);
/// Figures of the newest record; empty (and the report has said so) for a heap dump or a mere series.
[[nodiscard]] ProfileFigures figures_for(const queries::Database& database, Report& report,
                                         queries::ProfileParts parts = {.sizes = false});

/// --sort's figure or order; `otherwise` when none was asked for. Throws UsageError for an unknown word.
[[nodiscard]] SortOrder sort_order(const SiteOptions& options, std::string_view otherwise);
/// Figures of `names` that the record knows, the order's first.
[[nodiscard]] std::vector<const Figure*> known_figures(const ProfileFigures& figures, const SortOrder& order,
                                                       std::span<const std::string_view> names);

/// Sites bottom-up, by function or top-down, or the callers of a function, as the options ask, and the call paths of
/// the first sites.
void add_sites(const ProfileFigures& figures, const SortOrder& order, std::span<const std::string_view> columns,
               const ReportOptions& options, Report& report);
/// The table alone: rows + others = total for each figure.
[[nodiscard]] Table site_table(const ProfileFigures& figures, const SortOrder& order,
                               const std::vector<const Figure*>& columns, const std::vector<SiteGroup>& groups,
                               std::size_t rows);

/// "± 12 %" or "".
[[nodiscard]] std::string error_text(const Figure& figure, const SiteSums& sums);
[[nodiscard]] std::string amount_text(const Figure& figure, std::int64_t value);
[[nodiscard]] Cell figure_cell(std::int64_t value);
/// How many samples of a sampled record are behind the figures of a size: of its allocations, or of what is live of it
/// where only that is known.
[[nodiscard]] std::int64_t samples_of(const queries::SiteSizeRow& row, double interval);
/// ± so many percent with 95 % confidence: 100 · 1.96 / √samples. Empty without samples.
[[nodiscard]] Cell error_cell(std::int64_t samples);

}  // namespace analyzer

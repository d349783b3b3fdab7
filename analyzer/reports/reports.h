// Every report that `heapql report --type` knows. A builder reads a database (a file, or the in-memory digest of
// `analyze`) and returns data; render.h turns data into bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "analyzer/passes/site_figures.h"
#include "analyzer/reports/report.h"
#include "queries/database.h"

namespace analyzer {

enum class SitesBy : std::uint8_t { bottom_up, top_down, function };

/// How reports of allocations sum and show call paths.
struct SiteOptions {
  SitesBy by = SitesBy::bottom_up;
  std::string callers_of;  ///< function whose callers are shown, "" = none
  std::string sort;        ///< figure, or one of DHAT's orders; "" = the report's own
  MergeBy merge = MergeBy::line;
  bool shorten_templates = false;
  std::size_t stack_depth = 12;     ///< frames of a path that are shown; 0 = all
  double pool_none_below = 10'000;  ///< allocations a second of one size
  double pool_pays_above = 100'000;
};

struct ReportOptions {
  std::size_t rows = 25;  ///< of each long table, the rest is summed in its "others" row; 0 = all
  SiteOptions sites = {};
};

/// Which inputs a report is of.
enum class ReportSubject : std::uint8_t { heap, profile, any };

struct ReportType {
  std::string_view name;
  std::string_view summary;
  ReportSubject subject;
  Report (*build)(const queries::Database& database, const ReportOptions& options);
};

[[nodiscard]] std::span<const ReportType> report_types();
/// nullptr: no such report.
[[nodiscard]] const ReportType* find_report_type(std::string_view name);

/// What `analyze` prints: leak suspects of a heap, a summary of an allocation profile, growth of a series.
[[nodiscard]] Report build_summary(const queries::Database& database, const ReportOptions& options);
/// The database holds allocations by site or memory over time, and no objects.
[[nodiscard]] bool is_profile(const queries::Database& database);
/// The database has the layouts of a program's types, and no heap.
[[nodiscard]] bool is_program(const queries::Database& database);
/// The database's input is what the report is of; else `why` says what it is and which reports it has.
[[nodiscard]] bool suits(const ReportType& type, const queries::Database& database, std::string& why);

// Each throws queries::QueryError when the database is not what it should be.
[[nodiscard]] Report build_overview(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_histogram(const queries::Database& database, const ReportOptions& options);
/// Needs a database with objects: one pass over the object table, about 0.1 µs per object.
[[nodiscard]] Report build_dominators(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_top_consumers(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_leak_suspects(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_threads(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_duplicates(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_unreachable(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_leaks(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_cycles(const queries::Database& database, const ReportOptions& options);
/// Of inputs that tell of their allocator (native cores); of others it says so.
[[nodiscard]] Report build_fragmentation(const queries::Database& database, const ReportOptions& options);
/// What types, members, loops and walks cost: of native cores with debugging information, and of JVM heaps.
[[nodiscard]] Report build_layout(const queries::Database& database, const ReportOptions& options);
/// Of inputs with several moments: traces, series of profiles, memory over time. O(rows of growth and series).
[[nodiscard]] Report build_growth(const queries::Database& database, const ReportOptions& options);

// Of allocation profiles; of heap dumps they say so. One pass over the rows of site_*: about 1 µs a row.
[[nodiscard]] Report build_allocation_summary(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_allocations(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_site_leaks(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_peak(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_temporary(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_lifetimes(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_sizes(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_timeline(const queries::Database& database, const ReportOptions& options);
[[nodiscard]] Report build_pools(const queries::Database& database, const ReportOptions& options);

}  // namespace analyzer

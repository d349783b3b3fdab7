// Every report that `heapql report --type` knows. A builder reads a database (a file, or the in-memory digest of
// `analyze`) and returns data; render.h turns data into bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "analyzer/reports/report.h"
#include "queries/database.h"

namespace analyzer {

struct ReportOptions {
  std::size_t rows = 25;  ///< of each long table, the rest is summed in its "others" row; 0 = all
};

struct ReportType {
  std::string_view name;
  std::string_view summary;
  Report (*build)(const queries::Database& database, const ReportOptions& options);
};

[[nodiscard]] std::span<const ReportType> report_types();
/// nullptr: no such report.
[[nodiscard]] const ReportType* find_report_type(std::string_view name);

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
/// Of inputs with several moments: traces, series of profiles, memory over time. O(rows of growth and series).
[[nodiscard]] Report build_growth(const queries::Database& database, const ReportOptions& options);

}  // namespace analyzer

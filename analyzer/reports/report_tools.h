// What the builders share: named queries by name, damage first, and tables cut to a number of rows without losing sums.
#pragma once

#include "analyzer/reports/report.h"
#include "queries/database.h"

namespace analyzer {

/// A statement of queries/sql/reports/NAME.sql.
[[nodiscard]] queries::Statement report_statement(const queries::Database& database, std::string_view name);
/// A report with the warnings that every report begins with: damage, reconstructed roots.
[[nodiscard]] Report begin_report(const queries::Database& database, std::string name, std::string title);

[[nodiscard]] Cell text_cell(const queries::Statement& row, int column);
[[nodiscard]] Cell integer_cell(const queries::Statement& row, int column);
[[nodiscard]] inline Cell cell(std::uint64_t value) { return static_cast<std::int64_t>(value); }
[[nodiscard]] inline Cell cell(std::string value) { return Cell(std::move(value)); }
[[nodiscard]] std::int64_t integer_of(const Cell& cell);

/// Sums `summed_columns` of all rows into the total row, then keeps the first `rows` (0 = all) and sums the rest into
/// the "others" row. Call with every row present.
void total_and_cut(Table& table, std::size_t rows);
/// The total is known from elsewhere (rows are only the largest): others = total - listed.
void cut_to_total(Table& table, std::size_t rows, const std::vector<Cell>& total);

[[nodiscard]] Fact metric_fact(const queries::Database& database, std::string_view metric, std::string label,
                               CellFormat format);
[[nodiscard]] std::int64_t metric_integer(const queries::Database& database, std::string_view metric);
/// "1.2 MiB" and "1,234" of figures of a database.
[[nodiscard]] std::string bytes_text(std::int64_t bytes);
[[nodiscard]] std::string count_text(std::int64_t count);  ///< less than 0 = 0
[[nodiscard]] double percent_of(double part, double whole);

}  // namespace analyzer

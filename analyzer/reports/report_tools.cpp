#include "analyzer/reports/report_tools.h"

#include <algorithm>
#include <cmath>

#include "analyzer/quantities.h"
#include "queries/named_queries.h"

namespace analyzer {

namespace {

std::string others_label(std::size_t count) { return "[" + format_count(count) + " others]"; }

void set_label(std::vector<Cell>& row, std::string label) {
  if (!row.empty() && std::holds_alternative<std::monostate>(row[0])) row[0] = std::move(label);
}

Cell add(const Cell& a, const Cell& b, int sign) {
  if (std::holds_alternative<double>(a) || std::holds_alternative<double>(b)) {
    const auto real = [](const Cell& c) {
      const double* value = std::get_if<double>(&c);
      return value != nullptr ? *value : static_cast<double>(integer_of(c));
    };
    return real(a) + sign * real(b);
  }
  return integer_of(a) + sign * integer_of(b);
}

}  // namespace

queries::Statement report_statement(const queries::Database& database, std::string_view name) {
  std::string key(name);
  for (char& c : key) c = c == '_' ? '-' : c;
  const queries::NamedQuery* query = queries::find_named_query(key);
  if (query == nullptr) throw queries::QueryError("no embedded query " + key);
  return database.prepare(query->sql);
}

Report begin_report(const queries::Database& database, std::string name, std::string title) {
  Report report;
  report.name = std::move(name);
  report.title = std::move(title);
  queries::Statement snapshot = report_statement(database, "report_snapshot");
  if (snapshot.step()) {
    const std::int64_t count = snapshot.integer(8);
    if (count > 0) {
      report.warnings.push_back("the input is damaged: " + format_size(static_cast<double>(snapshot.integer(7))) +
                                " in " + format_count(static_cast<std::uint64_t>(count)) +
                                (count == 1 ? " place" : " places") +
                                " could not be used; what follows is of the rest");
      queries::Statement damage = report_statement(database, "report_damage");
      for (int i = 0; i < 3 && damage.step(); ++i) {
        report.warnings.push_back("damage at offset " + damage.text(0) + ": " + damage.text(2));
      }
    }
  }
  const auto reconstructed = database.meta("roots.reconstructed");
  if (reconstructed && *reconstructed != "0" && *reconstructed != "false") {
    report.warnings.emplace_back(
        "the dump has no roots (it was cut off before they were written): roots were reconstructed from classes, "
        "static "
        "fields, threads and loaders, so reachability and retained sizes are approximate");
  }
  return report;
}

Cell text_cell(const queries::Statement& row, int column) {
  if (row.is_null(column)) return {};
  return row.text(column);
}

Cell integer_cell(const queries::Statement& row, int column) {
  if (row.is_null(column)) return {};
  return row.integer(column);
}

std::int64_t integer_of(const Cell& cell) {
  const std::int64_t* value = std::get_if<std::int64_t>(&cell);
  return value != nullptr ? *value : 0;
}

void cut_to_total(Table& table, std::size_t rows, const std::vector<Cell>& total) {
  table.total = total;
  set_label(table.total, "TOTAL");
  const std::size_t all = table.rows.size();
  if (rows != 0 && all > rows) table.rows.resize(rows);
  std::vector<Cell> others(table.columns.size());
  bool any = table.rows.size() < all;
  for (const std::size_t column : table.summed_columns) {
    Cell rest = total[column];
    for (const std::vector<Cell>& row : table.rows) rest = add(rest, row[column], -1);
    others[column] = rest;
    const double* real = std::get_if<double>(&rest);
    any = any || (real != nullptr ? std::fabs(*real) > 1e-6 : integer_of(rest) != 0);
  }
  if (!any) return;
  set_label(others, all > table.rows.size() ? others_label(all - table.rows.size()) : "[others]");
  table.others = std::move(others);
}

void total_and_cut(Table& table, std::size_t rows) {
  std::vector<Cell> total(table.columns.size());
  for (const std::size_t column : table.summed_columns) {
    total[column] = std::int64_t{0};
    for (const std::vector<Cell>& row : table.rows) total[column] = add(total[column], row[column], 1);
  }
  cut_to_total(table, rows, total);
}

Fact metric_fact(const queries::Database& database, std::string_view metric, std::string label, CellFormat format) {
  Fact fact;
  fact.name = metric;
  fact.label = std::move(label);
  fact.format = format;
  if (const auto value = database.metric(metric)) {
    if (format == CellFormat::percent || format == CellFormat::real) {
      fact.value = *value;
    } else {
      fact.value = static_cast<std::int64_t>(*value);
    }
  }
  return fact;
}

std::int64_t metric_integer(const queries::Database& database, std::string_view metric) {
  return static_cast<std::int64_t>(database.metric(metric).value_or(0));
}

double percent_of(double part, double whole) { return whole > 0 ? 100.0 * part / whole : 0; }

std::string bytes_text(std::int64_t bytes) { return format_size(static_cast<double>(bytes)); }

std::string count_text(std::int64_t count) {
  return format_count(static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0)));
}

}  // namespace analyzer

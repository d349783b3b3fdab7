// Reports from the class statistics alone: overview, histogram, unreachable. No query touches the object table.
#include <algorithm>

#include "analyzer/quantities.h"
#include "analyzer/reports/process_sections.h"
#include "analyzer/reports/report_tools.h"
#include "analyzer/reports/reports.h"
#include "queries/snapshot.h"

namespace analyzer {

namespace {

Section& add_section(Report& report, std::string name, std::string title) {
  report.sections.emplace_back();
  report.sections.back().name = std::move(name);
  report.sections.back().title = std::move(title);
  return report.sections.back();
}

void sort_by(Table& table, std::size_t column) {
  std::stable_sort(table.rows.begin(), table.rows.end(),
                   [&](const auto& a, const auto& b) { return integer_of(a[column]) > integer_of(b[column]); });
}

Table class_table(const queries::Database& database) {
  Table table;
  table.name = "classes";
  table.columns = {{"class", CellFormat::text},          {"object_count", CellFormat::integer},
                   {"shallow_bytes", CellFormat::bytes}, {"live_count", CellFormat::integer},
                   {"live_bytes", CellFormat::bytes},    {"retained_bytes", CellFormat::bytes},
                   {"class_loader", CellFormat::text}};
  table.summed_columns = {1, 2, 3, 4};
  queries::Statement row = report_statement(database, "report_classes");
  bool native = false;
  while (row.step()) {
    if (row.integer(3) == 0) continue;
    const bool is_block = row.integer(9) == static_cast<int>(queries::ClassKind::block);
    native = native || is_block;
    table.rows.push_back({text_cell(row, 1), integer_cell(row, 3), integer_cell(row, 4), integer_cell(row, 5),
                          integer_cell(row, 6), integer_cell(row, 7), text_cell(row, is_block ? 8 : 2)});
  }
  if (native) table.columns.back().name = "known_by";  // native types have no loader, but evidence
  return table;
}

}  // namespace

Report build_histogram(const queries::Database& database, const ReportOptions& options) {
  Report report = begin_report(database, "histogram", "Class histogram");
  Section& section = add_section(report, "histogram", "");
  Table table = class_table(database);
  sort_by(table, 2);
  total_and_cut(table, options.rows);
  section.paragraphs.emplace_back(
      "live_bytes: shallow bytes of objects that roots hold. retained_bytes: what would be freed with all instances of "
      "the class, so nested classes share bytes and the column has no sum.");
  section.tables.push_back(std::move(table));
  return report;
}

Report build_unreachable(const queries::Database& database, const ReportOptions& options) {
  Report report = begin_report(database, "unreachable", "Objects that are not live");
  Section& section = add_section(report, "unreachable", "");
  Table by_strength;
  by_strength.name = "reachability";
  by_strength.title = "By what still holds them";
  by_strength.columns = {
      {"held_by", CellFormat::text}, {"object_count", CellFormat::integer}, {"shallow_bytes", CellFormat::bytes}};
  by_strength.summed_columns = {1, 2};
  for (const auto& [metric, label] :
       {std::pair{"unreachable", "nothing (garbage)"}, std::pair{"weak", "weak references"},
        std::pair{"final", "finalizers"}, std::pair{"phantom", "phantom references"}}) {
    const std::string name = std::string("heap.") + metric;
    by_strength.rows.push_back(
        {std::string(label), metric_integer(database, name + "_count"), metric_integer(database, name + "_bytes")});
  }
  total_and_cut(by_strength, 0);
  section.tables.push_back(std::move(by_strength));

  const Table all = class_table(database);
  Table table;
  table.name = "classes";
  table.title = "By class";
  table.columns = {
      {"class", CellFormat::text}, {"object_count", CellFormat::integer}, {"shallow_bytes", CellFormat::bytes}};
  table.summed_columns = {1, 2};
  for (const std::vector<Cell>& row : all.rows) {
    const std::int64_t count = integer_of(row[1]) - integer_of(row[3]);
    if (count > 0) table.rows.push_back({row[0], count, integer_of(row[2]) - integer_of(row[4])});
  }
  sort_by(table, 2);
  total_and_cut(table, options.rows);
  section.tables.push_back(std::move(table));
  return report;
}

Report build_overview(const queries::Database& database, const ReportOptions& options) {
  if (is_profile(database)) {
    Report report = build_allocation_summary(database, options);
    report.name = "overview";
    return report;
  }
  Report report = begin_report(database, "overview", "Heap overview");
  Section& section = add_section(report, "heap", "");
  queries::Statement row = report_statement(database, "report_snapshot");
  if (row.step()) {
    section.facts.push_back({"path", "input", text_cell(row, 0), CellFormat::text});
    section.facts.push_back({"format", "format", text_cell(row, 1), CellFormat::text});
    section.facts.push_back({"runtime", "runtime", text_cell(row, 2), CellFormat::text});
    section.facts.push_back({"pointer_size", "pointer size", integer_cell(row, 3), CellFormat::integer});
    section.facts.push_back({"taken_at", "taken at", text_cell(row, 4), CellFormat::text});
  }
  section.facts.push_back(metric_fact(database, "heap.live_bytes", "live", CellFormat::bytes));
  section.facts.push_back(metric_fact(database, "heap.live_count", "live objects", CellFormat::integer));
  section.facts.push_back(metric_fact(database, "cycles.count", "reference cycles", CellFormat::integer));
  section.facts.push_back(
      metric_fact(database, "duplicates.wasted_bytes", "wasted by equal strings and arrays", CellFormat::bytes));
  section.facts.push_back(metric_fact(database, "suspects.count", "leak suspects", CellFormat::integer));
  Table reach;
  reach.name = "reachability";
  reach.title = "By reachability";
  reach.columns = {{"reachability", CellFormat::text},
                   {"object_count", CellFormat::integer},
                   {"shallow_bytes", CellFormat::bytes},
                   {"percent", CellFormat::percent}};
  reach.summed_columns = {1, 2};
  const auto total = static_cast<double>(metric_integer(database, "heap.total_bytes"));
  const auto add_row = [&](std::string kind, std::int64_t count, std::int64_t bytes) {
    reach.rows.push_back({std::move(kind), count, bytes, percent_of(static_cast<double>(bytes), total)});
  };
  // What the program itself frees is leaked, not garbage; and nothing of it is held in a collector's weaker ways.
  const bool is_native = database.metric("leaks.possible_count").has_value();
  const std::int64_t possible_count = metric_integer(database, "leaks.possible_count");
  const std::int64_t possible_bytes = metric_integer(database, "leaks.possible_bytes");
  for (const std::string kind : {"live", "weak", "final", "phantom", "unreachable"}) {
    const std::int64_t count = metric_integer(database, "heap." + kind + "_count");
    const std::int64_t bytes = metric_integer(database, "heap." + kind + "_bytes");
    if (is_native && kind == "live") {
      add_row("live", count - possible_count, bytes - possible_bytes);
      add_row("possibly leaked", possible_count, possible_bytes);
    } else if (is_native && kind == "unreachable") {
      add_row("leaked", count, bytes);
    } else if (!is_native || count != 0) {
      add_row(kind, count, bytes);
    }
  }
  cut_to_total(
      reach, 0,
      {Cell(), metric_integer(database, "heap.object_count"), metric_integer(database, "heap.total_bytes"), Cell()});
  section.tables.push_back(std::move(reach));

  for (Section& part : process_sections(database, options)) report.sections.push_back(std::move(part));
  Section& suspects = add_section(report, "suspects", "Leak suspects");
  queries::Statement suspect = report_statement(database, "report_suspects");
  while (suspect.step()) {
    suspects.paragraphs.push_back(std::to_string(suspects.paragraphs.size() + 1) + ". " + suspect.text(3));
  }
  if (suspects.paragraphs.empty()) suspects.paragraphs.emplace_back("No leak suspect was found.");

  Section& classes = add_section(report, "classes", "Largest classes");
  Table table = class_table(database);
  sort_by(table, 2);
  total_and_cut(table, options.rows == 0 ? 0 : std::min<std::size_t>(options.rows, 10));
  classes.tables.push_back(std::move(table));
  return report;
}

}  // namespace analyzer

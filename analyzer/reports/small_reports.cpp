// threads, duplicates, cycles: reports from the small tables.
#include <map>

#include "analyzer/quantities.h"
#include "analyzer/reports/report_tools.h"
#include "analyzer/reports/reports.h"
#include "queries/ids.h"

namespace analyzer {

namespace {

std::string frame_line(const queries::Statement& frame) {
  std::string text = "at " + frame.text(1);
  std::string where = frame.text(2);
  if (!frame.is_null(3) && frame.integer(3) > 0) where += ':' + frame.text(3);
  if (!frame.is_null(3) && frame.integer(3) == -3) where = "native method";
  if (!where.empty()) text += " (" + where + ')';
  return text;
}

}  // namespace

Report build_threads(const queries::Database& database, const ReportOptions& options) {
  Report report = begin_report(database, "threads", "Threads");
  Section overview;
  overview.name = "threads";
  Table table;
  table.name = "threads";
  table.columns = {{"thread", CellFormat::text},
                   {"class", CellFormat::text},
                   {"state", CellFormat::text},
                   {"retained_bytes", CellFormat::bytes},
                   {"frames", CellFormat::integer}};
  std::vector<Section> stacks;
  queries::Statement row = report_statement(database, "report_threads");
  while (row.step()) {
    Section stack;
    stack.name = "thread_" + row.text(0);
    stack.title = row.text(1).empty() ? "thread " + row.text(0) : row.text(1);
    if (!row.is_null(2)) stack.title += " (" + row.text(2) + ')';
    std::int64_t frames = 0;
    std::map<std::int64_t, std::vector<std::string>> held;
    Table locals;
    locals.name = "locals";
    locals.columns = {{"class", CellFormat::text},
                      {"object_id", CellFormat::text},
                      {"address", CellFormat::address},
                      {"retained_bytes", CellFormat::bytes},
                      {"frame_id", CellFormat::text}};
    locals.data_only = true;
    queries::Statement local = report_statement(database, "report_locals");
    local.bind("thread", row.integer(0));
    while (local.step()) {
      locals.rows.push_back({text_cell(local, 2), integer_cell(local, 1), integer_cell(local, 3),
                             integer_cell(local, 4), integer_cell(local, 0)});
      held[local.is_null(0) ? -1 : local.integer(0)].push_back("local " + local.text(2) + " #" + local.text(1) +
                                                               ", retains " +
                                                               format_size(static_cast<double>(local.integer(4))));
    }
    if (!row.is_null(4)) {
      queries::Statement frame = report_statement(database, "report_frames");
      frame.bind("stack", row.integer(4));
      while (frame.step()) {
        ++frames;
        stack.preformatted.push_back(frame_line(frame));
        for (const std::string& line : held[frame.integer(0)]) stack.preformatted.push_back("    " + line);
        held.erase(frame.integer(0));
      }
    }
    for (const auto& [id, lines] : held) {
      for (const std::string& line : lines) stack.preformatted.push_back(line);
    }
    if (!locals.rows.empty()) stack.tables.push_back(std::move(locals));
    table.rows.push_back({text_cell(row, 1), text_cell(row, 6), text_cell(row, 2), integer_cell(row, 5), frames});
    if (!stack.preformatted.empty() && (options.rows == 0 || stacks.size() < options.rows)) {
      stacks.push_back(std::move(stack));
    }
  }
  if (table.rows.empty()) overview.paragraphs.emplace_back("The dump has no threads.");
  overview.tables.push_back(std::move(table));
  overview.sections = std::move(stacks);
  report.sections.push_back(std::move(overview));
  return report;
}

Report build_duplicates(const queries::Database& database, const ReportOptions& options) {
  Report report = begin_report(database, "duplicates", "Equal strings and primitive arrays");
  Section section;
  section.name = "duplicates";
  section.facts.push_back(
      metric_fact(database, "duplicates.string_wasted_bytes", "of it in strings", CellFormat::bytes));
  Table table;
  table.name = "duplicates";
  table.columns = {{"value", CellFormat::text},           {"class", CellFormat::text},
                   {"object_count", CellFormat::integer}, {"bytes_each", CellFormat::bytes},
                   {"wasted_bytes", CellFormat::bytes},   {"example_id", CellFormat::text}};
  table.summed_columns = {4};
  queries::Statement row = report_statement(database, "report_duplicates");
  while (row.step()) {
    table.rows.push_back({row.integer(0) != 0 ? Cell('"' + row.text(1) + '"') : Cell(), text_cell(row, 2),
                          integer_cell(row, 3), integer_cell(row, 4), integer_cell(row, 5), integer_cell(row, 6)});
  }
  cut_to_total(table, options.rows,
               {Cell(), Cell(), Cell(), Cell(), metric_integer(database, "duplicates.wasted_bytes"), Cell()});
  if (table.rows.empty()) section.paragraphs.emplace_back("No two objects with equal content were found.");
  section.tables.push_back(std::move(table));
  report.sections.push_back(std::move(section));
  return report;
}

Report build_cycles(const queries::Database& database, const ReportOptions& options) {
  Report report = begin_report(database, "cycles", "Reference cycles");
  Section section;
  section.name = "cycles";
  section.facts.push_back(metric_fact(database, "cycles.count", "cycles", CellFormat::integer));
  section.facts.push_back(metric_fact(database, "cycles.unreachable_bytes", "in garbage", CellFormat::bytes));
  section.facts.push_back(metric_fact(database, "cycles.finalizer_bytes", "with a finalizer", CellFormat::bytes));
  Table table;
  table.name = "cycles";
  table.columns = {{"largest_member", CellFormat::text}, {"object_count", CellFormat::integer},
                   {"shallow_bytes", CellFormat::bytes}, {"retained_bytes", CellFormat::bytes},
                   {"reachability", CellFormat::text},   {"has_finalizer", CellFormat::text},
                   {"example_id", CellFormat::text}};
  table.summed_columns = {1, 2};
  queries::Statement row = report_statement(database, "report_components");
  while (row.step()) {
    const auto reach = static_cast<queries::Reachability>(row.integer(5));
    table.rows.push_back({text_cell(row, 1), integer_cell(row, 2), integer_cell(row, 3), integer_cell(row, 4),
                          std::string(queries::to_text(reach)), std::string(row.integer(6) != 0 ? "yes" : "no"),
                          integer_cell(row, 7)});
  }
  const std::int64_t count = metric_integer(database, "cycles.count");
  if (count > static_cast<std::int64_t>(table.rows.size())) {
    section.paragraphs.push_back("Only the largest " + format_count(table.rows.size()) + " of " +
                                 format_count(static_cast<std::uint64_t>(count)) +
                                 " cycles were stored; the total is of those.");
  }
  total_and_cut(table, options.rows);
  section.tables.push_back(std::move(table));
  report.sections.push_back(std::move(section));
  return report;
}

}  // namespace analyzer

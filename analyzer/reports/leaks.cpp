// leaks: what a program that frees its memory itself has lost, and what it has possibly lost.
#include "analyzer/quantities.h"
#include "analyzer/reports/report_tools.h"
#include "analyzer/reports/reports.h"

namespace analyzer {
namespace {

/// One row per group of heads; "300 times" is the number of heads in a cycle.
Table leak_table(const queries::Database& database, const char* certainty, const char* name, std::size_t rows) {
  const bool is_possible = std::string_view(name) == "possible_leaks";
  Table table;
  table.name = name;
  table.columns = {{"head_class", CellFormat::text},     {"head_count", CellFormat::integer},
                   {"in_cycle", CellFormat::integer},    {"object_count", CellFormat::integer},
                   {"shallow_bytes", CellFormat::bytes}, {"example_id", CellFormat::text}};
  if (is_possible) table.columns.push_back({"held_by", CellFormat::text});
  table.summed_columns = {1, 2, 3, 4};
  queries::Statement row = report_statement(database, "report_leaks");
  row.bind("certainty", std::string_view(certainty));
  while (row.step()) {
    table.rows.push_back({text_cell(row, 0), integer_cell(row, 1), integer_cell(row, 2), integer_cell(row, 3),
                          integer_cell(row, 4), integer_cell(row, 5)});
    if (is_possible) table.rows.back().push_back(text_cell(row, 7));
  }
  total_and_cut(table, rows);
  return table;
}

/// "std::shared_ptr cycle: A+0x8 ↔ B+0x8, 300 times".
std::vector<std::string> cycles(const queries::Database& database, const char* certainty, std::size_t most) {
  std::vector<std::string> lines;
  queries::Statement row = report_statement(database, "report_leaks");
  row.bind("certainty", std::string_view(certainty));
  while (row.step()) {
    if (row.is_null(6) || (most != 0 && lines.size() >= most)) continue;
    const auto times = static_cast<std::uint64_t>(row.integer(2));
    lines.push_back(row.text(6) + ", " + (times == 1 ? "once" : format_count(times) + " times"));
  }
  return lines;
}

/// "#12, a Node: thread 3 still has it in the dead part of its stack, left by a call of forget() from work()".
std::vector<std::string> last_holders(const queries::Database& database) {
  constexpr std::size_t most = 10;
  std::vector<std::string> lines;
  std::int64_t last = -1;
  queries::Statement row = report_statement(database, "report_stale_words");
  row.bind("certainty", std::string_view("leaked"));
  while (row.step() && lines.size() < most) {
    if (row.integer(0) == last || (row.is_null(3) && row.is_null(4))) continue;
    last = row.integer(0);
    std::string line = "#" + std::to_string(last) + " (" + row.text(1) +
                       ") is still in the dead part of the stack of thread " + std::to_string(row.integer(2)) +
                       ", left by a call";
    if (!row.is_null(3)) line += " of " + row.text(3);
    if (!row.is_null(4)) line += " from " + row.text(4);
    lines.push_back(line + ": it may have lost it.");
  }
  return lines;
}

Section leaked_section(const queries::Database& database, std::size_t rows) {
  Section section;
  section.name = "leaks";
  section.facts.push_back(metric_fact(database, "leaks.bytes", "leaked", CellFormat::bytes));
  section.facts.push_back(metric_fact(database, "leaks.count", "leaked blocks", CellFormat::integer));
  section.facts.push_back(metric_fact(database, "leaks.head_count", "leak heads", CellFormat::integer));
  section.paragraphs.emplace_back(
      metric_integer(database, "leaks.count") == 0
          ? "No block was found that nothing points to."
          : "Blocks that no register, stack, static or live block points to, by the class of the leak head that "
            "holds them: free the heads and what they hold, and all of it is back. in_cycle: heads that are "
            "members of a cycle, such as shared_ptr cycles and doubly-linked lists.");
  section.preformatted = cycles(database, "leaked", rows);
  for (std::string& line : last_holders(database)) section.paragraphs.push_back(std::move(line));
  section.tables.push_back(leak_table(database, "leaked", "leaks", rows));
  return section;
}

/// "3 std::map/set node (288 B): only stack sp+0x40 in main of thread 12: interior pointer. The largest is #42."
std::vector<std::string> reasons(const queries::Database& database) {
  constexpr std::size_t most = 10;
  std::vector<std::string> lines;
  queries::Statement row = report_statement(database, "report_leaks");
  row.bind("certainty", std::string_view("possibly leaked"));
  while (row.step() && lines.size() < most) {
    if (row.is_null(7)) continue;
    lines.push_back(format_count(static_cast<std::uint64_t>(row.integer(1))) + ' ' + row.text(0) + ", " +
                    format_size(static_cast<double>(row.integer(4))) + " with what they hold: #" + row.text(5) +
                    " is held only by " + row.text(7) + '.');
  }
  return lines;
}

Section possible_section(const queries::Database& database, std::size_t rows) {
  Section section;
  section.name = "possible_leaks";
  section.title = "Possibly leaked";
  section.facts.push_back(metric_fact(database, "leaks.possible_bytes", "possibly leaked", CellFormat::bytes));
  section.facts.push_back(metric_fact(database, "leaks.possible_count", "possibly leaked blocks", CellFormat::integer));
  section.paragraphs.emplace_back(
      "Blocks that are held, but only by words that may be no pointers, or not the ones that own: pointers into the "
      "inside of a block without a reason for it, ends of texts, elements whose container is lost, memory of unknown "
      "use, leftovers below a stack pointer or in a vector register. The largest groups, with the word that holds "
      "one:");
  section.preformatted = cycles(database, "possibly leaked", rows);
  for (std::string& line : reasons(database)) section.paragraphs.push_back(std::move(line));
  section.tables.push_back(leak_table(database, "possibly leaked", "possible_leaks", rows));
  return section;
}

}  // namespace

Report build_leaks(const queries::Database& database, const ReportOptions& options) {
  if (is_profile(database)) return build_site_leaks(database, options);
  Report report = begin_report(database, "leaks", "Leaks");
  if (!database.metric("leaks.count")) {
    Section section;
    section.name = "leaks";
    section.paragraphs.emplace_back(
        "This heap is collected: what nothing reaches is garbage, not a leak (`heapql report --type unreachable`). A "
        "leak here is what is held too long: see `--type leak-suspects`.");
    report.sections.push_back(std::move(section));
    return report;
  }
  report.sections.push_back(leaked_section(database, options.rows));
  if (metric_integer(database, "leaks.possible_count") != 0) {
    report.sections.push_back(possible_section(database, options.rows));
  }
  return report;
}

}  // namespace analyzer

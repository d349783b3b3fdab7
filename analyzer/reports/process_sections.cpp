#include "analyzer/reports/process_sections.h"

#include <string_view>

#include "analyzer/quantities.h"
#include "analyzer/reports/report_tools.h"

namespace analyzer {
namespace {

Table mapping_table(std::string name, std::string title, std::string first_column) {
  Table table;
  table.name = std::move(name);
  table.title = std::move(title);
  table.columns = {{std::move(first_column), CellFormat::text},
                   {"mapping_count", CellFormat::integer},
                   {"bytes", CellFormat::bytes},
                   {"resident_bytes", CellFormat::bytes}};
  table.summed_columns = {1, 2, 3};
  return table;
}

Section memory_section(const queries::Database& database, std::size_t rows) {
  Section section;
  section.name = "memory";
  section.title = "Memory of the process";
  section.paragraphs.emplace_back(
      "resident_bytes: what the dump has of it; a kernel leaves out most of what can be read from files.");
  Table kinds = mapping_table("mappings", "By use", "kind");
  queries::Statement kind = report_statement(database, "report_mapping_kinds");
  while (kind.step()) {
    kinds.rows.push_back({text_cell(kind, 0), integer_cell(kind, 1), integer_cell(kind, 2), integer_cell(kind, 3)});
  }
  total_and_cut(kinds, 0);
  section.tables.push_back(std::move(kinds));
  for (const bool are_files : {false, true}) {
    Table names = are_files ? mapping_table("files", "By file", "path") : mapping_table("heaps", "Heaps", "allocator");
    if (are_files) names.columns.push_back({"module", CellFormat::text});
    queries::Statement name = report_statement(database, "report_mapping_names");
    name.bind("files", std::int64_t{are_files ? 1 : 0});
    while (name.step()) {
      names.rows.push_back({text_cell(name, 0), integer_cell(name, 1), integer_cell(name, 2), integer_cell(name, 3)});
      if (!are_files) continue;
      const std::string status = name.text(4);  // "found: /usr/lib/…, build-id …"
      names.rows.back().push_back(status.empty() ? Cell() : Cell(status.substr(0, status.find_first_of(":,"))));
    }
    total_and_cut(names, rows);
    section.tables.push_back(std::move(names));
  }
  return section;
}

Section threads_section(const queries::Database& database, std::size_t rows) {
  Section section;
  section.name = "threads";
  section.title = "Threads";
  Table table;
  table.name = "threads";
  table.columns = {{"thread", CellFormat::text},           {"stack_used_bytes", CellFormat::bytes},
                   {"stack_bytes", CellFormat::bytes},     {"frames", CellFormat::integer},
                   {"innermost_frames", CellFormat::text}, {"signal", CellFormat::text}};
  table.summed_columns = {1, 2, 3};
  queries::Statement row = report_statement(database, "report_thread_stacks");
  while (row.step()) {
    const bool has_signal = !row.is_null(7) && row.integer(7) != 0;
    table.rows.push_back({text_cell(row, 1), integer_cell(row, 3), integer_cell(row, 4), integer_cell(row, 5),
                          text_cell(row, 6), has_signal ? Cell("\u2190 signal " + row.text(7)) : Cell()});
  }
  total_and_cut(table, rows);
  section.paragraphs.emplace_back("`heapql report --type threads` has the whole stacks.");
  section.tables.push_back(std::move(table));
  return section;
}

/// Bytes by how their type is known: metrics types.RULE_bytes.
void add_type_shares(const queries::Database& database, std::vector<Section>& sections) {
  constexpr std::string_view prefix = "types.";
  constexpr std::string_view suffix = "_bytes";
  Table table;
  table.name = "types";
  table.columns = {
      {"known_by", CellFormat::text}, {"shallow_bytes", CellFormat::bytes}, {"percent", CellFormat::percent}};
  table.summed_columns = {1};
  double total = 0;
  queries::Statement metric = report_statement(database, "report_metrics");
  while (metric.step()) {
    const std::string name = metric.text(0);
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
    table.rows.push_back({name.substr(prefix.size(), name.size() - prefix.size() - suffix.size()),
                          static_cast<std::int64_t>(metric.real(1)), Cell()});
    total += metric.real(1);
  }
  if (table.rows.empty()) return;
  for (auto& row : table.rows) row[2] = percent_of(static_cast<double>(integer_of(row[1])), total);
  total_and_cut(table, 0);
  Section section;
  section.name = "types";
  section.title = "How the types of blocks are known";
  section.tables.push_back(std::move(table));
  sections.push_back(std::move(section));
}

}  // namespace

std::vector<Fact> process_facts(const queries::Database& database) {
  struct Row {
    std::string_view key;
    const char* label;
  };
  constexpr Row rows[] = {{"core.program", "program"}, {"core.arguments", "arguments"}, {"core.process_id", "process"},
                          {"core.signal", "signal"},   {"core.machine", "machine"},     {"core.threads", "threads"}};
  std::vector<Fact> facts;
  for (const Row& row : rows) {
    const std::string value = database.meta(row.key).value_or("");
    if (!value.empty()) facts.push_back({std::string(row.key.substr(5)), row.label, value, CellFormat::text});
  }
  if (facts.empty()) return facts;
  constexpr std::string_view allocator = "allocator.";
  queries::Statement meta = report_statement(database, "report_process");
  while (meta.step()) {
    const std::string key = meta.text(0);
    if (key.starts_with(allocator)) {
      facts.push_back({key, key.substr(allocator.size()), meta.text(1), CellFormat::text});
    } else if (key.starts_with("check.") && meta.text(1).find("the allocator counts") != std::string::npos) {
      facts.push_back({key, key.substr(6), meta.text(1), CellFormat::text});
    }
  }
  return facts;
}

std::vector<Section> process_sections(const queries::Database& database, const ReportOptions& options) {
  std::vector<Section> sections;
  std::vector<Fact> facts = process_facts(database);
  if (facts.empty()) return sections;
  Section process;
  process.name = "process";
  process.title = "Process";
  process.facts = std::move(facts);
  queries::Statement meta = report_statement(database, "report_process");
  while (meta.step()) {
    if (meta.text(0).starts_with("warning.")) process.paragraphs.push_back(meta.text(1));
  }
  sections.push_back(std::move(process));
  const std::size_t rows = options.rows == 0 ? 0 : std::min<std::size_t>(options.rows, 10);
  sections.push_back(threads_section(database, rows));
  sections.push_back(memory_section(database, rows));
  add_type_shares(database, sections);
  return sections;
}

}  // namespace analyzer

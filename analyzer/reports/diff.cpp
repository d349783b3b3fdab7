#include "analyzer/reports/diff.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "analyzer/commands/command.h"
#include "analyzer/quantities.h"
#include "analyzer/reports/block_diff.h"
#include "analyzer/reports/layout_diff.h"
#include "analyzer/reports/report_tools.h"
#include "analyzer/suspects/collections.h"
#include "analyzer/suspects/object_words.h"

namespace analyzer {

namespace {

struct ClassCounts {
  std::int64_t count = 0;
  std::int64_t bytes = 0;
  std::int64_t retained = 0;
};

struct Held {
  std::string text;
  std::int64_t bytes = 0;
};

template <typename T>
struct Pair {
  T before{};
  T after{};
  bool in_before = false;
  bool in_after = false;
};
template <typename T>
using Pairs = std::map<std::string, Pair<T>>;

bool is_native(const queries::Database& database) { return database.metric("leaks.count").has_value(); }

std::string status(bool in_before, bool in_after, std::int64_t delta) {
  if (!in_before) return "new";
  if (!in_after) return "gone";
  return delta > 0 ? "grown" : delta < 0 ? "shrunk" : "same";
}

void read_classes(const queries::Database& database, Pairs<ClassCounts>& pairs, bool is_after) {
  queries::Statement row = report_statement(database, "report_classes");
  while (row.step()) {
    if (row.integer(5) == 0) continue;
    Pair<ClassCounts>& pair = pairs[row.text(1)];
    ClassCounts& counts = is_after ? pair.after : pair.before;
    (is_after ? pair.in_after : pair.in_before) = true;
    counts.count += row.integer(5);
    counts.bytes += row.integer(6);
    counts.retained += row.integer(7);
  }
}

void read_suspects(const queries::Database& database, Pairs<Held>& pairs, bool is_after) {
  queries::Statement row = report_statement(database, "report_suspects");
  while (row.step()) {
    Pair<Held>& pair = pairs[row.text(10)];
    Held& held = is_after ? pair.after : pair.before;
    (is_after ? pair.in_after : pair.in_before) = true;
    held.text = row.text(3);
    held.bytes += row.integer(8);
  }
}

/// The class.field chain of each suspect's path, from the last static field on, collection internals folded.
void read_paths(const queries::Database& database, Pairs<Held>& pairs, bool is_after) {
  struct Step {
    std::string name, type;
    bool is_class;
  };
  std::map<std::int64_t, std::vector<Step>> paths;
  queries::Statement row = report_statement(database, "report_suspect_paths");
  while (row.step()) paths[row.integer(0)].push_back({row.text(2), row.text(3), row.integer(4) != 0});
  queries::Statement suspect = report_statement(database, "report_suspects");
  while (suspect.step()) {
    const auto found = paths.find(suspect.integer(0));
    if (found == paths.end()) continue;
    const std::vector<Step>& path = found->second;
    std::size_t start = 0;
    for (std::size_t at = path.size(); at-- > 0 && start == 0;) {
      if (path[at].is_class && (at + 1 == path.size() || !path[at + 1].name.starts_with('<'))) start = at;
    }
    std::string chain = path[start].is_class ? "" : path[start].name + ' ' + stable_class_name(path[start].type);
    for (std::size_t at = start; at + 1 < path.size(); ++at) {
      const std::string& name = path[at + 1].name;
      if (!path[at].is_class && (is_collection_internal(path[at].type) || name.starts_with('['))) continue;
      chain += (chain.empty() ? "" : " \u2192 ") + std::string(path[at].is_class ? "static " : "") +
               stable_class_name(path[at].type) + '.' + name;
    }
    const std::string& last = path.back().type;
    if (!is_collection_internal(last)) chain += (chain.empty() ? "" : " \u2192 ") + stable_class_name(last);
    Pair<Held>& pair = pairs[chain];
    Held& held = is_after ? pair.after : pair.before;
    (is_after ? pair.in_after : pair.in_before) = true;
    held.bytes += suspect.integer(8);
  }
}

void sort_by_change(Table& table, std::size_t column) {
  std::stable_sort(table.rows.begin(), table.rows.end(), [&](const auto& a, const auto& b) {
    return std::llabs(integer_of(a[column])) > std::llabs(integer_of(b[column]));
  });
}

Table class_table(const Pairs<ClassCounts>& pairs, std::size_t rows) {
  Table table;
  table.name = "classes";
  table.columns = {{"class", CellFormat::text},           {"status", CellFormat::text},
                   {"old_count", CellFormat::integer},    {"new_count", CellFormat::integer},
                   {"count_change", CellFormat::integer}, {"old_bytes", CellFormat::bytes},
                   {"new_bytes", CellFormat::bytes},      {"bytes_change", CellFormat::bytes},
                   {"retained_change", CellFormat::bytes}};
  table.summed_columns = {2, 3, 4, 5, 6, 7};
  for (const auto& [name, pair] : pairs) {
    const std::int64_t bytes = pair.after.bytes - pair.before.bytes;
    const std::int64_t count = pair.after.count - pair.before.count;
    table.rows.push_back({name, status(pair.in_before, pair.in_after, bytes != 0 ? bytes : count), pair.before.count,
                          pair.after.count, count, pair.before.bytes, pair.after.bytes, bytes,
                          pair.after.retained - pair.before.retained});
  }
  sort_by_change(table, 7);
  total_and_cut(table, rows);
  // What did not change is in the sums, not in the list.
  std::size_t listed = 0;
  while (listed < table.rows.size() &&
         (integer_of(table.rows[listed][7]) != 0 || integer_of(table.rows[listed][4]) != 0 ||
          integer_of(table.rows[listed][8]) != 0)) {
    ++listed;
  }
  if (listed < table.rows.size()) {
    std::vector<Cell> total = table.total;
    table.others.clear();
    const std::size_t hidden = pairs.size() - listed;
    table.rows.resize(listed);
    cut_to_total(table, 0, total);
    if (!table.others.empty()) table.others[0] = "[" + format_count(hidden) + " others]";
  }
  return table;
}

Table held_table(std::string name, std::string title, std::string column, const Pairs<Held>& pairs) {
  Table table;
  table.name = std::move(name);
  table.title = std::move(title);
  table.columns = {{"status", CellFormat::text},
                   {std::move(column), CellFormat::text},
                   {"old_retained_bytes", CellFormat::bytes},
                   {"new_retained_bytes", CellFormat::bytes},
                   {"retained_change", CellFormat::bytes},
                   {"title", CellFormat::text}};
  table.summed_columns = {2, 3, 4};
  for (const auto& [key, pair] : pairs) {
    const std::int64_t change = pair.after.bytes - pair.before.bytes;
    const std::string& title_text = pair.in_after ? pair.after.text : pair.before.text;
    table.rows.push_back({status(pair.in_before, pair.in_after, change), key, pair.before.bytes, pair.after.bytes,
                          change, title_text.empty() ? Cell() : Cell(title_text)});
  }
  sort_by_change(table, 4);
  total_and_cut(table, 0);
  return table;
}

Table metric_table(const queries::Database& before, const queries::Database& after) {
  Table table;
  table.name = "metrics";
  table.columns = {{"metric", CellFormat::text},
                   {"old_value", CellFormat::real},
                   {"new_value", CellFormat::real},
                   {"change", CellFormat::real},
                   {"unit", CellFormat::text}};
  struct Values {
    Cell before, after;
    std::string unit;
  };
  std::map<std::string, Values> metrics;
  for (const bool is_after : {false, true}) {
    queries::Statement row = report_statement(is_after ? after : before, "report_metrics");
    while (row.step()) {
      Values& values = metrics[row.text(0)];
      (is_after ? values.after : values.before) = row.real(1);
      values.unit = row.text(2);
    }
  }
  for (const auto& [name, values] : metrics) {
    Cell change;
    if (const auto* a = std::get_if<double>(&values.before)) {
      if (const auto* b = std::get_if<double>(&values.after)) change = *b - *a;
    }
    table.rows.push_back({name, values.before, values.after, change, values.unit});
  }
  return table;
}

}  // namespace

Report build_diff(const queries::Database& before, const queries::Database& after, const ReportOptions& options) {
  if (is_profile(before) != is_profile(after)) {
    throw UsageError("one input is a heap dump, the other a record of allocations: they have nothing to compare");
  }
  if (is_profile(after)) return build_profile_diff(before, after, options);
  if (is_program(before) || is_program(after)) {  // also a program and a core: is it still laid out as it was?
    Report report = begin_report(after, "diff", "What changed");
    if (std::optional<Section> section = layout_diff(before, after, options)) {
      report.sections.push_back(std::move(*section));
    } else {
      throw UsageError("one of the inputs knows no layouts of types: a core needs debugging information");
    }
    return report;
  }
  Report report = begin_report(after, "diff", "What changed");
  for (const std::string& warning : begin_report(before, "", "").warnings) {
    report.warnings.push_back("old snapshot: " + warning);
  }
  Pairs<Held> suspects;
  Pairs<Held> paths;
  Pairs<ClassCounts> classes;
  for (const bool is_after : {false, true}) {
    const queries::Database* database = is_after ? &after : &before;
    read_suspects(*database, suspects, is_after);
    read_paths(*database, paths, is_after);
    read_classes(*database, classes, is_after);
  }
  Section section;
  section.name = "suspects";
  section.title = "Leak suspects";
  std::size_t fresh = 0;
  std::size_t gone = 0;
  for (const auto& [signature, pair] : suspects) {
    fresh += pair.in_before ? 0 : 1;
    gone += pair.in_after ? 0 : 1;
  }
  const std::int64_t live = metric_integer(after, "heap.live_bytes");
  const std::int64_t change = live - metric_integer(before, "heap.live_bytes");
  section.paragraphs.push_back("The live heap " + std::string(change < 0 ? "shrank" : "grew") + " by " +
                               format_size(static_cast<double>(std::llabs(change))) + " to " +
                               format_size(static_cast<double>(live)) + "; " + format_count(fresh) + " new and " +
                               format_count(gone) + " gone of " + format_count(suspects.size()) + " suspects.");
  if (!suspects.empty()) {
    section.tables.push_back(held_table("suspects", "By signature", "signature", suspects));
    section.tables.push_back(held_table("paths", "By keep-alive path", "path", paths));
  }
  report.sections.push_back(std::move(section));
  if (are_of_one_process(before, after)) report.sections.push_back(block_diff(before, after, options));
  if (is_native(before) && is_native(after)) {
    if (std::optional<Section> layouts = layout_diff(before, after, options)) {
      report.sections.push_back(std::move(*layouts));
    }
  }
  Section by_class;
  by_class.name = "classes";
  by_class.title = "Live objects by class";
  by_class.tables.push_back(class_table(classes, options.rows));
  report.sections.push_back(std::move(by_class));
  Section metrics;
  metrics.name = "metrics";
  metrics.title = "Metrics";
  metrics.tables.push_back(metric_table(before, after));
  report.sections.push_back(std::move(metrics));
  return report;
}

}  // namespace analyzer

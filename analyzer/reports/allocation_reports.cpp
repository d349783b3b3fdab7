// Reports of allocation profiles by site: allocations, leaks, peak, temporary; and the summary that `heapql TRACE`
// prints.
#include <algorithm>
#include <cmath>
#include <string>

#include "analyzer/quantities.h"
#include "analyzer/reports/report_tools.h"
#include "analyzer/reports/reports.h"
#include "analyzer/reports/site_sections.h"

namespace analyzer {
namespace {

using queries::not_known;

void add_fact(Section& section, const queries::Database& database, std::string_view metric, std::string label,
              CellFormat format) {
  if (database.metric(metric)) section.facts.push_back(metric_fact(database, metric, std::move(label), format));
}

double highest(const ProfileFigures& figures, std::string_view series) {
  double most = 0;
  for (const queries::Series& row : figures.profile.series) {
    if (row.name != series) continue;
    for (const queries::SeriesPoint& point : row.points) most = std::max(most, point.value);
  }
  return most;
}

/// What the process took beside what it asked for: pages held by the allocator, code, stacks, other heaps.
void add_rss(Section& section, const queries::Database& database, const ProfileFigures& figures) {
  const double rss = std::max(highest(figures, "rss_bytes"), database.metric("peak.rss_bytes").value_or(0));
  const double live = std::max(highest(figures, "live_bytes"), database.metric("peak.bytes").value_or(0));
  if (rss <= 0) return;
  section.facts.push_back({"peak_rss_bytes", "peak RSS", static_cast<std::int64_t>(rss), CellFormat::bytes});
  if (live > 0 && rss > live) {
    section.facts.push_back(
        {"rss_over_live_bytes", "RSS beyond live", static_cast<std::int64_t>(rss - live), CellFormat::bytes});
  }
}

Section totals_section(const queries::Database& database, const ProfileFigures& figures) {
  Section section;
  section.name = "totals";
  add_fact(section, database, "allocations.count", "allocations", CellFormat::integer);
  add_fact(section, database, "allocations.bytes", "allocated", CellFormat::bytes);
  add_fact(section, database, "allocations.per_second", "per second", CellFormat::real);
  add_fact(section, database, "peak.bytes", "peak", CellFormat::bytes);
  add_fact(section, database, "heap.live_bytes", "live at the end", CellFormat::bytes);
  if (figures.leaks_found || database.metric("leaks.suppressed_bytes").value_or(0) > 0) {
    add_fact(section, database, "leaks.bytes", "leaked", CellFormat::bytes);
    add_fact(section, database, "leaks.count", "leaked blocks", CellFormat::integer);
    if (figures.leaks_found) add_fact(section, database, "leaks.possible_bytes", "possibly leaked", CellFormat::bytes);
    add_fact(section, database, "leaks.suppressed_bytes", "suppressed", CellFormat::bytes);
  }
  add_fact(section, database, "temporary.count", "temporary", CellFormat::integer);
  add_fact(section, database, "temporary.percent", "temporary share", CellFormat::percent);
  add_fact(section, database, "record.seconds", "seconds", CellFormat::real);
  add_rss(section, database, figures);
  return section;
}

/// malloc, calloc, mmap, Python's own …: who is asked, and how often.
void add_calls(const queries::Database& database, Section& section) {
  Table table;
  table.name = "calls";
  table.title = "Calls";
  table.columns = {{"function", CellFormat::text}, {"call_count", CellFormat::integer}};
  queries::Statement row = report_statement(database, "report_allocator_calls");
  while (row.step()) table.rows.push_back({text_cell(row, 0), integer_cell(row, 1)});
  if (!table.rows.empty()) section.tables.push_back(std::move(table));
}

std::string record_sentence(const queries::Database& database, const ProfileFigures& figures) {
  queries::Statement snapshot = report_statement(database, "report_snapshot");
  std::string text = "A record of allocations";
  if (snapshot.step()) text = snapshot.text(1) + " record of " + snapshot.text(0);
  const queries::SiteStatRow& total = figures.total.stat;
  if (total.allocation_count != not_known) {
    text += ": " + format_count(static_cast<std::uint64_t>(std::max<std::int64_t>(total.allocation_count, 0))) +
            " allocations";
  }
  text += " at " + format_count(figures.paths.size()) + (figures.paths.size() == 1 ? " call path" : " call paths");
  const std::size_t records = figures.profile.records.size();
  if (records > 1) text += ", the newest of " + format_count(records) + " records";
  if (figures.profile.usable_sizes) text += "; bytes are what the allocator gave, rounded up";
  return text + ".";
}

/// The few heaviest sites by one figure: site, where, figure, share.
void add_top(const ProfileFigures& figures, std::string_view figure_name, std::size_t rows, std::string title,
             Section& section) {
  const Figure* figure = find_figure(figure_name);
  if (figure->value(figures.total) == not_known || figure->value(figures.total) <= 0) return;
  const SortOrder order{figure->name, figure->label, figure, nullptr};
  Table table = site_table(figures, order, {figure}, group_sites(figures, MergeBy::line, order, true), rows);
  table.name = "top_" + std::string(figure_name);
  table.title = std::move(title);
  section.tables.push_back(std::move(table));
}

void add_growth_line(const queries::Database& database, Section& section) {
  queries::Statement row = report_statement(database, "report_growth");
  if (!row.step() || row.text(1) == to_text(queries::GrowthVerdict::insufficient_data)) return;
  section.paragraphs.push_back("Over time: " + row.text(0) + ' ' + row.text(1) + " (`--type growth`).");
}

constexpr std::string_view allocation_columns[] = {"allocated_bytes", "temporary_count", "live_bytes", "peak_bytes"};
constexpr std::string_view leak_columns[] = {"leaked_count", "possible_bytes", "suppressed_bytes"};
constexpr std::string_view peak_columns[] = {"peak_count", "live_bytes"};
constexpr std::string_view temporary_columns[] = {"allocation_count", "allocated_bytes"};

/// "allocation_count" where the record counts calls, else what it knows of memory.
std::string_view main_figure(const ProfileFigures& figures) {
  for (const std::string_view name :
       {"allocation_count", "live_bytes", "peak_bytes", "allocated_bytes", "leaked_bytes"}) {
    if (find_figure(name)->value(figures.total) != not_known) return name;
  }
  return "live_bytes";
}

void add_suppressions(const queries::Database& database, Report& report) {
  Table table;
  table.name = "suppressions";
  table.columns = {{"suppression", CellFormat::text},
                   {"source", CellFormat::text},
                   {"leaked_count", CellFormat::integer},
                   {"leaked_bytes", CellFormat::bytes}};
  table.summed_columns = {2, 3};
  std::size_t unused = 0;
  queries::Statement row = report_statement(database, "report_suppressions");
  while (row.step()) {
    const bool built_in = row.text(1) == "built-in";
    if (row.integer(2) == 0 && built_in) continue;  // of a list that nobody wrote for this program
    unused += row.integer(2) == 0 ? 1 : 0;
    table.rows.push_back({text_cell(row, 0), text_cell(row, 1), integer_cell(row, 2), integer_cell(row, 3)});
  }
  if (table.rows.empty()) return;
  Section section;
  section.name = "suppressions";
  section.title = "Suppressions";
  if (unused != 0) {
    section.paragraphs.push_back(format_count(unused) +
                                 (unused == 1 ? " suppression matched nothing." : " suppressions matched nothing."));
  }
  total_and_cut(table, 0);
  section.tables.push_back(std::move(table));
  report.sections.push_back(std::move(section));
}

}  // namespace

Report build_allocation_summary(const queries::Database& database, const ReportOptions&) {
  Report report = begin_profile_report(database, "allocation-summary", "Allocations");
  const ProfileFigures figures = figures_for(database, report);
  if (figures.empty()) return report;
  Section section = totals_section(database, figures);
  section.paragraphs.push_back(record_sentence(database, figures));
  add_growth_line(database, section);
  report.sections.push_back(std::move(section));
  Section top;
  top.name = "top";
  const bool all_live = !figures.leaks_found;
  add_top(figures, "leaked_bytes", 5, all_live ? "Not freed in the record" : "Leaked", top);
  add_top(figures, "peak_bytes", 3, "Live at the peak", top);
  add_top(figures, "allocation_count", 3, "Most allocations", top);
  add_top(figures, "temporary_count", 3, "Most temporary: freed before the next allocation", top);
  report.sections.push_back(std::move(top));
  return report;
}

Report build_summary(const queries::Database& database, const ReportOptions& options) {
  if (is_program(database)) return build_layout(database, options);
  if (!is_profile(database)) return build_leak_suspects(database, options);
  Report report = build_allocation_summary(database, options);
  const bool only_series = report.sections.size() == 1 && report.sections.front().name == report.name;
  return only_series ? build_growth(database, options) : report;
}

Report build_allocations(const queries::Database& database, const ReportOptions& options) {
  Report report = begin_profile_report(database, "allocations", "Allocations");
  const ProfileFigures figures = figures_for(database, report);
  if (figures.empty()) return report;
  Section totals = totals_section(database, figures);
  add_calls(database, totals);
  report.sections.push_back(std::move(totals));
  add_sites(figures, sort_order(options.sites, main_figure(figures)), allocation_columns, options, report);
  return report;
}

Report build_site_leaks(const queries::Database& database, const ReportOptions& options) {
  Report report = begin_profile_report(database, "leaks", "Leaks");
  const ProfileFigures figures = figures_for(database, report);
  if (figures.empty()) return report;
  Section section = totals_section(database, figures);
  section.paragraphs.emplace_back(
      figures.leaks_found
          ? "Leaked: nothing points to it any more, directly or through other leaked blocks, as the recorder found."
          : "What was allocated in the record and not freed until it ended. Whether something still points to it, "
            "this kind of record cannot tell.");
  report.sections.push_back(std::move(section));
  add_sites(figures, sort_order(options.sites, "leaked_bytes"), leak_columns, options, report);
  add_suppressions(database, report);
  return report;
}

Report build_peak(const queries::Database& database, const ReportOptions& options) {
  Report report = begin_profile_report(database, "peak", "Peak");
  const ProfileFigures figures = figures_for(database, report);
  if (figures.empty()) return report;
  report.sections.push_back(totals_section(database, figures));
  add_sites(figures, sort_order(options.sites, "peak_bytes"), peak_columns, options, report);
  return report;
}

Report build_temporary(const queries::Database& database, const ReportOptions& options) {
  Report report = begin_profile_report(database, "temporary", "Temporary allocations");
  const ProfileFigures figures = figures_for(database, report);
  if (figures.empty()) return report;
  Section section = totals_section(database, figures);
  section.paragraphs.emplace_back(
      "A temporary block is freed before the program allocates anything else: memory that could have been on the "
      "stack, or kept for the next time.");
  report.sections.push_back(std::move(section));
  add_sites(figures, sort_order(options.sites, "temporary_count"), temporary_columns, options, report);
  return report;
}

}  // namespace analyzer

// diff of two allocation profiles, site by site. A site is the same in both when its function, file and module are:
// lines and addresses move from build to build.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "analyzer/quantities.h"
#include "analyzer/reports/diff.h"
#include "analyzer/reports/report_tools.h"
#include "analyzer/reports/site_sections.h"

namespace analyzer {
namespace {

using queries::not_known;

struct Sides {
  SiteSums before, after;
  bool in_before = false, in_after = false;
};

using SidesByName = std::map<std::pair<std::string, std::string>, Sides>;

void read_sites(const ProfileFigures& figures, const SortOrder& order, bool is_after, SidesByName& sites) {
  for (const SiteGroup& group : group_sites(figures, MergeBy::function, order, false)) {
    if (order.figure->value(group.sums) <= 0) continue;  // nothing of what is compared
    Sides& sides = sites[{group.name, group.place}];
    (is_after ? sides.after : sides.before) = group.sums;
    (is_after ? sides.in_after : sides.in_before) = true;
  }
}

/// A figure that both records know, the first of those that matter most.
const Figure* common_figure(const ProfileFigures& before, const ProfileFigures& after) {
  for (const std::string_view name :
       {"leaked_bytes", "live_bytes", "peak_bytes", "allocated_bytes", "allocation_count"}) {
    const Figure* figure = find_figure(name);
    if (figure->value(before.total) != not_known && figure->value(after.total) != not_known) return figure;
  }
  return nullptr;
}

std::int64_t value_of(const Figure& figure, const SiteSums& sums, bool is_there) {
  return is_there ? std::max(figure.value(sums), std::int64_t{0}) : 0;
}

/// What the difference may be off by, of two independent estimates; 0 = both are counted.
double error_of(const Figure& figure, const Sides& sides) {
  double square = 0;
  for (const bool is_after : {false, true}) {
    if (!(is_after ? sides.in_after : sides.in_before)) continue;
    const SiteSums& sums = is_after ? sides.after : sides.before;
    const double percent = error_percent(figure, sums);
    if (percent >= 0) square += std::pow(percent / 100 * static_cast<double>(figure.value(sums)), 2);
  }
  return std::sqrt(square);
}

/// The blocks that bytes are of.
std::int64_t count_behind(const Figure& figure, const SiteSums& sums) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> counts{
      {{"leaked_bytes", "leaked_count"},
       {"live_bytes", "live_count"},
       {"peak_bytes", "peak_count"},
       {"allocated_bytes", "allocation_count"}}};
  for (const auto& [bytes, count] : counts) {
    if (bytes == figure.name) return find_figure(count)->value(sums);
  }
  return not_known;  // a count itself, or bytes that are of no blocks
}

std::string status_of(const Sides& sides, std::int64_t change, double error) {
  if (!sides.in_before) return "new";
  if (!sides.in_after) return "gone";
  if (change == 0) return "same";
  if (std::abs(static_cast<double>(change)) <= error) return "within error";
  return change > 0 ? "grown" : "shrunk";
}

Table change_table(const SidesByName& sites, const Figure& figure, const ProfileFigures& before,
                   const ProfileFigures& after, std::size_t rows) {
  Table table;
  const CellFormat format = figure.is_bytes ? CellFormat::bytes : CellFormat::integer;
  const std::string name(figure.name);
  const bool sampled = before.is_sampled() || after.is_sampled();
  table.name = "sites";
  table.columns = {{"site", CellFormat::text},   {"where", CellFormat::text},
                   {"status", CellFormat::text}, {"old_" + name, format},
                   {"new_" + name, format},      {name + "_change", format},
                   {"change_error", format},     {"count_change", CellFormat::integer}};
  table.summed_columns = {3, 4, 5};
  for (const auto& [key, sides] : sites) {
    const std::int64_t old_value = value_of(figure, sides.before, sides.in_before);
    const std::int64_t new_value = value_of(figure, sides.after, sides.in_after);
    const double error = error_of(figure, sides);
    const std::int64_t old_count = sides.in_before ? count_behind(figure, sides.before) : 0;
    const std::int64_t new_count = sides.in_after ? count_behind(figure, sides.after) : 0;
    const bool counted = old_count != not_known && new_count != not_known;
    table.rows.push_back({key.first.empty() ? Cell{} : Cell(key.first), key.second.empty() ? Cell{} : Cell(key.second),
                          status_of(sides, new_value - old_value, error), old_value, new_value, new_value - old_value,
                          sampled ? Cell(static_cast<std::int64_t>(std::llround(error))) : Cell{},
                          counted ? Cell(new_count - old_count) : Cell{}});
  }
  std::stable_sort(table.rows.begin(), table.rows.end(), [](const auto& a, const auto& b) {
    return std::llabs(integer_of(a[5])) > std::llabs(integer_of(b[5]));
  });
  const auto total = [&](const ProfileFigures& figures) {
    return std::max(figure.value(figures.total), std::int64_t{0});
  };
  std::vector<Cell> totals(table.columns.size());
  totals[3] = total(before);
  totals[4] = total(after);
  totals[5] = total(after) - total(before);
  cut_to_total(table, rows, totals);
  return table;
}

}  // namespace

Report build_profile_diff(const queries::Database& before, const queries::Database& after,
                          const ReportOptions& options) {
  Report report = begin_profile_report(after, "diff", "What changed");
  Report old_report = begin_profile_report(before, "diff", "");
  const ProfileFigures old_figures = figures_for(before, old_report);
  const ProfileFigures new_figures = figures_for(after, report);
  for (const std::string& warning : old_report.warnings) report.warnings.push_back("old record: " + warning);
  if (old_figures.empty() || new_figures.empty()) {
    if (report.sections.empty()) report.sections = std::move(old_report.sections);
    return report;
  }
  const Figure* figure =
      options.sites.sort.empty() ? common_figure(old_figures, new_figures) : sort_order(options.sites, "").figure;
  Section section;
  section.name = "sites";
  if (figure == nullptr) {
    section.paragraphs.emplace_back("The two records have no figure in common.");
    report.sections.push_back(std::move(section));
    return report;
  }
  const SortOrder order{figure->name, figure->label, figure, nullptr};
  SidesByName sites;
  read_sites(old_figures, order, false, sites);
  read_sites(new_figures, order, true, sites);
  std::size_t fresh = 0, gone = 0;
  for (const auto& [key, sides] : sites) {
    fresh += sides.in_before ? 0 : 1;
    gone += sides.in_after ? 0 : 1;
  }
  const std::int64_t change = std::max(figure->value(new_figures.total), std::int64_t{0}) -
                              std::max(figure->value(old_figures.total), std::int64_t{0});
  section.title = "By change of " + std::string(figure->label);
  section.paragraphs.push_back(
      std::string(figure->label) + (change < 0 ? " fell by " : " rose by ") + amount_text(*figure, std::llabs(change)) +
      " to " + amount_text(*figure, std::max(figure->value(new_figures.total), std::int64_t{0})) + "; " +
      format_count(fresh) + " new and " + format_count(gone) + " gone of " + format_count(sites.size()) + " sites.");
  section.tables.push_back(change_table(sites, *figure, old_figures, new_figures, options.rows));
  report.sections.push_back(std::move(section));
  return report;
}

}  // namespace analyzer

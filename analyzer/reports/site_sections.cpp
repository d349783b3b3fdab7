#include "analyzer/reports/site_sections.h"

#include <algorithm>
#include <cmath>

#include "analyzer/commands/command.h"
#include "analyzer/commands/suggestions.h"
#include "analyzer/passes/site_names.h"
#include "analyzer/quantities.h"
#include "analyzer/reports/report_tools.h"
#include "importers/sampled_figures.h"
#include "queries/load_profile.h"

namespace analyzer {
namespace {

using queries::no_site;
using queries::not_known;
using queries::SiteId;

constexpr std::size_t sites_with_paths = 5;
constexpr std::size_t paths_of_a_site = 3;
constexpr double least_tree_percent = 1;  // of the total; thinner branches are summed
constexpr std::size_t most_tree_lines = 200;

double percent(const Figure& figure, const SiteSums& part, const SiteSums& whole) {
  const std::int64_t value = figure.value(part);
  return value == not_known ? 0 : percent_of(static_cast<double>(value), static_cast<double>(figure.value(whole)));
}

Cell error_cell(const Figure& figure, const SiteSums& sums) {
  const double error = error_percent(figure, sums);
  return error < 0 ? Cell{} : Cell(error);
}

Cell lifetime_cell(double mean, bool in_bytes) {
  if (mean < 0) return {};
  return in_bytes ? Cell(static_cast<std::int64_t>(std::llround(std::min(mean, 9e18)))) : Cell(mean);
}

Cell text_or_null(const std::string& text) { return text.empty() ? Cell{} : Cell(text); }

std::vector<SiteId> frames_of(const ProfileFigures& figures, SiteId leaf) {
  std::vector<SiteId> frames;
  if (leaf == no_site) return frames;
  for (SiteId at = figures.naming(leaf); at != no_site; at = figures.profile.sites[at].parent) {
    frames.push_back(at);
  }
  return frames;
}

std::string more_text(std::size_t count, std::string_view what) {
  return format_count(count) + " more " + std::string(what) + (count == 1 ? "" : "s");
}

/// "1 allocation", "2 leaked blocks", "1.2 MiB leaked".
std::string counted_text(const Figure& figure, std::int64_t value) {
  std::string label(figure.label);
  if (const std::size_t plural = label.find("blocks at"); value == 1 && plural == 0) label.erase(5, 1);
  if (value == 1 && !figure.is_bytes && label.ends_with('s')) label.pop_back();
  return amount_text(figure, value) + ' ' + label;
}

/// The heaviest call paths of the first sites, as lines and as data.
Section path_section(const ProfileFigures& figures, const SortOrder& order, const std::vector<SiteGroup>& groups,
                     const ReportOptions& options) {
  Section section;
  section.name = "paths";
  section.title = "Call paths";
  Table table;
  table.name = "frames";
  table.data_only = true;
  table.columns = {{"site", CellFormat::integer}, {"path", CellFormat::integer},
                   {"step", CellFormat::integer}, {"function", CellFormat::text},
                   {"file", CellFormat::text},    {"line", CellFormat::integer},
                   {"module", CellFormat::text},  {std::string(order.figure->name), CellFormat::integer}};
  const std::size_t sites = options.rows == 0 ? sites_with_paths : std::min(options.rows, sites_with_paths);
  std::size_t number = 0;
  for (const SiteGroup& group : groups) {
    if (number == sites || order.figure->value(group.sums) <= 0) break;
    ++number;
    std::size_t path_number = 0;
    for (const std::size_t index : group.paths) {
      const SiteSums& path = figures.paths[index];
      const std::int64_t value = order.figure->value(path);
      if (path_number == paths_of_a_site || value <= 0) break;
      ++path_number;
      section.preformatted.push_back(std::to_string(number) + ". " + counted_text(*order.figure, value) +
                                     error_text(*order.figure, path));
      const std::vector<SiteId> frames = frames_of(figures, path.stat.site);
      const std::size_t depth = options.sites.stack_depth;
      for (std::size_t step = 0; step < frames.size(); ++step) {
        if (depth != 0 && step == depth) {
          section.preformatted.push_back("     [" + more_text(frames.size() - step, "frame") + ']');
          break;
        }
        const queries::SiteFrame frame = figures.profile.sites.frame(frames[step]);
        section.preformatted.push_back((step == 0 ? "     " : "     ← ") +
                                       frame_text(frame, options.sites.shorten_templates));
        table.rows.push_back({cell(number), cell(path_number), cell(step), text_or_null(std::string(frame.function)),
                              text_or_null(std::string(frame.file)),
                              frame.line > 0 ? Cell(std::int64_t{frame.line}) : Cell{},
                              text_or_null(std::string(frame.module)), value});
      }
    }
    if (group.paths.size() > path_number) {
      section.preformatted.push_back("   [" + more_text(group.paths.size() - path_number, "path") + " to this site]");
    }
  }
  if (!table.rows.empty()) section.tables.push_back(std::move(table));
  return section;
}

Section function_section(const ProfileFigures& figures, const Figure& figure, const ReportOptions& options) {
  Section section;
  section.name = "functions";
  section.title = "By function: in it and below it";
  Table table;
  table.name = "functions";
  const CellFormat format = figure.is_bytes ? CellFormat::bytes : CellFormat::integer;
  table.columns = {{"function", CellFormat::text},
                   {"where", CellFormat::text},
                   {"self_" + std::string(figure.name), format},
                   {"inclusive_" + std::string(figure.name), format},
                   {"percent", CellFormat::percent},
                   {"error_percent", CellFormat::percent}};
  table.summed_columns = {2};
  for (const FunctionSums& row : sum_functions(figures, figure, options.sites.shorten_templates)) {
    const std::int64_t self = figure.value(row.self);
    table.rows.push_back({text_or_null(row.name), text_or_null(row.place),
                          self == not_known ? Cell(std::int64_t{0}) : self, figure_cell(figure.value(row.inclusive)),
                          percent(figure, row.inclusive, figures.total), error_cell(figure, row.inclusive)});
  }
  std::vector<Cell> total(table.columns.size());
  total[2] = figure_cell(figure.value(figures.total));
  cut_to_total(table, options.rows, total);
  section.tables.push_back(std::move(table));
  return section;
}

/// A tree as indented lines and as data. `whole`: what percents are of.
Section tree_section(const std::vector<FrameNode>& nodes, const Figure& figure, const SiteSums& whole,
                     const ReportOptions& options, std::string name, std::string title) {
  Section section;
  section.name = name;
  section.title = std::move(title);
  Table table;
  table.name = std::move(name);
  table.data_only = true;
  table.columns = {{"depth", CellFormat::integer},
                   {"function", CellFormat::text},
                   {"where", CellFormat::text},
                   {"inclusive_" + std::string(figure.name), CellFormat::integer},
                   {"self_" + std::string(figure.name), CellFormat::integer},
                   {"percent", CellFormat::percent}};
  const std::size_t deepest = options.sites.stack_depth;
  const std::size_t most_lines = options.rows == 0 ? nodes.size() : most_tree_lines;
  std::size_t hidden = 0;
  std::size_t skip_below = nodes.size();  // depth of a node whose children are not shown
  for (const FrameNode& node : nodes) {
    if (node.depth > skip_below) continue;
    skip_below = nodes.size();
    const double share = percent(figure, node.inclusive, whole);
    if (node.depth > 0 && (share < least_tree_percent || section.preformatted.size() >= most_lines)) {
      ++hidden;
      skip_below = node.depth;
      continue;
    }
    const std::int64_t value = figure.value(node.inclusive);
    const std::string label = node.depth == 0 && node.name.empty() ? "(all)"
                              : node.name.empty()                  ? node.place
                                                                   : node.name;
    std::string share_text = format_decimal(share, 1) + " %";
    share_text.insert(0, share_text.size() < 7 ? 7 - share_text.size() : 0, ' ');
    std::string size_text = amount_text(figure, value == not_known ? 0 : value);
    size_text.insert(0, size_text.size() < 12 ? 12 - size_text.size() : 0, ' ');
    section.preformatted.push_back(
        share_text + size_text + "  " + std::string(2 * std::min<std::size_t>(node.depth, 40), ' ') + label +
        (node.place.empty() || node.name.empty() ? "" : " (" + node.place + ')') + error_text(figure, node.inclusive));
    const std::int64_t self = figure.value(node.self);
    table.rows.push_back({cell(node.depth), label, text_or_null(node.place), figure_cell(value),
                          self == not_known ? Cell(std::int64_t{0}) : Cell(self), share});
    if (deepest != 0 && node.depth >= deepest) skip_below = node.depth;
  }
  if (hidden != 0) {
    section.paragraphs.push_back("Branches of less than " + format_decimal(least_tree_percent, 0) +
                                 " % are not shown (" + format_count(hidden) + "); below " +
                                 (deepest == 0 ? std::string("no depth") : std::to_string(deepest) + " frames") +
                                 " nothing is listed (--stack-depth).");
  }
  section.tables.push_back(std::move(table));
  return section;
}

void add_callers(const ProfileFigures& figures, const SortOrder& order, const ReportOptions& options, Report& report) {
  const std::vector<FrameNode> nodes =
      callers_tree(figures, *order.figure, options.sites.callers_of, options.sites.shorten_templates);
  if (nodes.empty()) {
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < figures.profile.sites.size(); ++i) {
      names.emplace_back(without_parameters(figures.profile.sites.text(figures.profile.sites[SiteId{i}].function)));
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    throw UsageError("--callers-of: no call path goes through '" + options.sites.callers_of + "'" +
                     did_you_mean(options.sites.callers_of, names));
  }
  report.sections.push_back(
      tree_section(nodes, *order.figure, nodes.front().inclusive, options, "callers",
                   "Callers of " + options.sites.callers_of + ", " + std::string(order.figure->label)));
}

std::string sampling_warning(const queries::Database& database, const ProfileFigures& figures) {
  const double samples =
      database.metric("sampling.live_samples").value_or(database.metric("sampling.allocation_samples").value_or(0));
  std::string text = "a sampled record: one allocation in " +
                     format_size(figures.profile.sampling.mean_interval_bytes) +
                     " was seen on average, all figures are estimates";
  if (samples > 0) {
    text += "; with 95 % confidence the total is within ± " + format_decimal(100 * 1.96 / std::sqrt(samples), 1) +
            " %, each site within its error_percent";
  }
  return text;
}

}  // namespace

Report begin_profile_report(const queries::Database& database, std::string name, std::string title) {
  return begin_report(database, std::move(name), std::move(title));
}

ProfileFigures figures_for(const queries::Database& database, Report& report, queries::ProfileParts parts) {
  ProfileFigures figures;
  if (is_profile(database)) figures = read_figures(queries::load_profile(database, parts));
  if (!figures.empty()) {
    if (figures.is_sampled()) report.warnings.push_back(sampling_warning(database, figures));
    return figures;
  }
  Section section;
  section.name = report.name;
  section.paragraphs.emplace_back(
      is_profile(database) ? "This input says nothing of single allocations: see `heapql report --type growth`."
                           : "This is a heap dump: what was allocated before is not in it. See "
                             "`heapql report --type leak-suspects`, or record allocations (heaptrack, memray, "
                             "Valgrind, a pprof heap profile).");
  report.sections.push_back(std::move(section));
  return figures;
}

SortOrder sort_order(const SiteOptions& options, std::string_view otherwise) {
  const std::string_view wanted = options.sort.empty() ? otherwise : std::string_view(options.sort);
  std::vector<std::string> names;
  std::string list;
  for (const Figure& figure : figures()) {
    if (figure.name == wanted) return {figure.name, figure.label, &figure, nullptr};
    names.emplace_back(figure.name);
  }
  for (const SortOrder& order : dhat_orders()) {
    if (order.name == wanted || order.label == wanted) return order;
    names.emplace_back(order.name);
  }
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  throw UsageError("--sort: '" + std::string(wanted) + "' is not possible" + did_you_mean(std::string(wanted), names),
                   "possible values: " + list);
}

std::vector<const Figure*> known_figures(const ProfileFigures& figures, const SortOrder& order,
                                         std::span<const std::string_view> names) {
  std::vector<const Figure*> known{order.figure};
  for (const std::string_view name : names) {
    const Figure* figure = find_figure(name);
    if (figure != order.figure && figure->value(figures.total) != not_known) known.push_back(figure);
  }
  return known;
}

Table site_table(const ProfileFigures& figures, const SortOrder& order, const std::vector<const Figure*>& columns,
                 const std::vector<SiteGroup>& groups, std::size_t rows) {
  Table table;
  table.name = "sites";
  table.columns = {{"site", CellFormat::text}, {"where", CellFormat::text}};
  std::vector<Cell> total(2);
  for (const Figure* figure : columns) {
    table.summed_columns.push_back(table.columns.size());
    table.columns.push_back({std::string(figure->name), figure->is_bytes ? CellFormat::bytes : CellFormat::integer});
    total.push_back(figure_cell(figure->value(figures.total)));
    if (figure == order.figure) {
      table.columns.push_back({"percent", CellFormat::percent});
      table.columns.push_back({std::string(figure->name) + "_error_percent", CellFormat::percent});
      total.push_back(figure->value(figures.total) == 0 ? Cell{} : Cell(100.0));
      total.push_back(error_cell(*figure, figures.total));
    }
  }
  const bool has_lifetimes = figures.total.mean_lifetime() >= 0;
  const bool in_bytes = figures.clock == queries::LifetimeClock::bytes;
  if (has_lifetimes) {
    table.columns.push_back(
        {"mean_lifetime_" + std::string(to_text(figures.clock)), in_bytes ? CellFormat::bytes : CellFormat::real});
  }
  table.columns.push_back({"paths", CellFormat::integer});
  total.resize(table.columns.size());
  for (const SiteGroup& group : groups) {
    std::vector<Cell> row{text_or_null(group.name), text_or_null(group.place)};
    if (group.name.empty()) std::swap(row[0], row[1]);
    for (const Figure* figure : columns) {
      row.push_back(figure_cell(figure->value(group.sums)));
      if (figure != order.figure) continue;
      row.emplace_back(percent(*figure, group.sums, figures.total));
      row.push_back(error_cell(*figure, group.sums));
    }
    if (has_lifetimes) row.push_back(lifetime_cell(group.sums.mean_lifetime(), in_bytes));
    row.push_back(cell(group.paths.size()));
    const bool any = std::any_of(table.summed_columns.begin(), table.summed_columns.end(),
                                 [&](std::size_t column) { return integer_of(row[column]) != 0; });
    if (!any) continue;  // nothing of what this table is about
    table.rows.push_back(std::move(row));
  }
  cut_to_total(table, rows, total);
  return table;
}

void add_sites(const ProfileFigures& figures, const SortOrder& order, std::span<const std::string_view> columns,
               const ReportOptions& options, Report& report) {
  if (order.figure->value(figures.total) == not_known) {
    report.sections.push_back(
        {"sites", "", {"This record does not say: " + std::string(order.label) + "."}, {}, {}, {}, {}});
    return;
  }
  if (!options.sites.callers_of.empty()) return add_callers(figures, order, options, report);
  if (options.sites.by == SitesBy::function) {
    report.sections.push_back(function_section(figures, *order.figure, options));
    return;
  }
  if (options.sites.by == SitesBy::top_down) {
    report.sections.push_back(tree_section(top_down_tree(figures, *order.figure, options.sites.shorten_templates),
                                           *order.figure, figures.total, options, "top_down",
                                           "Top-down, " + std::string(order.figure->label)));
    return;
  }
  const std::vector<SiteGroup> groups =
      group_sites(figures, options.sites.merge, order, options.sites.shorten_templates);
  Section section;
  section.name = "sites";
  section.title = "By " + std::string(order.label);
  if (order.counts != nullptr) {
    const auto count = static_cast<std::uint64_t>(
        std::count_if(groups.begin(), groups.end(), [&](const SiteGroup& group) { return order.counts(group.sums); }));
    section.paragraphs.push_back(
        count == 0
            ? "None of " + format_count(groups.size()) + " sites is of this kind; all are listed."
            : format_count(count) + " of " + format_count(groups.size()) +
                  (count == 1 ? " sites is of this kind and comes first." : " sites are of this kind and come first."));
  }
  section.tables.push_back(site_table(figures, order, known_figures(figures, order, columns), groups, options.rows));
  report.sections.push_back(std::move(section));
  Section paths = path_section(figures, order, groups, options);
  if (!paths.preformatted.empty()) report.sections.push_back(std::move(paths));
}

std::string error_text(const Figure& figure, const SiteSums& sums) {
  const double error = error_percent(figure, sums);
  return error < 0 ? "" : " ± " + format_decimal(error, 0) + " %";
}

std::string amount_text(const Figure& figure, std::int64_t value) {
  const std::string sign = value < 0 ? "-" : "";
  const auto size = static_cast<std::uint64_t>(value < 0 ? -(value + 1) + 1 : value);
  return sign + (figure.is_bytes ? format_size(static_cast<double>(size)) : format_count(size));
}

std::int64_t samples_of(const queries::SiteSizeRow& row, double interval) {
  return row.allocation_count != not_known
             ? importers::samples_behind(row.allocation_count, row.allocated_bytes, interval)
             : importers::samples_behind(row.live_count, row.live_bytes, interval);
}

Cell error_cell(std::int64_t samples) {
  return samples > 0 ? Cell(100 * 1.96 / std::sqrt(static_cast<double>(samples))) : Cell{};
}

Cell figure_cell(std::int64_t value) { return value == not_known ? Cell{} : Cell(value); }

}  // namespace analyzer

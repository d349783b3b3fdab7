// Reports of allocation profiles by age, size and time: lifetimes, sizes, timeline.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>

#include "analyzer/quantities.h"
#include "analyzer/reports/report_tools.h"
#include "analyzer/reports/reports.h"
#include "analyzer/reports/site_sections.h"
#include "queries/load_profile.h"

namespace analyzer {
namespace {

using queries::add_known;
using queries::LifetimeClock;
using queries::LifetimeRow;
using queries::not_known;
using queries::SiteSizeRow;

constexpr std::size_t graph_width = 72;
constexpr std::size_t graph_height = 12;
constexpr std::size_t bar_width = 40;

std::string age_text(double age, LifetimeClock clock) {
  if (std::isinf(age)) return "not freed";
  if (clock == LifetimeClock::bytes) return "< " + format_size(age);
  if (clock == LifetimeClock::seconds) return "< " + format_decimal(age, age < 1 ? 6 : 1) + " s";
  return "< " + format_count(static_cast<std::uint64_t>(age));
}

std::string clock_title(LifetimeClock clock) {
  return clock == LifetimeClock::bytes ? "Age in bytes allocated meanwhile" : "Age in " + std::string(to_text(clock));
}

/// What dies young: cumulative shares by age, of objects and of bytes.
Section age_section(const std::vector<LifetimeRow>& rows, LifetimeClock clock) {
  Section section;
  section.name = "ages_" + std::string(to_text(clock));
  section.title = clock_title(clock);
  Table table;
  table.name = "ages";
  table.columns = {{"age", CellFormat::text},
                   {"object_count", CellFormat::integer},
                   {"bytes", CellFormat::bytes},
                   {"dead_objects_percent", CellFormat::percent},
                   {"dead_bytes_percent", CellFormat::percent}};
  table.summed_columns = {1, 2};
  double count = 0, bytes = 0, all_count = 0, all_bytes = 0;
  for (const LifetimeRow& row : rows) {
    all_count += static_cast<double>(row.object_count);
    all_bytes += static_cast<double>(row.bytes);
  }
  std::string young, half_of_bytes;  // " ": in the same bucket of ages, or a younger one
  for (const LifetimeRow& row : rows) {
    const bool freed = std::isfinite(row.age_below);
    if (freed) {
      count += static_cast<double>(row.object_count);
      bytes += static_cast<double>(row.bytes);
    }
    table.rows.push_back({age_text(row.age_below, clock), row.object_count, row.bytes,
                          freed ? Cell(percent_of(count, all_count)) : Cell{},
                          freed ? Cell(percent_of(bytes, all_bytes)) : Cell{}});
    if (half_of_bytes.empty() && freed && bytes >= all_bytes / 2) {
      half_of_bytes = young.empty() ? " "
                                    : " Most of the bytes (" + format_decimal(percent_of(bytes, all_bytes), 1) +
                                          " %) had died at an age " + age_text(row.age_below, clock) + ".";
    }
    if (young.empty() && freed && count >= all_count / 2) {
      young = format_decimal(percent_of(count, all_count), 1) + " % of the objects and " +
              format_decimal(percent_of(bytes, all_bytes), 1) + " % of the bytes died at an age " +
              age_text(row.age_below, clock) + ".";
    }
  }
  if (!young.empty() && half_of_bytes.empty()) half_of_bytes = " Less than half of the bytes were freed in the record.";
  if (!young.empty() && half_of_bytes != " ") young += half_of_bytes;
  if (young.empty()) young = "Less than half of the objects were freed in the record: most of them do not die young.";
  section.paragraphs.push_back(young);
  if (std::any_of(rows.begin(), rows.end(), [](const LifetimeRow& row) { return row.is_estimated; })) {
    section.paragraphs.emplace_back(
        "Estimated: the format does not say which block of a size and call path was freed; means are exact, the "
        "distribution assumes that the newest goes first.");
  }
  total_and_cut(table, 0);
  section.tables.push_back(std::move(table));
  return section;
}

struct SizeSums {
  std::int64_t count = not_known, bytes = not_known, live_count = not_known, live_bytes = not_known,
               peak_count = not_known, peak_bytes = not_known, temporary = not_known;
  std::int64_t samples = not_known;  ///< of a sampled record: that the figures are estimated from
  void add(const SiteSizeRow& row) {
    count = add_known(count, row.allocation_count);
    bytes = add_known(bytes, row.allocated_bytes);
    live_count = add_known(live_count, row.live_count);
    live_bytes = add_known(live_bytes, row.live_bytes);
    peak_count = add_known(peak_count, row.peak_count);
    peak_bytes = add_known(peak_bytes, row.peak_bytes);
    temporary = add_known(temporary, row.temporary_count);
  }
  void add(const SizeSums& o) {
    add(SiteSizeRow{queries::no_site, 0, o.count, o.bytes, o.live_count, o.live_bytes, o.peak_count, o.peak_bytes,
                    o.temporary});
    samples = add_known(samples, o.samples);
  }
  /// What decides the order: calls, or blocks where calls are not counted.
  [[nodiscard]] std::int64_t weight() const { return count != not_known ? count : live_count; }
};

Table size_table(std::string name, std::string title, const std::vector<std::pair<std::string, SizeSums>>& rows,
                 std::size_t most) {
  Table table;
  table.name = std::move(name);
  table.title = std::move(title);
  table.columns = {{"size", CellFormat::text}};
  struct Part {
    const char* name;
    CellFormat format;
    std::int64_t SizeSums::*value;
  };
  static constexpr Part parts[] = {{"allocation_count", CellFormat::integer, &SizeSums::count},
                                   {"allocated_bytes", CellFormat::bytes, &SizeSums::bytes},
                                   {"temporary_count", CellFormat::integer, &SizeSums::temporary},
                                   {"live_count", CellFormat::integer, &SizeSums::live_count},
                                   {"live_bytes", CellFormat::bytes, &SizeSums::live_bytes},
                                   {"peak_bytes", CellFormat::bytes, &SizeSums::peak_bytes}};
  SizeSums total;
  for (const auto& [size, sums] : rows) total.add(sums);
  for (const Part& part : parts) {
    if (total.*part.value == not_known) continue;
    table.summed_columns.push_back(table.columns.size());
    table.columns.push_back({part.name, part.format});
  }
  if (total.samples != not_known) table.columns.push_back({"error_percent", CellFormat::percent});
  for (const auto& [size, sums] : rows) {
    std::vector<Cell> row{size};
    for (const Part& part : parts) {
      if (total.*part.value != not_known) row.push_back(figure_cell(sums.*part.value));
    }
    if (total.samples != not_known) row.push_back(error_cell(sums.samples));
    table.rows.push_back(std::move(row));
  }
  total_and_cut(table, most);
  return table;
}

std::string bar(double share) {
  static constexpr std::array<const char*, 8> parts{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<std::size_t>(std::lround(share * bar_width * 8));
  std::string text;
  for (std::size_t i = 0; i < eighths / 8; ++i) text += "█";
  return text + parts[eighths % 8];
}

/// glibc gives chunks of 16 bytes with 8 of its own, 24 usable at least.
std::uint64_t glibc_usable(std::uint64_t size) {
  return std::max<std::uint64_t>(24, ((size + 8 + 15) & ~std::uint64_t{15}) - 8);
}

/// Four classes for each doubling, 16 bytes apart below 128: jemalloc, and much like it tcmalloc and mimalloc.
std::uint64_t four_per_doubling(std::uint64_t size) {
  if (size <= 8) return 8;
  if (size <= 128) return (size + 15) & ~std::uint64_t{15};
  const std::uint64_t step = std::bit_floor(size - 1) / 4;
  return (size + step - 1) / step * step;
}

void add_rounding(const std::map<std::uint64_t, SizeSums>& sizes, Section& section) {
  double asked = 0, glibc = 0, classes = 0;
  for (const auto& [size, sums] : sizes) {
    const std::int64_t blocks = sums.peak_count != not_known ? sums.peak_count : sums.live_count;
    if (blocks <= 0 || size > (std::uint64_t{1} << 62)) continue;
    asked += static_cast<double>(blocks) * static_cast<double>(size);
    glibc += static_cast<double>(blocks) * static_cast<double>(glibc_usable(size));
    classes += static_cast<double>(blocks) * static_cast<double>(four_per_doubling(size));
  }
  if (asked <= 0) return;
  section.facts.push_back(
      {"glibc_rounding_bytes", "rounding, glibc", static_cast<std::int64_t>(glibc - asked), CellFormat::bytes});
  section.facts.push_back(
      {"glibc_rounding_percent", "of what was asked for", percent_of(glibc - asked, asked), CellFormat::percent});
  section.facts.push_back({"class_rounding_bytes", "rounding, 4 classes per doubling",
                           static_cast<std::int64_t>(classes - asked), CellFormat::bytes});
  section.facts.push_back(
      {"class_rounding_percent", "of what was asked for", percent_of(classes - asked, asked), CellFormat::percent});
}

/// The value at `graph_width` equal spans of time: the highest in each, or the last before it.
std::vector<double> columns_of(const queries::Series& series) {
  std::vector<double> columns(graph_width, std::nan(""));
  const double first = series.points.front().t, length = series.points.back().t - first;
  for (const queries::SeriesPoint& point : series.points) {
    const double share = length > 0 ? (point.t - first) / length * graph_width : 0;
    double& column = columns[std::min(graph_width - 1, static_cast<std::size_t>(std::max(share, 0.0)))];
    column = std::isnan(column) ? point.value : std::max(column, point.value);
  }
  double last = series.points.front().value;
  for (double& column : columns) {
    if (std::isnan(column)) column = last;
    last = column;
  }
  return columns;
}

std::vector<std::string> graph(const queries::Series& series) {
  static constexpr std::array<const char*, 9> parts{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::vector<double> columns = columns_of(series);
  const double most = *std::max_element(columns.begin(), columns.end());
  std::vector<std::string> lines;
  for (std::size_t row = graph_height; row-- > 0;) {
    std::string label;
    if (row + 1 == graph_height) label = series.unit == "bytes" ? format_size(most) : format_decimal(most, 1);
    label.insert(0, label.size() < 11 ? 11 - label.size() : 0, ' ');
    std::string line = label + " │";
    for (const double value : columns) {
      const double height = most > 0 ? std::max(value, 0.0) / most * graph_height - static_cast<double>(row) : 0;
      line += parts[static_cast<std::size_t>(std::clamp(std::lround(height * 8), 0L, 8L))];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
  std::string axis = "          0 └";
  for (std::size_t i = 0; i < graph_width; ++i) axis += "─";
  lines.push_back(std::move(axis));
  return lines;
}

}  // namespace

Report build_lifetimes(const queries::Database& database, const ReportOptions& options) {
  Report report = begin_profile_report(database, "lifetimes", "Lifetimes");
  const ProfileFigures figures = figures_for(database, report);
  if (figures.empty()) return report;
  std::map<LifetimeClock, std::vector<LifetimeRow>> by_clock;
  for (const LifetimeRow& row : figures.profile.records.back().lifetimes) {
    if (row.site == queries::no_site) by_clock[row.clock].push_back(row);
  }
  for (auto& [clock, rows] : by_clock) {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const LifetimeRow& a, const LifetimeRow& b) { return a.age_below < b.age_below; });
    report.sections.push_back(age_section(rows, clock));
  }
  if (figures.total.freed_count > 0) {
    static constexpr std::string_view columns[] = {"allocation_count", "allocated_bytes", "live_bytes"};
    add_sites(figures, sort_order(options.sites, "allocation_count"), columns, options, report);
  } else if (by_clock.empty()) {
    report.sections.push_back(
        {"lifetimes",
         "",
         {"This record does not say how long blocks lived. Raw heaptrack files, mtrace, memray and DHAT do."},
         {},
         {},
         {},
         {}});
  }
  return report;
}

Report build_sizes(const queries::Database& database, const ReportOptions& options) {
  Report report = begin_profile_report(database, "sizes", "Sizes");
  const ProfileFigures figures = figures_for(database, report, {.sizes = true});
  if (figures.empty()) return report;
  std::map<std::uint64_t, SizeSums> sizes;
  const double interval = figures.profile.sampling.mean_interval_bytes;
  for (const SiteSizeRow& row : figures.profile.records.back().sizes) {
    SizeSums& sums = sizes[row.size];
    sums.add(row);
    if (interval > 1) sums.samples = add_known(sums.samples, samples_of(row, interval));
  }
  Section section;
  section.name = "sizes";
  if (sizes.empty()) {
    section.paragraphs.emplace_back("This record does not say how large single allocations were.");
    report.sections.push_back(std::move(section));
    return report;
  }
  std::map<std::size_t, SizeSums> ranges;  // by bits: powers of two
  std::int64_t most = 0;
  for (const auto& [size, sums] : sizes) ranges[static_cast<std::size_t>(std::bit_width(size))].add(sums);
  for (const auto& [range, sums] : ranges) most = std::max(most, sums.weight());
  std::vector<std::pair<std::string, SizeSums>> rows;
  for (const auto& [range, sums] : ranges) {
    const double low = range == 0 ? 0 : std::ldexp(1.0, static_cast<int>(range) - 1);
    std::string label = range == 0 ? "0 B" : range == 1 ? "1 B" : format_size(low) + " … " + format_size(2 * low - 1);
    std::string padded = label;
    padded.resize(std::max<std::size_t>(padded.size(), 24), ' ');
    section.preformatted.push_back(
        padded +
        bar(most > 0 ? static_cast<double>(std::max<std::int64_t>(sums.weight(), 0)) / static_cast<double>(most) : 0));
    rows.emplace_back(std::move(label), sums);
  }
  if (figures.profile.sizes_bucketed) {
    section.paragraphs.emplace_back("The record has sizes in ranges only: each is named by its largest.");
  } else {
    add_rounding(sizes, section);
  }
  section.tables.push_back(size_table("ranges", "By power of two", rows, 0));
  rows.clear();
  for (const auto& [size, sums] : sizes) rows.emplace_back(std::to_string(size), sums);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second.weight() > b.second.weight(); });
  section.tables.push_back(size_table("sizes", "Most frequent sizes", rows, options.rows));
  report.sections.push_back(std::move(section));
  return report;
}

Report build_timeline(const queries::Database& database, const ReportOptions&) {
  Report report = begin_profile_report(database, "timeline", "Timeline");
  queries::AllocationProfile profile;
  if (is_profile(database)) {
    profile = queries::load_profile(database);
  } else {
    (void)figures_for(database, report);
    return report;
  }
  for (const queries::Series& series : profile.series) {
    if (series.points.size() < 2) continue;
    Section section;
    section.name = series.name;
    section.title = series.name;
    section.preformatted = graph(series);
    const double length = series.points.back().t - series.points.front().t;
    section.preformatted.push_back(
        std::string(13, ' ') + (profile.times_are_positions ? format_count(series.points.size()) + " moments, no clock"
                                                            : format_decimal(length, 2) + " s"));
    Table table;
    table.name = "points";
    table.data_only = true;
    table.columns = {{"series", CellFormat::text}, {"t", CellFormat::real}, {"value", CellFormat::real}};
    for (const queries::SeriesPoint& point : series.points) table.rows.push_back({series.name, point.t, point.value});
    section.tables.push_back(std::move(table));
    report.sections.push_back(std::move(section));
  }
  if (report.sections.empty()) {
    report.sections.push_back({"timeline", "", {"This record is of one moment: it has no timeline."}, {}, {}, {}, {}});
  }
  return report;
}

}  // namespace analyzer

// report --type growth: what grows, how fast, and whether that is a leak. From the tables growth and series.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "analyzer/quantities.h"
#include "analyzer/reports/report_tools.h"
#include "analyzer/reports/reports.h"

namespace analyzer {
namespace {

constexpr std::size_t sparkline_cells = 60;

struct GrowthLine {
  std::string name, verdict, unit;
  bool has_rate = false, has_percent = false;
  double per_hour = 0, low = 0, high = 0, percent = 0, p = 1, r2 = 0, first = 0, last = 0, seconds = 0;
  double hours_to_limit = -1;
  std::uint64_t points = 0, windows = 0;
  bool has_clock = false;
};

GrowthLine read_line(const queries::Statement& row) {
  GrowthLine line;
  line.name = row.text(0);
  line.verdict = row.text(1);
  line.unit = row.text(2);
  line.has_rate = !row.is_null(3);
  line.per_hour = row.real(3);
  line.low = row.real(4);
  line.high = row.real(5);
  line.has_percent = !row.is_null(6);
  line.percent = row.real(6);
  line.p = row.real(7);
  line.r2 = row.real(9);
  line.first = row.real(10);
  line.last = row.real(11);
  line.has_clock = !row.is_null(12);
  line.seconds = row.real(12);
  line.points = static_cast<std::uint64_t>(row.integer(13));
  line.windows = static_cast<std::uint64_t>(row.integer(14));
  if (!row.is_null(15)) line.hours_to_limit = row.real(15);
  return line;
}

std::string amount(double value, const std::string& unit) {
  const std::string sign = value < 0 ? "-" : "";
  if (unit == "bytes") return sign + format_size(std::abs(value));
  const double size = std::abs(value);
  return sign + (size >= 1000 && size < 9e18 ? format_count(static_cast<std::uint64_t>(std::llround(size)))
                                             : format_decimal(size, 1));
}

/// "0.0001": enough digits to see how small it is.
std::string probability(double p) {
  if (p < 1e-6) return "< 0.000001";
  return format_decimal(p, p < 0.001 ? 6 : 3);
}

std::string duration(double seconds) {
  if (seconds < 120) return format_decimal(seconds, 1) + " s";
  if (seconds < 2 * 3600) return format_decimal(seconds / 60, 1) + " min";
  return seconds < 48 * 3600 ? format_decimal(seconds / 3600, 1) + " h" : format_decimal(seconds / 86400, 1) + " days";
}

std::vector<std::pair<double, double>> points_of(const queries::Database& database, std::string_view name) {
  std::vector<std::pair<double, double>> points;
  queries::Statement row = report_statement(database, "report_series");
  row.bind("name", name);
  while (row.step()) points.emplace_back(row.real(0), row.real(1));
  return points;
}

/// Means of equal spans of time, as bars of eight heights between the lowest and the highest.
std::string sparkline(const queries::Database& database, const std::string& name) {
  static constexpr std::array<const char*, 8> bars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::vector<std::pair<double, double>> points = points_of(database, name);
  if (points.size() < 3 || points.back().first <= points.front().first) return {};
  std::vector<double> sums(sparkline_cells), counts(sparkline_cells);
  const double length = points.back().first - points.front().first;
  for (const auto& [t, value] : points) {
    const double share = (t - points.front().first) / length * static_cast<double>(sparkline_cells);
    const std::size_t cell = std::min(sparkline_cells - 1, static_cast<std::size_t>(share));
    sums[cell] += value;
    counts[cell] += 1;
  }
  std::vector<double> means;
  for (std::size_t i = 0; i < sparkline_cells; ++i) {
    if (counts[i] > 0) means.push_back(sums[i] / counts[i]);
  }
  const auto [low, high] = std::minmax_element(means.begin(), means.end());
  std::string line;
  for (const double mean : means) {
    const double share = *high > *low ? (mean - *low) / (*high - *low) : 0;
    line += bars[std::min<std::size_t>(7, static_cast<std::size_t>(share * 8))];
  }
  return line;
}

std::string verdict_sentence(const GrowthLine& line) {
  const std::string span = line.has_clock ? " over " + duration(line.seconds) : "";
  const std::string from_to = " (" + amount(line.first, line.unit) + " → " + amount(line.last, line.unit) + ", " +
                              format_count(line.points) + (line.points == 1 ? " moment" : " moments") + span + ")";
  const std::string percent =
      line.has_percent ? ", " + format_decimal(line.percent, 1) + " % of its beginning an hour" : "";
  const std::string rate = line.has_rate
                               ? " by " + amount(line.per_hour, line.unit) + " an hour [" +
                                     amount(line.low, line.unit) + " … " + amount(line.high, line.unit) + ']' + percent
                               : "";
  if (line.verdict == "LEAKING") return line.name + " grows" + rate + " and does not slow down" + from_to + ".";
  if (line.verdict == "WARMING UP") return line.name + " grew, but ever more slowly" + from_to + ".";
  if (line.verdict == "STEP") return line.name + " rose once and stayed there" + from_to + ".";
  if (line.verdict == "STABLE") return line.name + " shows no growth that lasts" + from_to + ".";
  return "Not enough to tell whether " + line.name + " grows" + from_to +
         ": at least eight moments are needed, and three periods where it goes up and down.";
}

Section primary_section(const queries::Database& database, const GrowthLine& line) {
  Section section;
  section.name = "verdict";
  section.title = line.verdict;
  section.paragraphs.push_back(verdict_sentence(line));
  if (line.hours_to_limit >= 0) {
    section.paragraphs.push_back("At this rate the memory limit is reached in " + duration(line.hours_to_limit * 3600) +
                                 ".");
  }
  if (const std::string bars = sparkline(database, line.name); !bars.empty()) {
    section.preformatted.push_back(bars);
  }
  section.facts.push_back({"verdict", "verdict", line.verdict, CellFormat::text});
  section.facts.push_back({"series", "series", line.name, CellFormat::text});
  if (line.has_rate) {
    const CellFormat format = line.unit == "bytes" ? CellFormat::bytes : CellFormat::integer;
    section.facts.push_back({"per_hour", "per hour", static_cast<std::int64_t>(std::llround(line.per_hour)), format});
    section.facts.push_back(
        {"percent_per_hour", "percent per hour", line.has_percent ? Cell(line.percent) : Cell{}, CellFormat::real});
  }
  section.facts.push_back({"p", "p (Mann-Kendall, Hamed-Rao)", probability(line.p), CellFormat::text});
  section.facts.push_back({"r2", "R² of a straight line", format_decimal(line.r2, 3), CellFormat::text});
  return section;
}

Cell rate_cell(const queries::Statement& row, int column) {
  return row.is_null(column) ? Cell{} : Cell(std::round(row.real(column)));
}

Section series_section(const queries::Database& database, std::vector<GrowthLine>& lines) {
  Section section;
  section.name = "series";
  section.title = "Series";
  Table table;
  table.name = "series";
  table.columns = {{"series", CellFormat::text}, {"verdict", CellFormat::text},          {"first", CellFormat::text},
                   {"last", CellFormat::text},   {"per_hour", CellFormat::text},         {"low", CellFormat::text},
                   {"high", CellFormat::text},   {"percent_per_hour", CellFormat::real}, {"r2", CellFormat::real}};
  queries::Statement row = report_statement(database, "report_growth");
  while (row.step()) {
    const GrowthLine line = read_line(row);
    const auto rate = [&](double value) { return line.has_rate ? Cell(amount(value, line.unit)) : Cell{}; };
    table.rows.push_back({line.name, line.verdict, amount(line.first, line.unit), amount(line.last, line.unit),
                          rate(line.per_hour), rate(line.low), rate(line.high),
                          line.has_percent ? Cell(line.percent) : Cell{}, line.r2});
    lines.push_back(line);
  }
  section.tables.push_back(std::move(table));
  return section;
}

/// What the process holds beyond what is in use: free blocks, rounding, the allocator's own. Of every moment of `held`
/// with the newest value of `used`; a row of the table, or nothing when a series is not there.
std::vector<Cell> held_row(const queries::Database& database, std::string_view used_name, std::string_view held_name) {
  const auto used = points_of(database, used_name), held = points_of(database, held_name);
  std::size_t at = 0;
  bool any = false;
  double first = 0, highest = 0, last = 0, beyond = 0;
  for (const auto& [t, value] : held) {
    while (at + 1 < used.size() && used[at + 1].first <= t) ++at;
    if (used.empty() || used[at].first > t || value <= 0) continue;
    beyond = std::max(0.0, value - used[at].second);
    last = percent_of(beyond, value);
    if (!any) first = last;
    highest = std::max(highest, last);
    any = true;
  }
  if (!any) return {};
  return {std::string(held_name),
          std::string(used_name),
          first,
          highest,
          last,
          static_cast<std::int64_t>(std::llround(beyond))};
}

/// Fragmentation over time, as far as a record of a whole process can tell it.
Section held_section(const queries::Database& database) {
  Section section;
  section.name = "held";
  section.title = "Held beyond what is in use";
  Table table;
  table.name = "held";
  table.columns = {{"held", CellFormat::text},
                   {"in_use", CellFormat::text},
                   {"first_percent", CellFormat::percent},
                   {"highest_percent", CellFormat::percent},
                   {"last_percent", CellFormat::percent},
                   {"last_beyond_bytes", CellFormat::bytes}};
  for (const std::string_view used : {"in_use_bytes", "allocated_bytes_in_use", "live_bytes", "heap_used_bytes"}) {
    for (const std::string_view held : {"system_bytes", "active_bytes", "resident_bytes", "rss_bytes"}) {
      if (std::vector<Cell> row = held_row(database, used, held); !row.empty()) table.rows.push_back(std::move(row));
    }
  }
  if (!table.rows.empty()) section.tables.push_back(std::move(table));
  return section;
}

/// `subject`: "site" or "class".
Section part_section(const queries::Database& database, const std::string& subject, const ReportOptions& options) {
  const bool sites = subject == "site";
  Section section;
  section.name = sites ? "sites" : "classes";
  section.title = sites ? "Allocation sites" : "Classes";
  Table table;
  table.name = section.name;
  table.columns = {{sites ? "function" : "class", CellFormat::text},
                   {"where", CellFormat::text},
                   {"verdict", CellFormat::text},
                   {"per_hour", CellFormat::bytes},
                   {"low", CellFormat::bytes},
                   {"high", CellFormat::bytes},
                   {"first_bytes", CellFormat::bytes},
                   {"last_bytes", CellFormat::bytes},
                   {"q", CellFormat::real},
                   {"site_id", CellFormat::text}};
  queries::Statement row = report_statement(database, "report_growth_sites");
  row.bind("subject", subject);
  while (row.step()) {
    std::string where = row.text(2);
    if (!where.empty() && !row.is_null(3)) where += ":" + row.text(3);
    if (where.empty()) where = row.text(4);
    table.rows.push_back({text_cell(row, 1), where, text_cell(row, 5), rate_cell(row, 6), rate_cell(row, 7),
                          rate_cell(row, 8), row.integer(11), row.integer(12), row.real(9), integer_cell(row, 0)});
  }
  if (table.rows.empty()) return section;
  table.summed_columns = {6, 7};
  total_and_cut(table, options.rows);
  section.tables.push_back(std::move(table));
  return section;
}

}  // namespace

Report build_growth(const queries::Database& database, const ReportOptions& options) {
  Report report = begin_report(database, "growth", "Growth");
  std::vector<GrowthLine> lines;
  Section series = series_section(database, lines);
  if (lines.empty()) {
    Section none;
    none.name = "verdict";
    none.title = "INSUFFICIENT DATA";
    none.paragraphs.emplace_back(
        "This input is one moment: growth needs several. `heapql trend OLD … NEW` compares databases and dumps of any "
        "kind; a folder of heap profiles, a trace, or memory over time has growth of its own.");
    report.sections.push_back(std::move(none));
    return report;
  }
  queries::Statement first = report_statement(database, "report_growth");
  if (first.step() && first.integer(16) != 0) report.sections.push_back(primary_section(database, read_line(first)));
  report.sections.push_back(std::move(series));
  if (Section held = held_section(database); !held.tables.empty()) report.sections.push_back(std::move(held));
  for (const char* subject : {"class", "site"}) {
    Section parts = part_section(database, subject, options);
    if (!parts.tables.empty()) report.sections.push_back(std::move(parts));
  }
  return report;
}

}  // namespace analyzer

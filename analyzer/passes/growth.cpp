#include "analyzer/passes/growth.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "analyzer/passes/trend_statistics.h"

namespace analyzer {
namespace {

using queries::AllocationProfile;
using queries::Growth;
using queries::GrowthRow;
using queries::GrowthVerdict;
using queries::index;
using queries::not_known;
using queries::ProfileRecord;
using queries::Series;
using queries::SeriesPoint;
using queries::SiteId;
using queries::SiteStatRow;
using Points = std::vector<SeriesPoint>;

constexpr double seconds_per_hour = 3600;
constexpr std::size_t most_windows = 24;
constexpr std::size_t points_per_window = 5;  // fewer are no envelope: a minimum of few is noise
constexpr std::size_t least_periods = 3;
constexpr std::size_t least_lows = 6;  // six in a row that rise: p = 0.009
constexpr double jump_share = 0.8;     // a straight line reaches 0.75 (two levels of a ramp)
constexpr double jump_at_once = 0.6;   // of the height, between two neighbouring points
constexpr double level_share = 0.15;   // of the time, that each level lasts at least
constexpr double slows_down = 0.3;     // rise of the last third against the first
constexpr std::int64_t least_samples = 10;

/// Ascending, finite, one point a moment: the last.
Points tidy(std::span<const SeriesPoint> points) {
  Points result;
  for (const SeriesPoint& point : points) {
    if (!std::isfinite(point.t) || !std::isfinite(point.value)) continue;
    if (!result.empty() && point.t <= result.back().t) {
      if (point.t == result.back().t) result.back() = point;
      continue;
    }
    result.push_back(point);
  }
  return result;
}

Points without_warm_up(const Points& points, const GrowthOptions& options) {
  if (points.size() < 2 * options.least_points * points_per_window) return points;
  const double from = points.front().t + options.warm_up_share * (points.back().t - points.front().t);
  Points rest;
  std::copy_if(points.begin(), points.end(), std::back_inserter(rest),
               [&](const SeriesPoint& point) { return point.t >= from; });
  return rest;
}

/// Windows as long as a repetition at least: each then holds one low.
std::size_t window_count(const Points& points, std::size_t period) {
  std::size_t windows = std::min(most_windows, points.size() / points_per_window);
  if (period > 0) windows = std::min(windows, points.size() / period);
  return windows;
}

/// Median of the values of the sixth of the points around `place` (0 … 1 of them).
double level_at(const Points& points, double place) {
  const std::size_t size = std::max<std::size_t>(points.size() / 6, 1);
  const auto from = static_cast<std::size_t>(place * static_cast<double>(points.size() - size));
  std::vector<double> values;
  for (std::size_t i = from; i < from + size; ++i) values.push_back(points[i].value);
  std::sort(values.begin(), values.end());
  return values[size / 2];
}

/// A jump and nothing else: neither level rises by a part of the jump that matters.
bool is_step(const Points& points) {
  const Jump jump = find_jump(points);
  if (jump.share < jump_share || jump.height <= 0 || jump.at_once < jump_at_once) return false;
  if (static_cast<double>(jump.at) < level_share * static_cast<double>(points.size()) ||
      static_cast<double>(points.size() - jump.at) < level_share * static_cast<double>(points.size())) {
    return false;  // warm-up, or too fresh to call
  }
  const auto rise = [&](std::size_t from, std::size_t size) {
    if (size < 4) return 0.0;
    const std::span<const SeriesPoint> part = std::span(points).subspan(from, size);
    const TrendTest trend = find_trend(part);
    return trend.tau * trend.slope > 0 && trend.p < 0.05 ? trend.slope * (part.back().t - part.front().t) : 0.0;
  };
  constexpr double flat = 0.2;
  return rise(0, jump.at) < flat * jump.height && rise(jump.at, points.size() - jump.at) < flat * jump.height;
}

/// Whether the last third rises as well: levels, not slopes, as a staircase is flat nearly everywhere.
bool persists(const Points& points) {
  const double first = level_at(points, 1.0 / 3) - level_at(points, 0);
  return level_at(points, 1) - level_at(points, 2.0 / 3) >= slows_down * first;
}

/// How far neighbours are apart, typically. A low between two moments is not seen: it is that uncertain, and where
/// sampling and repetition drift against each other, the lows that are seen drift by as much.
double typical_step(const Points& points) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < points.size(); ++i) steps.push_back(std::abs(points[i].value - points[i - 1].value));
  if (steps.empty()) return 0;
  std::nth_element(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2), steps.end());
  return steps[steps.size() / 2];
}

/// `least`: rise that matters, beside what the options say.
GrowthVerdict judge(const Points& points, const TrendTest& trend, double least, const GrowthOptions& options) {
  const double rise = trend.slope * (points.back().t - points.front().t);
  const double begin = std::abs(trend.intercept + trend.slope * points.front().t);
  const bool matters = rise >= options.least_growth_bytes && rise > least && rise >= options.least_growth_share * begin;
  if (is_step(points)) return GrowthVerdict::step;
  if (trend.p >= options.significance || trend.slope_low <= 0 || !matters) return GrowthVerdict::stable;
  return persists(points) ? GrowthVerdict::leaking : GrowthVerdict::warming_up;
}

/// What is known without a verdict: first, last, count, R².
Growth describe(const Points& points) {
  Growth growth;
  growth.point_count = points.size();
  growth.window_count = points.size();
  if (points.empty()) return growth;
  growth.first = points.front().value;
  growth.last = points.back().value;
  growth.seconds = points.back().t - points.front().t;
  growth.r2 = r_squared(points);
  return growth;
}

// ---- sites ----

struct SiteSeries {
  Points points;
  std::int64_t records = 0;
  std::int64_t samples = not_known;  // most of any record
};

/// Live bytes of each site in each record, 0 in records that do not mention it.
std::unordered_map<std::uint32_t, SiteSeries> site_series(const AllocationProfile& profile) {
  std::unordered_map<std::uint32_t, SiteSeries> sites;
  for (std::size_t i = 0; i < profile.records.size(); ++i) {
    for (const SiteStatRow& row : profile.records[i].stats) {
      if (row.site == queries::no_site || row.live_bytes == not_known) continue;
      SiteSeries& site = sites[index(row.site)];
      if (site.points.empty()) {
        for (const ProfileRecord& record : profile.records) site.points.push_back({record.t, 0});
      }
      site.points[i].value += static_cast<double>(row.live_bytes);
      ++site.records;
      if (row.live_samples != not_known) site.samples = std::max(site.samples, row.live_samples);
    }
  }
  return sites;
}

void add_sites(AllocationProfile& profile, const GrowthOptions& options) {
  constexpr std::int64_t least_records = 3;
  if (profile.records.size() < static_cast<std::size_t>(least_records)) return;
  std::vector<GrowthRow> rows;
  for (const auto& [number, site] : site_series(profile)) {
    if (site.records < least_records) continue;
    GrowthRow row;
    row.subject = queries::GrowthSubject::site;
    row.site = SiteId{number};
    row.growth = find_growth(site.points, options);
    const bool is_sparse = site.samples != not_known && site.samples < least_samples;
    if (is_sparse && row.growth.verdict != GrowthVerdict::insufficient_data) {
      row.growth.verdict = GrowthVerdict::insufficient_data;
    }
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(), [](const GrowthRow& a, const GrowthRow& b) { return a.site < b.site; });
  compare_growth(rows, options);
  profile.growth.insert(profile.growth.end(), rows.begin(), rows.end());
}

}  // namespace

void compare_growth(std::vector<GrowthRow>& rows, const GrowthOptions& options) {
  std::vector<double> p;
  p.reserve(rows.size());
  for (const GrowthRow& row : rows) p.push_back(row.growth.p);
  const std::vector<double> q = false_discovery_rates(p);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Growth& growth = rows[i].growth;
    growth.q = q[i];
    if (growth.verdict > GrowthVerdict::stable && q[i] >= options.significance) growth.verdict = GrowthVerdict::stable;
  }
  std::stable_sort(rows.begin(), rows.end(), [](const GrowthRow& a, const GrowthRow& b) {
    return a.growth.last - a.growth.first > b.growth.last - b.growth.first;
  });
}

Growth find_growth(std::span<const SeriesPoint> all, const GrowthOptions& options) {
  const Points points = tidy(all);
  Growth growth = describe(points);
  if (points.size() < options.least_points) return growth;

  const Points rest = without_warm_up(points, options);
  const std::size_t period = find_period(rest);
  if (period > 0 && rest.size() < least_periods * period) return growth;
  const std::size_t windows = window_count(rest, period);
  const Points envelope = find_envelope(rest, windows);
  // Lows of a repetition are certain points each; without one, few windows say less than the points themselves.
  const bool is_enough = envelope.size() >= (period > 0 ? least_lows : options.least_points);
  const Points& judged = is_enough ? envelope : rest;

  const TrendTest trend = find_trend(judged);
  growth.window_count = judged.size();
  growth.p = growth.q = trend.p;
  growth.tau = trend.tau;
  growth.per_hour = trend.slope * seconds_per_hour;
  growth.per_hour_low = trend.slope_low * seconds_per_hour;
  growth.per_hour_high = trend.slope_high * seconds_per_hour;
  const double begin = trend.intercept + trend.slope * judged.front().t;
  if (begin > 0) growth.percent_per_hour = 100 * growth.per_hour / begin;
  growth.verdict = judge(judged, trend, is_enough ? 2 * typical_step(rest) : 0, options);
  if (options.limit > 0 && growth.per_hour > 0 && growth.verdict > GrowthVerdict::stable) {
    growth.hours_to_limit = std::max(0.0, (options.limit - growth.last) / growth.per_hour);
  }
  return growth;
}

const Series* primary_series(std::span<const Series> series) {
  static constexpr std::array<std::string_view, 10> best_first{"heap.live_bytes",     "live_after_gc_bytes",
                                                               "live_bytes",          "allocated_bytes_in_use",
                                                               "in_use_bytes",        "rss_anon_bytes",
                                                               "private_dirty_bytes", "pss_bytes",
                                                               "rss_bytes",           "vms_bytes"};
  for (const std::string_view name : best_first) {
    for (const Series& row : series) {
      if (row.name == name && !row.points.empty()) return &row;
    }
  }
  return nullptr;
}

/// Counts of what happened since the start never fall: that they rise is no finding.
bool is_counter(std::string_view series) {
  static constexpr std::array<std::string_view, 6> counters{"allocated_bytes", "allocation_count",   "freed_bytes",
                                                            "freed_count",     "highest_live_bytes", "peak_rss_bytes"};
  return std::find(counters.begin(), counters.end(), series) != counters.end();
}

void find_profile_growth(AllocationProfile& profile, const GrowthOptions& options) {
  const Series* primary = primary_series(profile.series);
  for (const Series& series : profile.series) {
    if (is_counter(series.name)) continue;
    GrowthRow row;
    row.name = series.name;
    row.unit = series.unit;
    row.is_primary = &series == primary;
    GrowthOptions own = options;
    if (series.unit != "bytes") own.least_growth_bytes = 1;                // of counts: any
    if (&series != primary || profile.times_are_positions) own.limit = 0;  // no hours without a clock
    row.growth = find_growth(series.points, own);
    profile.growth.push_back(std::move(row));
  }
  add_sites(profile, options);
}

}  // namespace analyzer

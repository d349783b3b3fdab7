#include "analyzer/trend.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "analyzer/commands/command.h"
#include "analyzer/passes/profile_metrics.h"
#include "analyzer/reports/report_tools.h"
#include "queries/allocation_profile.h"
#include "queries/load_profile.h"

namespace analyzer {
namespace {

using queries::AllocationProfile;
using queries::Database;
using queries::GrowthRow;
using queries::GrowthSubject;
using queries::SeriesPoint;

struct Moment {
  const TrendMoment* given = nullptr;
  double taken_at = -1;  ///< Unix time
  double t = 0;
};

double taken_at(const Database& database) {
  queries::Statement row = report_statement(database, "report_taken_at");
  return row.step() && !row.is_null(0) ? row.real(0) / 1000 : -1;
}

std::string format_of(const Database& database) {
  queries::Statement row = report_statement(database, "report_taken_at");
  return row.step() && !row.is_null(1) ? row.text(1) : "";
}

bool is_profile(const Database& database) { return database.meta("kind").value_or("") == "allocation_profile"; }

/// In time order if there is a clock; true = there is.
bool put_in_order(std::vector<Moment>& moments) {
  std::vector<Moment> sorted = moments;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Moment& a, const Moment& b) { return a.taken_at < b.taken_at; });
  bool has_clock = sorted.front().taken_at >= 0;
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    has_clock = has_clock && sorted[i].taken_at > sorted[i - 1].taken_at;
  }
  if (has_clock) moments = std::move(sorted);
  for (std::size_t i = 0; i < moments.size(); ++i) {
    moments[i].t = has_clock ? moments[i].taken_at - moments.front().taken_at : static_cast<double>(i);
  }
  return has_clock;
}

/// Dumps of one living process: what it has allocated so far can only rise.
bool counts_since_start(const std::string& format) {
  static constexpr std::array<std::string_view, 4> formats{"jemalloc_profile", "heap_profile_text", "pprof",
                                                           "tracemalloc"};
  return std::find(formats.begin(), formats.end(), format) != formats.end();
}

/// Metrics that are amounts: a percentage over time is no growth of memory, and how many samples were taken is none
/// either.
void add_metrics(const std::vector<Moment>& moments, AllocationProfile& profile) {
  const std::string format = format_of(*moments.front().given->database);
  for (const Moment& moment : moments) {
    queries::Statement row = report_statement(*moment.given->database, "report_metrics");
    while (row.step()) {
      const std::string name = row.text(0), unit = row.text(2);
      if ((unit != "bytes" && unit != "count") || name.starts_with("growth.") || name.starts_with("sampling."))
        continue;
      if (counts_since_start(format) && name.starts_with("allocations.")) continue;
      profile.series_named(name, unit).points.push_back({moment.t, row.real(1)});
    }
  }
  std::erase_if(profile.series, [&](const queries::Series& series) { return series.points.size() != moments.size(); });
  const auto is_constant = [](const queries::Series& series) {
    return std::all_of(series.points.begin(), series.points.end(),
                       [&](const SeriesPoint& point) { return point.value == series.points.front().value; });
  };
  std::erase_if(profile.series,
                [&](const queries::Series& series) { return series.name != "heap.live_bytes" && is_constant(series); });
  std::sort(profile.series.begin(), profile.series.end(),
            [](const queries::Series& a, const queries::Series& b) { return a.name < b.name; });
}

/// Live bytes by class name, 0 where a heap has none of it.
std::vector<GrowthRow> class_growth(const std::vector<Moment>& moments, const GrowthOptions& options) {
  std::map<std::string, std::vector<SeriesPoint>> classes;
  for (std::size_t i = 0; i < moments.size(); ++i) {
    queries::Statement row = report_statement(*moments[i].given->database, "report_classes");
    while (row.step()) {
      std::vector<SeriesPoint>& points = classes[row.text(1)];
      if (points.empty()) {
        for (const Moment& moment : moments) points.push_back({moment.t, 0});
      }
      points[i].value += static_cast<double>(row.is_null(6) ? row.integer(4) : row.integer(6));
    }
  }
  std::vector<GrowthRow> rows;
  for (const auto& [name, points] : classes) {
    GrowthRow row;
    row.subject = GrowthSubject::type;
    row.name = name;
    row.growth = find_growth(points, options);
    rows.push_back(std::move(row));
  }
  compare_growth(rows, options);
  return rows;
}

/// The newest record of each profile.
void add_records(const std::vector<Moment>& moments, AllocationProfile& profile) {
  for (const Moment& moment : moments) {
    AllocationProfile part = queries::load_profile(*moment.given->database);
    if (part.records.empty()) continue;
    const std::vector<queries::SiteId> here = profile.sites.merge(part.sites);
    queries::ProfileRecord record = std::move(part.records.back());
    for (queries::SiteStatRow& row : record.stats) {
      if (row.site != queries::no_site) row.site = here[queries::index(row.site)];
    }
    for (queries::SiteLeakRow& row : record.leaks) {
      if (row.site != queries::no_site) row.site = here[queries::index(row.site)];
    }
    record.path = moment.given->name;
    record.t = moment.t;
    if (moment.taken_at >= 0) record.taken_at_ms = static_cast<std::int64_t>(moment.taken_at * 1000);
    profile.records.push_back(std::move(record));
  }
}

}  // namespace

Trend find_trend_of(std::span<const TrendMoment> given, const GrowthOptions& options) {
  std::vector<Moment> moments;
  for (const TrendMoment& moment : given) moments.push_back({&moment, taken_at(*moment.database), 0});
  const bool profiles = is_profile(*given.front().database);
  for (const TrendMoment& moment : given) {
    if (is_profile(*moment.database) != profiles) {
      throw UsageError(moment.name + (profiles ? " is a heap, " : " is an allocation profile, ") + given.front().name +
                       " is not: a trend is of one kind");
    }
    // Two recorders count two things, and heaps of two runtimes have no class in common.
    const std::string kind = format_of(*moment.database), first = format_of(*given.front().database);
    if (kind != first) {
      throw UsageError(moment.name + " is of kind " + kind + ", " + given.front().name + " of kind " + first +
                       ": a trend is of one kind");
    }
  }
  Trend trend;
  trend.snapshot.profile = std::make_shared<AllocationProfile>();
  AllocationProfile& profile = *trend.snapshot.profile;
  const bool has_clock = put_in_order(moments);
  profile.times_are_positions = !has_clock;
  if (has_clock) {
    profile.start = moments.front().taken_at;
    profile.seconds = moments.back().t;
    trend.snapshot.taken_at_ms = static_cast<std::int64_t>(moments.back().taken_at * 1000);
  } else {
    trend.snapshot.warnings.emplace_back(
        "not every input says when it was taken: they are compared in the order given, without rates");
  }
  trend.snapshot.path = moments.front().given->name + " … " + moments.back().given->name;
  trend.snapshot.format = "trend";
  trend.snapshot.meta.emplace_back("kind", "allocation_profile");
  trend.snapshot.meta.emplace_back("series.files", std::to_string(moments.size()));
  add_metrics(moments, profile);
  if (profiles) add_records(moments, profile);
  find_profile_growth(profile, options);
  if (!profiles) {
    std::vector<GrowthRow> rows = class_growth(moments, options);
    profile.growth.insert(profile.growth.end(), rows.begin(), rows.end());
  }
  trend.results.metrics = profile_metrics(profile, trend.snapshot);
  return trend;
}

}  // namespace analyzer

#include "analyzer/passes/profile_metrics.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace analyzer {
namespace {

using queries::LeakKind;
using queries::MetricRow;
using queries::not_known;
using queries::ProfileRecord;
using queries::SiteLeakRow;

struct LeakTotals {
  std::int64_t count = 0, bytes = 0;
};

/// Lost for good where the source can tell; "live at the end" where it cannot.
bool is_leaked(const SiteLeakRow& row) { return row.kind != LeakKind::possible && row.kind != LeakKind::reachable; }

template <typename Wanted>
LeakTotals sum(const ProfileRecord& record, Wanted&& wanted) {
  LeakTotals totals;
  for (const SiteLeakRow& row : record.leaks) {
    if (!wanted(row)) continue;
    totals.count = queries::add_known(totals.count, row.object_count);
    totals.bytes = queries::add_known(totals.bytes, row.bytes);
  }
  return totals;
}

/// Of the series that speaks for the process. Without a verdict there is no rate either.
void add_growth(const queries::AllocationProfile& profile, std::vector<MetricRow>& rows) {
  std::size_t leaking_sites = 0;
  for (const queries::GrowthRow& row : profile.growth) {
    const queries::Growth& growth = row.growth;
    if (row.site != queries::no_site && growth.verdict == queries::GrowthVerdict::leaking) ++leaking_sites;
    if (!row.is_primary) continue;
    rows.push_back({"growth.points", static_cast<double>(growth.point_count), "count"});
    if (growth.verdict == queries::GrowthVerdict::insufficient_data) continue;
    rows.push_back({"growth.leaking", growth.verdict == queries::GrowthVerdict::leaking ? 1.0 : 0.0, "count"});
    rows.push_back({"growth.p_value", growth.p, "ratio"});
    rows.push_back({"growth.r2", growth.r2, "ratio"});
    if (profile.times_are_positions) continue;
    rows.push_back({"growth.bytes_per_hour", growth.per_hour, "bytes per hour"});
    if (!std::isnan(growth.percent_per_hour)) {
      rows.push_back({"growth.percent_per_hour", growth.percent_per_hour, "percent per hour"});
    }
    if (growth.hours_to_limit >= 0) rows.push_back({"growth.hours_to_limit", growth.hours_to_limit, "hours"});
  }
  if (profile.records.size() > 2) rows.push_back({"growth.leaking_sites", static_cast<double>(leaking_sites), "count"});
}

}  // namespace

std::vector<MetricRow> profile_metrics(const queries::AllocationProfile& profile, const queries::Snapshot& snapshot) {
  std::vector<MetricRow> rows;
  const auto add = [&](std::string name, double value, std::string unit) {
    rows.push_back({std::move(name), value, std::move(unit)});
  };
  const auto add_known = [&](std::string name, std::int64_t value, std::string unit) {
    if (value != not_known) add(std::move(name), static_cast<double>(value), std::move(unit));
  };
  add("heap.damaged_bytes", static_cast<double>(snapshot.damaged_bytes), "bytes");
  add("heap.damage_count", static_cast<double>(snapshot.damage_count), "count");
  if (profile.seconds >= 0) add("record.seconds", profile.seconds, "seconds");
  add_known("peak.rss_bytes", profile.peak_rss_bytes, "bytes");
  if (profile.sampling.mean_interval_bytes > 0) {
    add("sampling.mean_interval_bytes", profile.sampling.mean_interval_bytes, "bytes");
  }
  add_growth(profile, rows);
  if (profile.records.empty()) return rows;

  const ProfileRecord& record = profile.records.back();
  const queries::SiteStatRow& total = record.total;
  add_known("allocations.count", total.allocation_count, "count");
  add_known("allocations.bytes", total.allocated_bytes, "bytes");
  if (total.allocation_count != not_known && profile.seconds > 0) {
    add("allocations.per_second", static_cast<double>(total.allocation_count) / profile.seconds, "per second");
  }
  add_known("heap.live_count", total.live_count, "count");
  add_known("heap.live_bytes", total.live_bytes, "bytes");
  add_known("peak.count", total.peak_count, "count");
  add_known("peak.bytes", total.peak_bytes, "bytes");
  add_known("temporary.count", total.temporary_count, "count");
  add_known("sampling.live_samples", total.live_samples, "count");
  add_known("sampling.allocation_samples", total.allocation_samples, "count");
  if (total.temporary_count != not_known && total.allocation_count > 0) {
    add("temporary.percent",
        100.0 * static_cast<double>(total.temporary_count) / static_cast<double>(total.allocation_count), "percent");
  }
  if (!record.leaks.empty()) {
    const LeakTotals leaked =
        sum(record, [](const SiteLeakRow& row) { return is_leaked(row) && row.suppression.empty(); });
    const LeakTotals possible =
        sum(record, [](const SiteLeakRow& row) { return row.kind == LeakKind::possible && row.suppression.empty(); });
    const LeakTotals suppressed = sum(record, [](const SiteLeakRow& row) { return !row.suppression.empty(); });
    add("leaks.count", static_cast<double>(leaked.count), "count");
    add("leaks.bytes", static_cast<double>(leaked.bytes), "bytes");
    add("leaks.possible_count", static_cast<double>(possible.count), "count");
    add("leaks.possible_bytes", static_cast<double>(possible.bytes), "bytes");
    add("leaks.suppressed_count", static_cast<double>(suppressed.count), "count");
    add("leaks.suppressed_bytes", static_cast<double>(suppressed.bytes), "bytes");
  }
  return rows;
}

}  // namespace analyzer

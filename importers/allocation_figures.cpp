#include "importers/allocation_figures.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "formats/bytes.h"

namespace importers {
namespace {

using queries::LifetimeClock;
using queries::SiteId;

/// Ages in allocated bytes are given below these powers of two, from 32 KiB in steps that the literature uses.
constexpr std::array<std::size_t, 5> first_age_bits{15, 18, 20, 22, 24};

std::int64_t figure(std::uint64_t value) { return static_cast<std::int64_t>(value); }

/// no_site last.
std::uint32_t order(SiteId site) { return queries::index(site); }

}  // namespace

KindId AllocationFigures::add_kind(SiteId site, std::uint64_t size) {
  if (kinds_.size() >= most_kinds) {
    throw formats::InputError("more than " + std::to_string(most_kinds) +
                              " pairs of call path and size in this trace; record a shorter time of the program");
  }
  const std::size_t slot = site == queries::no_site ? 0 : std::size_t{queries::index(site)} + 1;
  if (slot >= site_numbers_.size()) site_numbers_.resize(slot + 1, 0);
  if (site_numbers_[slot] == 0) {
    sites_.push_back({});
    sites_.back().id = site;
    site_numbers_[slot] = static_cast<std::uint32_t>(sites_.size());
  }
  Kind kind;
  kind.size = size;
  kind.site = site_numbers_[slot] - 1;
  kinds_.push_back(kind);
  return KindId{static_cast<std::uint32_t>(kinds_.size() - 1)};
}

void AllocationFigures::too_many_bytes() {
  throw formats::InputError("this trace allocates more than 4 EiB; it is no recording of a real program");
}

void AllocationFigures::set_time(std::uint32_t ms) {
  if (has_time_ && ms < now_ms_) return;
  now_ms_ = ms;
  has_time_ = true;
  if (points_.empty() || ms - points_.back().ms >= interval_ms_) add_point();
}

void AllocationFigures::add_point() {
  if (points_.size() == most_points) {  // every second one goes; what it saw at most does not
    for (std::size_t i = 0; i < most_points / 2; ++i) {
      points_[i] = points_[2 * i + 1];
      points_[i].highest = std::max(points_[2 * i].highest, points_[2 * i + 1].highest);
    }
    points_.resize(most_points / 2);
    interval_ms_ = (now_ms_ - points_.front().ms) / static_cast<std::uint32_t>(most_points / 2) + 1;
  }
  points_.push_back({now_ms_, live_bytes_, highest_, allocated_bytes_, allocation_count_, rss_bytes_});
  highest_ = live_bytes_;
}

void AllocationFigures::finish(queries::AllocationProfile& profile, bool is_estimated) {
  profile.records.emplace_back();
  queries::ProfileRecord& record = profile.records.back();
  for (Kind& kind : kinds_) look_back(kind);
  finish_rows(record, is_estimated);
  finish_lifetimes(record, is_estimated);
  record.sum_total();
  record.total.max_bytes = figure(peak_bytes_);
  record.total.max_count = record.total.peak_count;
  profile.peak_rss_bytes = highest_rss_;
  if (has_time_) {
    profile.seconds = std::max(profile.seconds, now_ms_ / 1000.0);
    finish_series(profile);
  }
}

void AllocationFigures::finish_rows(queries::ProfileRecord& record, bool is_estimated) {
  std::vector<std::uint32_t> by_site(kinds_.size());
  std::iota(by_site.begin(), by_site.end(), 0u);
  std::sort(by_site.begin(), by_site.end(), [&](std::uint32_t a, std::uint32_t b) {
    const Kind& left = kinds_[a];
    const Kind& right = kinds_[b];
    if (left.site != right.site) return order(sites_[left.site].id) < order(sites_[right.site].id);
    return left.size != right.size ? left.size < right.size : a < b;
  });
  for (const std::uint32_t number : by_site) {
    const Kind& kind = kinds_[number];
    if (kind.allocations == 0) continue;
    const Site& site = sites_[kind.site];
    if (record.stats.empty() || record.stats.back().site != site.id) {
      record.stats.push_back({site.id, 0, 0, 0, 0, 0, 0, figure(site.max_count), figure(site.max_bytes), 0});
      record.site_lifetimes.push_back({site.id, LifetimeClock::bytes, 0, site.age_bytes, is_estimated});
    }
    if (record.sizes.empty() || record.sizes.back().site != site.id || record.sizes.back().size != kind.size) {
      record.sizes.push_back({site.id, kind.size, 0, 0, 0, 0, 0, 0, 0});
    }
    const std::uint64_t live = kind.allocations - kind.frees;
    const auto add = [&](auto& row) {
      row.allocation_count += figure(kind.allocations);
      row.allocated_bytes += figure(kind.allocations * kind.size);
      row.live_count += figure(live);
      row.live_bytes += figure(live * kind.size);
      row.peak_count += figure(kind.at_peak);
      row.peak_bytes += figure(kind.at_peak * kind.size);
      row.temporary_count += figure(kind.temporary);
    };
    add(record.stats.back());
    add(record.sizes.back());
    record.site_lifetimes.back().freed_count += figure(kind.frees);
  }
}

void AllocationFigures::finish_lifetimes(queries::ProfileRecord& record, bool is_estimated) const {
  for (const queries::SiteStatRow& row : record.stats) {
    if (row.live_count > 0)
      record.leaks.push_back({row.site, queries::LeakKind::at_end, row.live_count, row.live_bytes, {}});
  }
  if (has_time_) {
    const std::vector<queries::SiteLifetimeRow> by_bytes = record.site_lifetimes;
    for (queries::SiteLifetimeRow row : by_bytes) {
      const std::size_t slot = row.site == queries::no_site ? 0 : std::size_t{queries::index(row.site)} + 1;
      row.clock = LifetimeClock::seconds;
      row.lifetime_sum = static_cast<double>(sites_[site_numbers_[slot] - 1].age_ms) / 1000.0;
      record.site_lifetimes.push_back(row);
    }
  }
  const auto add = [&](LifetimeClock clock, double below, Survival died) {
    record.lifetimes.push_back({queries::no_site, clock, below, figure(died.count), figure(died.bytes), is_estimated});
  };
  Survival alive;
  for (const queries::SiteStatRow& row : record.stats) {
    alive.count += static_cast<std::uint64_t>(row.live_count);
    alive.bytes += static_cast<std::uint64_t>(row.live_bytes);
  }
  constexpr double never = std::numeric_limits<double>::infinity();
  std::size_t bits = 0;
  for (std::size_t step = 0; bits < by_bytes_.size(); ++step) {
    const std::size_t below =
        step < first_age_bits.size() ? first_age_bits[step] : first_age_bits.back() + 2 * (step - 4);
    Survival died;
    for (; bits <= below && bits < by_bytes_.size(); ++bits) {
      died.count += by_bytes_[bits].count;
      died.bytes += by_bytes_[bits].bytes;
    }
    if (died.count != 0) add(LifetimeClock::bytes, std::ldexp(1.0, static_cast<int>(below)), died);
  }
  add(LifetimeClock::bytes, never, alive);
  if (!has_time_) return;
  for (std::size_t i = 0; i < by_ms_.size(); ++i) {
    const double below = i < ms_limits.size() ? ms_limits[i] / 1000.0 : 1e9;
    if (by_ms_[i].count != 0) add(LifetimeClock::seconds, below, by_ms_[i]);
  }
  add(LifetimeClock::seconds, never, alive);
}

void AllocationFigures::finish_series(queries::AllocationProfile& profile) const {
  const auto add = [&](std::string_view name, std::string_view unit, auto value) {
    std::vector<queries::SeriesPoint> points;
    for (const Point& point : points_) {
      const std::int64_t at = value(point);
      if (at != queries::not_known) points.push_back({point.ms / 1000.0, static_cast<double>(at)});
    }
    if (!points.empty()) profile.series_named(name, unit).points = std::move(points);
  };
  add("live_bytes", "bytes", [](const Point& point) { return figure(point.live_bytes); });
  add("highest_live_bytes", "bytes", [](const Point& point) { return figure(point.highest); });
  add("allocated_bytes", "bytes", [](const Point& point) { return figure(point.allocated_bytes); });
  add("allocation_count", "count", [](const Point& point) { return figure(point.allocations); });
  add("rss_bytes", "bytes", [](const Point& point) { return point.rss_bytes; });
}

}  // namespace importers

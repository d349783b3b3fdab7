#include "queries/load_profile.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "queries/store.h"

namespace queries {
namespace {

class ProfileLoader {
 public:
  explicit ProfileLoader(const Database& database) : database_(database) {}

  AllocationProfile load(ProfileParts parts) {
    sites();
    records();
    stats();
    leaks();
    if (parts.sizes) sizes();
    lifetimes();
    accesses();
    series();
    facts();
    return std::move(profile_);
  }

 private:
  [[noreturn]] void damaged(const std::string& what) const {
    throw StoreError(database_.path() + ": damaged database: " + what + "; import the input again");
  }

  /// Sites are as they were written, each path once: none needs to be looked up.
  void sites() {
    Statement frame =
        database_.prepare("SELECT id, function, file, line, module, is_inlined FROM site_frame ORDER BY id");
    std::vector<std::uint32_t> numbers;  // by site_frame.id: "(unknown)" may be there twice
    while (frame.step()) {
      SiteRow row;
      row.function = profile_.sites.text_number(frame.text(1));
      row.file = profile_.sites.text_number(frame.text(2));
      row.line = static_cast<std::int32_t>(frame.integer(3));
      row.module = profile_.sites.text_number(frame.text(4));
      row.is_inlined = frame.integer(5) != 0;
      if (frame.integer(0) != static_cast<std::int64_t>(numbers.size())) {
        damaged("frames of sites are not numbered one by one");
      }
      numbers.push_back(profile_.sites.frame_number(row));
    }
    Statement site = database_.prepare("SELECT id, parent_id, frame_id FROM site_path ORDER BY id");
    for (std::int64_t count = 0; site.step(); ++count) {
      if (site.integer(0) != count) damaged("sites are not numbered one by one");
      const std::int64_t parent = site.is_null(1) ? -1 : site.integer(1);
      const std::int64_t number = site.integer(2);
      if (parent < -1 || parent >= count) damaged("a site before its caller");
      if (number < 0 || number >= static_cast<std::int64_t>(numbers.size())) {
        damaged("a site of a frame that is not there");
      }
      profile_.sites.append(parent < 0 ? no_site : SiteId{static_cast<std::uint32_t>(parent)},
                            numbers[static_cast<std::size_t>(number)]);
    }
  }

  /// Number 1 is the newest, the others come before it.
  void records() {
    Statement row = database_.prepare(
        "SELECT id, path, taken_at, t FROM snapshot WHERE id > 1 OR id IN (SELECT snapshot_id FROM site_stat UNION "
        "SELECT snapshot_id FROM site_leak) "
        "ORDER BY id = 1, id");
    while (row.step()) {
      positions_[row.integer(0)] = profile_.records.size();
      ProfileRecord record;
      record.path = row.text(1);
      if (!row.is_null(2)) record.taken_at_ms = row.integer(2);
      if (!row.is_null(3)) record.t = row.real(3);
      profile_.records.push_back(std::move(record));
    }
  }

  ProfileRecord& record(const Statement& row) {
    const auto found = positions_.find(row.integer(0));
    if (found == positions_.end()) damaged("figures of a snapshot that is not there");
    return profile_.records[found->second];
  }
  SiteId site(const Statement& row) const {
    const std::int64_t number = row.integer(1);
    if (number < 0 || number >= static_cast<std::int64_t>(profile_.sites.size())) {
      damaged("figures of a site that is not there");
    }
    return SiteId{static_cast<std::uint32_t>(number)};
  }

  void stats() {
    Statement row = database_.prepare(
        "SELECT snapshot_id, site_id, allocation_count, allocated_bytes, live_count, live_bytes, peak_count, "
        "peak_bytes, max_count, max_bytes, temporary_count, live_samples, allocation_samples FROM site_stat "
        "ORDER BY rowid");
    while (row.step()) {
      SiteStatRow stat;
      stat.site = site(row);
      int column = 2;
      for (std::int64_t SiteStatRow::*figure :
           {&SiteStatRow::allocation_count, &SiteStatRow::allocated_bytes, &SiteStatRow::live_count,
            &SiteStatRow::live_bytes, &SiteStatRow::peak_count, &SiteStatRow::peak_bytes, &SiteStatRow::max_count,
            &SiteStatRow::max_bytes, &SiteStatRow::temporary_count, &SiteStatRow::live_samples,
            &SiteStatRow::allocation_samples}) {
        if (!row.is_null(column)) stat.*figure = row.integer(column);
        ++column;
      }
      record(row).stats.push_back(stat);
    }
    for (ProfileRecord& each : profile_.records) each.sum_total();
  }

  void leaks() {
    Statement row = database_.prepare(
        "SELECT snapshot_id, site_id, kind, object_count, bytes, suppression FROM site_leak ORDER BY rowid");
    while (row.step()) {
      SiteLeakRow leak;
      leak.site = site(row);
      const std::string kind = row.text(2);
      for (const LeakKind each : {LeakKind::at_end, LeakKind::definite, LeakKind::direct, LeakKind::indirect,
                                  LeakKind::possible, LeakKind::reachable}) {
        if (to_text(each) == kind) leak.kind = each;
      }
      leak.object_count = row.integer(3);
      leak.bytes = row.integer(4);
      leak.suppression = row.text(5);
      record(row).leaks.push_back(std::move(leak));
    }
  }

  static std::int64_t known(const Statement& row, int column) {
    return row.is_null(column) ? not_known : row.integer(column);
  }
  static LifetimeClock clock(const Statement& row, int column) {
    const std::string text = row.text(column);
    for (const LifetimeClock each : {LifetimeClock::seconds, LifetimeClock::instructions, LifetimeClock::allocations}) {
      if (to_text(each) == text) return each;
    }
    return LifetimeClock::bytes;
  }

  void sizes() {
    Statement row = database_.prepare(
        "SELECT snapshot_id, site_id, size, allocation_count, allocated_bytes, live_count, live_bytes, peak_count, "
        "peak_bytes, temporary_count FROM site_size ORDER BY rowid");
    while (row.step()) {
      record(row).sizes.push_back({site(row), static_cast<std::uint64_t>(row.integer(2)), known(row, 3), known(row, 4),
                                   known(row, 5), known(row, 6), known(row, 7), known(row, 8), known(row, 9)});
    }
  }

  void lifetimes() {
    Statement mean = database_.prepare(
        "SELECT snapshot_id, site_id, clock, freed_count, lifetime_sum, is_estimated FROM site_lifetime "
        "ORDER BY rowid");
    while (mean.step()) {
      record(mean).site_lifetimes.push_back(
          {site(mean), clock(mean, 2), mean.integer(3), mean.real(4), mean.integer(5) != 0});
    }
    Statement bucket = database_.prepare(
        "SELECT snapshot_id, site_id, clock, age_below, object_count, bytes, is_estimated FROM lifetime "
        "ORDER BY rowid");
    while (bucket.step()) {
      LifetimeRow row;
      if (!bucket.is_null(1)) row.site = site(bucket);
      row.clock = clock(bucket, 2);
      if (!bucket.is_null(3)) row.age_below = bucket.real(3);
      row.object_count = bucket.integer(4);
      row.bytes = bucket.integer(5);
      row.is_estimated = bucket.integer(6) != 0;
      record(bucket).lifetimes.push_back(row);
    }
  }

  void accesses() {
    Statement row =
        database_.prepare("SELECT snapshot_id, site_id, read_bytes, written_bytes FROM site_access ORDER BY rowid");
    while (row.step()) record(row).accesses.push_back({site(row), known(row, 2), known(row, 3)});
  }

  /// What is said once of the whole record, and the totals of the newest: an importer may know more than its sites sum
  /// to (what lay below a recorder's threshold).
  void facts() {
    profile_.sizes_bucketed = database_.meta("sizes.bucketed").value_or("0") == "1";
    profile_.usable_sizes = database_.meta("sizes.usable").value_or("0") == "1";
    profile_.times_are_positions = database_.meta("times.positions").value_or("0") == "1";
    profile_.sampling.mean_interval_bytes = database_.metric("sampling.mean_interval_bytes").value_or(0);
    profile_.seconds = database_.metric("record.seconds").value_or(-1);
    if (const auto rss = database_.metric("peak.rss_bytes")) profile_.peak_rss_bytes = static_cast<std::int64_t>(*rss);
    if (profile_.records.empty()) return;
    SiteStatRow& total = profile_.records.back().total;
    struct Metric {
      const char* name;
      std::int64_t SiteStatRow::*figure;
    };
    static constexpr Metric metrics[] = {{"allocations.count", &SiteStatRow::allocation_count},
                                         {"allocations.bytes", &SiteStatRow::allocated_bytes},
                                         {"heap.live_count", &SiteStatRow::live_count},
                                         {"heap.live_bytes", &SiteStatRow::live_bytes},
                                         {"peak.count", &SiteStatRow::peak_count},
                                         {"peak.bytes", &SiteStatRow::peak_bytes},
                                         {"temporary.count", &SiteStatRow::temporary_count}};
    for (const Metric& metric : metrics) {
      if (const auto value = database_.metric(metric.name)) total.*metric.figure = static_cast<std::int64_t>(*value);
    }
  }

  void series() {
    Statement row = database_.prepare("SELECT name, t, value, unit FROM series ORDER BY name, t, rowid");
    while (row.step()) profile_.series_named(row.text(0), row.text(3)).points.push_back({row.real(1), row.real(2)});
  }

  const Database& database_;
  AllocationProfile profile_;
  std::map<std::int64_t, std::size_t> positions_;  // snapshot.id → record
};

}  // namespace

namespace {

/// Rows of no site → rows of a site of their own, where there are any.
void name_unknown(AllocationProfile& profile) {
  SiteId unknown = no_site;
  const auto name = [&](auto& rows) {
    for (auto& row : rows) {
      if (row.site != no_site) continue;
      if (unknown == no_site) {
        SiteRow frame;
        frame.function = profile.sites.text_number("(unknown)");
        unknown = profile.sites.append(no_site, profile.sites.frame_number(frame));
        if (!profile.naming.empty()) profile.naming.push_back(unknown);
      }
      row.site = unknown;
    }
  };
  for (ProfileRecord& record : profile.records) {
    name(record.stats);
    name(record.sizes);
    name(record.leaks);
    name(record.site_lifetimes);
    name(record.accesses);
  }
}

/// As it would be read back: nothing that the rows do not say.
AllocationProfile as_stored(AllocationProfile profile) {
  name_unknown(profile);
  profile.start = -1;
  profile.growth.clear();
  profile.suppressions.clear();
  profile.suppression_rows.clear();
  for (ProfileRecord& record : profile.records) record.access_offsets.clear();
  std::stable_sort(profile.series.begin(), profile.series.end(),
                   [](const Series& a, const Series& b) { return a.name < b.name; });
  return profile;
}

}  // namespace

AllocationProfile load_profile(const Database& database, ProfileParts parts) {
  if (const auto kept = database.take_profile()) return as_stored(std::move(*kept));
  return ProfileLoader(database).load(parts);
}

}  // namespace queries

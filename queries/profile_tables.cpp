#include "queries/profile_tables.h"

#include <cmath>

#include "queries/small_tables.h"

namespace queries {
namespace {

using Null = Inserter::Null;

std::pair<bool, std::int64_t> figure(std::int64_t value) { return {value != not_known, value}; }

class ProfileWriter {
 public:
  ProfileWriter(sqlite3* connection, const std::string& path, const Snapshot& snapshot,
                const AllocationProfile& profile)
      : connection_(connection), path_(path), snapshot_(snapshot), profile_(profile) {}

  void sites() {
    Inserter site = into("INSERT INTO site VALUES (?, ?, ?, ?, ?, ?, ?)");
    const auto text = [](std::string_view value) { return known_if(!value.empty(), value); };
    for (std::uint32_t i = 0; i < profile_.sites.size(); ++i) {
      const SiteId id{i};
      const SiteRow& row = profile_.sites[id];
      const SiteFrame frame = profile_.sites.frame(id);
      site.insert(i, known_if(row.parent != no_site, index(row.parent)), text(frame.function), text(frame.file),
                  known_if(frame.line != 0, frame.line), text(frame.module), frame.is_inlined);
    }
    if (has_unknown_site()) site.insert(profile_.sites.size(), Null{}, "(unknown)", Null{}, Null{}, Null{}, 0);
  }

  void records() {
    Inserter snapshot = into("INSERT INTO snapshot VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, NULL, NULL, ?)");
    Inserter newest = into("UPDATE snapshot SET t = ?, taken_at = coalesce(taken_at, ?) WHERE id = 1");
    for (std::size_t i = 0; i < profile_.records.size(); ++i) {
      const ProfileRecord& record = profile_.records[i];
      const auto t = known_if(record.t >= 0, record.t);
      const auto taken_at = known_if(record.taken_at_ms >= 0, record.taken_at_ms);
      if (i + 1 == profile_.records.size()) {
        newest.insert(t, taken_at);
      } else {
        snapshot.insert(id_of(i), record.path, snapshot_.format,
                        known_if(!snapshot_.runtime.empty(), std::string_view(snapshot_.runtime)),
                        known_if(snapshot_.pointer_size != 0, snapshot_.pointer_size), taken_at, t);
      }
      stats(id_of(i), record);
      sizes(id_of(i), record);
      lifetimes(id_of(i), record);
    }
  }

  void growth() {
    Inserter insert = into("INSERT INTO growth VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    const bool has_clock = !profile_.times_are_positions;
    for (const GrowthRow& row : profile_.growth) {
      const Growth& growth = row.growth;
      const auto rate = [&](double value) {
        return known_if(has_clock && growth.verdict != GrowthVerdict::insufficient_data, value);
      };
      insert.insert(to_text(row.subject), known_if(!row.name.empty(), std::string_view(row.name)),
                    known_if(row.site != no_site, index(row.site)), to_text(growth.verdict), row.unit,
                    rate(growth.per_hour), rate(growth.per_hour_low), rate(growth.per_hour_high),
                    rate(growth.percent_per_hour), growth.p, growth.q, growth.tau, growth.r2, growth.first, growth.last,
                    known_if(has_clock, growth.seconds), growth.point_count, growth.window_count,
                    known_if(growth.hours_to_limit >= 0, growth.hours_to_limit), row.is_primary);
    }
  }

  void suppressions() {
    Inserter insert = into("INSERT INTO suppression VALUES (NULL, ?, ?, ?, ?)");
    for (const SuppressionRow& row : profile_.suppression_rows) {
      insert.insert(row.pattern, row.source, row.leak_count, row.bytes);
    }
  }

  void series() {
    Inserter point = into("INSERT INTO series VALUES (?, ?, ?, ?)");
    for (const Series& row : profile_.series) {
      for (const SeriesPoint& at : row.points) point.insert(row.name, at.t, at.value, row.unit);
    }
  }

 private:
  Inserter into(std::string_view sql) { return Inserter(connection_, path_, sql); }

  /// 1 = the newest.
  [[nodiscard]] std::size_t id_of(std::size_t record) const {
    return record + 1 == profile_.records.size() ? 1 : record + 2;
  }
  [[nodiscard]] std::uint64_t id_of(SiteId site) const { return site == no_site ? profile_.sites.size() : index(site); }
  [[nodiscard]] SiteId named(SiteId site) const {
    return site == no_site || profile_.naming.empty() ? site : profile_.naming[index(site)];
  }
  [[nodiscard]] bool has_unknown_site() const {
    const auto any = [](const auto& rows) {
      for (const auto& row : rows) {
        if (row.site == no_site) return true;
      }
      return false;
    };
    for (const ProfileRecord& record : profile_.records) {
      if (any(record.stats) || any(record.sizes) || any(record.leaks) || any(record.site_lifetimes)) return true;
    }
    return false;
  }

  void stats(std::size_t id, const ProfileRecord& record) {
    Inserter stat = into("INSERT INTO site_stat VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (const SiteStatRow& row : record.stats) {
      stat.insert(id, id_of(row.site), figure(row.allocation_count), figure(row.allocated_bytes),
                  figure(row.live_count), figure(row.live_bytes), figure(row.peak_bytes), figure(row.temporary_count),
                  figure(row.peak_count), figure(row.max_bytes), figure(row.max_count), figure(row.live_samples),
                  figure(row.allocation_samples), id_of(named(row.site)));
    }
    Inserter leak = into("INSERT INTO site_leak VALUES (?, ?, ?, ?, ?, ?)");
    for (const SiteLeakRow& row : record.leaks) {
      leak.insert(id, id_of(row.site), to_text(row.kind), row.object_count, row.bytes,
                  known_if(!row.suppression.empty(), std::string_view(row.suppression)));
    }
    Inserter access = into("INSERT INTO site_access VALUES (?, ?, ?, ?)");
    for (const SiteAccessRow& row : record.accesses) {
      access.insert(id, id_of(row.site), figure(row.read_bytes), figure(row.written_bytes));
    }
    Inserter offset = into("INSERT INTO site_access_offset VALUES (?, ?, ?, ?)");
    for (const SiteAccessOffsetRow& row : record.access_offsets) {
      offset.insert(id, id_of(row.site), row.offset, row.access_count);
    }
  }

  void sizes(std::size_t id, const ProfileRecord& record) {
    Inserter size = into("INSERT INTO site_size VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (const SiteSizeRow& row : record.sizes) {
      size.insert(id, id_of(row.site), row.size, figure(row.allocation_count), figure(row.allocated_bytes),
                  figure(row.live_count), figure(row.live_bytes), figure(row.peak_count), figure(row.peak_bytes),
                  figure(row.temporary_count));
    }
  }

  void lifetimes(std::size_t id, const ProfileRecord& record) {
    Inserter site = into("INSERT INTO site_lifetime VALUES (?, ?, ?, ?, ?, ?)");
    for (const SiteLifetimeRow& row : record.site_lifetimes) {
      site.insert(id, id_of(row.site), to_text(row.clock), row.freed_count, row.lifetime_sum, row.is_estimated);
    }
    Inserter bucket = into("INSERT INTO lifetime VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (const LifetimeRow& row : record.lifetimes) {
      bucket.insert(id, known_if(row.site != no_site, index(row.site)), to_text(row.clock),
                    known_if(std::isfinite(row.age_below), row.age_below), row.object_count, row.bytes,
                    row.is_estimated);
    }
  }

  sqlite3* connection_;
  const std::string& path_;
  const Snapshot& snapshot_;
  const AllocationProfile& profile_;
};

}  // namespace

void write_profile(sqlite3* connection, const std::string& path, const Snapshot& snapshot,
                   const AllocationProfile& profile) {
  ProfileWriter writer(connection, path, snapshot, profile);
  writer.sites();
  writer.records();
  writer.series();
  writer.growth();
  writer.suppressions();
}

}  // namespace queries

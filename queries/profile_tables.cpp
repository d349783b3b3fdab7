#include "queries/profile_tables.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <type_traits>
#include <vector>

#include "queries/record.h"
#include "queries/small_tables.h"

namespace queries {
namespace {

using Null = Inserter::Null;

std::pair<bool, std::int64_t> figure(std::int64_t value) { return {value != not_known, value}; }

/// 1 = the newest.
std::size_t record_id(const AllocationProfile& profile, std::size_t record) {
  return record + 1 == profile.records.size() ? 1 : record + 2;
}

std::uint64_t site_id(const AllocationProfile& profile, SiteId site) {
  return site == no_site ? profile.sites.size() : index(site);
}

bool has_unknown_site(const AllocationProfile& profile) {
  const auto any = [](const auto& rows) {
    return std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.site == no_site; });
  };
  return std::any_of(profile.records.begin(), profile.records.end(), [&](const ProfileRecord& record) {
    return any(record.stats) || any(record.sizes) || any(record.leaks) || any(record.site_lifetimes);
  });
}

// The tables that have many rows, for whatever takes rows: `insert(a, b, …)`, as an Inserter does.

template <typename Rows>
void insert_site_paths(const AllocationProfile& profile, Rows& rows) {
  const SiteTree& sites = profile.sites;
  for (std::uint32_t i = 0; i < sites.size(); ++i) {
    const SiteId caller = sites.caller(SiteId{i});
    rows.insert(i, known_if(caller != no_site, index(caller)), sites.frame_of(SiteId{i}));
  }
  if (has_unknown_site(profile)) rows.insert(sites.size(), Null{}, sites.frame_count());
}

template <typename Rows>
void insert_site_stats(const AllocationProfile& profile, Rows& rows) {
  const auto named = [&](SiteId site) {
    return site == no_site || profile.naming.empty() ? site : profile.naming[index(site)];
  };
  for (std::size_t i = 0; i < profile.records.size(); ++i) {
    for (const SiteStatRow& row : profile.records[i].stats) {
      rows.insert(record_id(profile, i), site_id(profile, row.site), figure(row.allocation_count),
                  figure(row.allocated_bytes), figure(row.live_count), figure(row.live_bytes), figure(row.peak_bytes),
                  figure(row.temporary_count), figure(row.peak_count), figure(row.max_bytes), figure(row.max_count),
                  figure(row.live_samples), figure(row.allocation_samples), site_id(profile, named(row.site)));
    }
  }
}

template <typename Rows>
void insert_site_sizes(const AllocationProfile& profile, Rows& rows) {
  for (std::size_t i = 0; i < profile.records.size(); ++i) {
    for (const SiteSizeRow& row : profile.records[i].sizes) {
      rows.insert(record_id(profile, i), site_id(profile, row.site), row.size, figure(row.allocation_count),
                  figure(row.allocated_bytes), figure(row.live_count), figure(row.live_bytes), figure(row.peak_count),
                  figure(row.peak_bytes), figure(row.temporary_count));
    }
  }
}

/// Takes rows as an Inserter does and writes them as pages.
class PageRows {
 public:
  /// `has_id`: the first value is the rowid (INTEGER PRIMARY KEY); else rows are numbered from 1.
  PageRows(PageFile& file, std::uint32_t root, bool has_id)
      : tree_(file, root, TreeWriter::Kind::table), has_id_(has_id) {}

  template <typename First, typename... Values>
  void insert(const First& first, const Values&... values) {
    record_.clear();
    if (has_id_) {
      next_ = static_cast<std::int64_t>(first);
      record_.null();
    } else {
      add(first);
    }
    (add(values), ...);
    tree_.add(next_++, record_);
  }
  void finish() { tree_.finish(); }

 private:
  template <typename Integer>
  requires std::is_integral_v<Integer>
  void add(Integer value) { record_.integer(static_cast<std::int64_t>(value)); }
  void add(Null) { record_.null(); }
  template <typename Value>
  void add(const std::pair<bool, Value>& known) {
    known.first ? add(known.second) : record_.null();
  }

  TreeWriter tree_;
  Record record_;
  bool has_id_;
  std::int64_t next_ = 1;
};

/// The index of site_stat by (site_id, snapshot_id).
void write_stat_index(PageFile& file, std::uint32_t root, const AllocationProfile& profile) {
  struct Entry {
    std::uint64_t site;
    std::uint64_t record;
    std::int64_t row;
  };
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < profile.records.size(); ++i) {
    for (const SiteStatRow& row : profile.records[i].stats) {
      entries.push_back(
          {site_id(profile, row.site), record_id(profile, i), static_cast<std::int64_t>(entries.size() + 1)});
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.site, a.record, a.row) < std::tie(b.site, b.record, b.row);
  });
  TreeWriter tree(file, root, TreeWriter::Kind::index);
  Record record;
  for (const Entry& entry : entries) {
    record.clear();
    record.integer(static_cast<std::int64_t>(entry.site));
    record.integer(static_cast<std::int64_t>(entry.record));
    record.integer(entry.row);
    tree.add(record);
  }
  tree.finish();
}

class ProfileWriter {
 public:
  ProfileWriter(sqlite3* connection, const std::string& path, const Snapshot& snapshot,
                const AllocationProfile& profile)
      : connection_(connection), path_(path), snapshot_(snapshot), profile_(profile) {}

  void frames() {
    Inserter frame = into("INSERT INTO site_frame VALUES (?, ?, ?, ?, ?, ?)");
    const auto text = [](std::string_view value) { return known_if(!value.empty(), value); };
    const std::size_t count = profile_.sites.frame_count();
    for (std::uint32_t i = 0; i < count; ++i) {
      const SiteFrame row = profile_.sites.frame_text(i);
      frame.insert(i, text(row.function), text(row.file), known_if(row.line != 0, row.line), text(row.module),
                   row.is_inlined);
    }
    if (has_unknown_site(profile_)) frame.insert(count, "(unknown)", Null{}, Null{}, Null{}, 0);
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
      leaks(id_of(i), record);
      accesses(id_of(i), record);
      lifetimes(id_of(i), record);
    }
  }

  void growth() {
    Inserter insert = into("INSERT INTO growth VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    const bool has_clock = !profile_.times_are_positions;
    for (const GrowthRow& row : profile_.growth) {
      const Growth& growth = row.growth;
      const auto rate = [&](double value) {
        return known_if(has_clock && growth.verdict != GrowthVerdict::insufficient_data && !std::isnan(value), value);
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

  [[nodiscard]] std::size_t id_of(std::size_t record) const { return record_id(profile_, record); }
  [[nodiscard]] std::uint64_t id_of(SiteId site) const { return site_id(profile_, site); }

  void leaks(std::size_t id, const ProfileRecord& record) {
    Inserter leak = into("INSERT INTO site_leak VALUES (?, ?, ?, ?, ?, ?)");
    for (const SiteLeakRow& row : record.leaks) {
      leak.insert(id, id_of(row.site), to_text(row.kind), row.object_count, row.bytes,
                  known_if(!row.suppression.empty(), std::string_view(row.suppression)));
    }
  }

  void accesses(std::size_t id, const ProfileRecord& record) {
    Inserter access = into("INSERT INTO site_access VALUES (?, ?, ?, ?)");
    for (const SiteAccessRow& row : record.accesses) {
      access.insert(id, id_of(row.site), figure(row.read_bytes), figure(row.written_bytes));
    }
    Inserter offset = into("INSERT INTO site_access_offset VALUES (?, ?, ?, ?)");
    for (const SiteAccessOffsetRow& row : record.access_offsets) {
      offset.insert(id, id_of(row.site), row.offset, row.access_count);
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
  writer.frames();
  writer.records();
  writer.series();
  writer.growth();
  writer.suppressions();
}

void write_profile_pages(PageFile& file, const ProfileRoots& roots, const AllocationProfile& profile) {
  PageRows paths(file, roots.site_path, true);
  insert_site_paths(profile, paths);
  paths.finish();
  PageRows stats(file, roots.site_stat, false);
  insert_site_stats(profile, stats);
  stats.finish();
  write_stat_index(file, roots.site_stat_by_site, profile);
  PageRows sizes(file, roots.site_size, false);
  insert_site_sizes(profile, sizes);
  sizes.finish();
}

void write_profile_rows(sqlite3* connection, const std::string& path, const AllocationProfile& profile) {
  Inserter paths(connection, path, "INSERT INTO site_path VALUES (?, ?, ?)");
  insert_site_paths(profile, paths);
  Inserter stats(connection, path, "INSERT INTO site_stat VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert_site_stats(profile, stats);
  Inserter sizes(connection, path, "INSERT INTO site_size VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert_site_sizes(profile, sizes);
}

}  // namespace queries

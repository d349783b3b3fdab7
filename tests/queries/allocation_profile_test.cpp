// Allocation profiles: call paths as a tree, profiles put together, and their tables as stock SQLite sees them.
#include "queries/allocation_profile.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "queries/load_profile.h"
#include "queries/store.h"
#include "tests/support/plain_sqlite.h"

namespace {

using queries::AllocationProfile;
using queries::LeakKind;
using queries::LifetimeClock;
using queries::no_site;
using queries::not_known;
using queries::ProfileRecord;
using queries::SiteFrame;
using queries::SiteId;
using queries::SiteStatRow;
using queries::SiteTree;

SiteFrame named(std::string_view function) {
  SiteFrame frame;
  frame.function = function;
  return frame;
}

/// "leaf < caller < main" of a site.
std::string path(const SiteTree& sites, SiteId site) {
  std::string text;
  for (; site != no_site; site = sites[site].parent) {
    text += (text.empty() ? "" : " < ") + std::string(sites.frame(site).function);
  }
  return text;
}

TEST(SiteTree, EqualPathsAreOneSiteAndEveryPartOfAFrameTellsThemApart) {
  SiteTree sites;
  const SiteFrame frame{"f", "f.cpp", 3, "libf.so", false};
  const SiteId main = sites.add(no_site, named("main"));
  const SiteId f = sites.add(main, frame);
  EXPECT_EQ(sites.add(main, frame), f);
  EXPECT_NE(sites.add(no_site, frame), f);
  for (const SiteFrame& other :
       {SiteFrame{"g", "f.cpp", 3, "libf.so", false}, SiteFrame{"f", "g.cpp", 3, "libf.so", false},
        SiteFrame{"f", "f.cpp", 4, "libf.so", false}, SiteFrame{"f", "f.cpp", 3, "libg.so", false},
        SiteFrame{"f", "f.cpp", 3, "libf.so", true}}) {
    EXPECT_NE(sites.add(main, other), f);
  }
  EXPECT_EQ(sites.size(), 8u);
  const SiteFrame back = sites.frame(f);
  EXPECT_EQ(back.function, "f");
  EXPECT_EQ(back.file, "f.cpp");
  EXPECT_EQ(back.line, 3);
  EXPECT_EQ(back.module, "libf.so");
  EXPECT_FALSE(back.is_inlined);
}

TEST(SiteTree, WholePathsComeInnermostFirst) {
  SiteTree sites;
  EXPECT_EQ(sites.add_path(std::vector<SiteFrame>{}), no_site);
  const SiteId leaf = sites.add_path(std::vector{named("leaf"), named("caller"), named("main")});
  EXPECT_EQ(path(sites, leaf), "leaf < caller < main");
  EXPECT_LT(index(sites[leaf].parent), index(leaf));
}

TEST(SiteTree, MergeGivesEveryPathItsSiteHere) {
  SiteTree here;
  const SiteId shared = here.add_path(std::vector{named("leaf"), named("main")});
  SiteTree there;
  there.add(no_site, named("other"));
  const SiteId same = there.add_path(std::vector{named("leaf"), named("main")});
  const SiteId deeper = there.add(same, named("deeper"));
  const std::vector<SiteId> ids = here.merge(there);
  ASSERT_EQ(ids.size(), there.size());
  EXPECT_EQ(ids[index(same)], shared);
  for (std::uint32_t i = 0; i < there.size(); ++i) EXPECT_EQ(path(here, ids[i]), path(there, SiteId{i}));
  EXPECT_EQ(path(here, ids[index(deeper)]), "deeper < leaf < main");
  EXPECT_EQ(here.size(), 4u);
}

TEST(SiteTree, AppendedSitesAreFoundLater) {
  SiteTree sites;
  const std::uint32_t f = sites.frame_number({no_site, sites.text_number("f"), 0, 0, 7, false});
  EXPECT_EQ(sites.frame_number({no_site, sites.text_number("f"), 0, 0, 7, false}), f);
  SiteId at = no_site;
  for (int i = 0; i < 5000; ++i) at = sites.append(at, f);  // f calls f calls f …
  EXPECT_EQ(sites.size(), 5000u);
  EXPECT_EQ(sites.frame_count(), 1u);
  SiteId again = no_site;
  for (int i = 0; i < 5000; ++i) again = sites.add_numbered(again, f);
  EXPECT_EQ(again, at);
  EXPECT_EQ(sites.size(), 5000u);
  EXPECT_EQ(sites.add_numbered(at, f), SiteId{5000});
  EXPECT_EQ(sites.caller(SiteId{5000}), at);
  EXPECT_EQ(sites[SiteId{0}].parent, no_site);
  EXPECT_EQ(sites[SiteId{0}].line, 7);
}

TEST(AddKnown, NotKnownAddsNothing) {
  EXPECT_EQ(queries::add_known(1, 2), 3);
  EXPECT_EQ(queries::add_known(not_known, 2), 2);
  EXPECT_EQ(queries::add_known(1, not_known), 1);
  EXPECT_EQ(queries::add_known(not_known, not_known), not_known);
}

TEST(ProfileRecord, TotalIsTheSumOfWhatIsKnown) {
  ProfileRecord record;
  record.sum_total();
  EXPECT_EQ(record.total.allocation_count, not_known);
  record.stats.resize(3);
  record.stats[0].allocation_count = 5;
  record.stats[0].live_bytes = 70;
  record.stats[1].allocation_count = -2;  // a difference of two profiles
  record.stats[2].site = SiteId{0};
  record.sum_total();
  EXPECT_EQ(record.total.allocation_count, 3);
  EXPECT_EQ(record.total.live_bytes, 70);
  EXPECT_EQ(record.total.peak_bytes, not_known);
}

SiteStatRow stat(SiteId site, std::int64_t count, std::int64_t live_bytes) {
  SiteStatRow row;
  row.site = site;
  row.allocation_count = count;
  row.live_bytes = live_bytes;
  return row;
}

/// A site of its own with `count` allocations, and the unknown site with one.
AllocationProfile one_record(const std::string& function, std::int64_t count, double seconds) {
  AllocationProfile profile;
  profile.start = 1'000'000 + seconds;
  const SiteId site = profile.sites.add_path(std::vector<SiteFrame>{{function, "a b.cpp", 7, "app"}, named("main")});
  ProfileRecord& record = profile.records.emplace_back();
  record.path = function + ".heap";
  record.t = 0;
  record.stats = {stat(site, count, count * 10), stat(no_site, 1, 3)};
  record.sizes.push_back({site, 10, count, count * 10, count, count * 10, not_known, not_known, 0});
  record.leaks.push_back({site, LeakKind::at_end, count, count * 10, "pattern*"});
  record.leaks.push_back({no_site, LeakKind::possible, 1, 3, {}});
  record.site_lifetimes.push_back({site, LifetimeClock::bytes, 4, 100.0, true});
  record.lifetimes.push_back({no_site, LifetimeClock::bytes, 32768, 4, 40, true});
  record.lifetimes.push_back({no_site, LifetimeClock::bytes, std::numeric_limits<double>::infinity(), 1, 10, true});
  record.accesses.push_back({site, 5, not_known});
  record.access_offsets.push_back({site, 8, 2});
  record.sum_total();
  profile.series_named("live_bytes", "bytes").points = {{0, static_cast<double>(count)}};
  profile.suppressions = {"known", function};
  return profile;
}

TEST(AllocationProfile, AppendRenamesSitesAndKeepsTimes) {
  AllocationProfile profile = one_record("first", 2, 0);
  AllocationProfile later = one_record("second", 5, 60);
  later.sampling.mean_interval_bytes = 512;
  profile.append(std::move(later));
  profile.append(one_record("first", 9, 120));
  ASSERT_EQ(profile.records.size(), 3u);
  EXPECT_EQ(profile.sites.size(), 3u);
  const SiteId first = profile.records[0].stats[0].site;
  EXPECT_EQ(profile.records[2].stats[0].site, first);
  const ProfileRecord& second = profile.records[1];
  EXPECT_EQ(path(profile.sites, second.stats[0].site), "second < main");
  EXPECT_EQ(second.stats[1].site, no_site);
  for (const SiteId site : {second.sizes[0].site, second.leaks[0].site, second.site_lifetimes[0].site,
                            second.accesses[0].site, second.access_offsets[0].site}) {
    EXPECT_EQ(site, second.stats[0].site);
  }
  EXPECT_EQ(profile.series.size(), 1u);
  ASSERT_EQ(profile.series[0].points.size(), 3u);
  for (const std::size_t i : {0u, 1u, 2u}) {
    EXPECT_EQ(profile.records[i].t, 60.0 * static_cast<double>(i));
    EXPECT_EQ(profile.series[0].points[i].t, 60.0 * static_cast<double>(i));
  }
  EXPECT_FALSE(profile.times_are_positions);
  EXPECT_EQ(profile.sampling.mean_interval_bytes, 512);
  EXPECT_EQ(profile.suppressions, (std::vector<std::string>{"known", "first", "second"}));
}

TEST(AllocationProfile, TimesArePositionsWhereNobodySaidWhen) {
  AllocationProfile profile = one_record("f", 2, 0);
  AllocationProfile later = one_record("f", 5, 60);
  later.start = -1;
  profile.append(std::move(later));
  profile.append(one_record("f", 9, 120));
  EXPECT_TRUE(profile.times_are_positions);
  for (const std::size_t i : {0u, 1u, 2u}) EXPECT_EQ(profile.records[i].t, static_cast<double>(i));
  EXPECT_EQ(profile.records[1].total.allocation_count, 6);
}

/// A database file of a profile, seen through stock SQLite.
class ProfileFile {
 public:
  explicit ProfileFile(AllocationProfile profile)
      : path_(testing::TempDir() + "/heapql_profile_" + std::to_string(getpid()) + ".db") {
    queries::Snapshot snapshot;
    snapshot.path = "app.trace";
    snapshot.format = "heaptrack";
    snapshot.profile = std::make_shared<AllocationProfile>(std::move(profile));
    queries::Store store(path_, {});
    store.finish(snapshot, {});
    sqlite_ = std::make_unique<tests::PlainSqlite>(path_);
  }
  ~ProfileFile() {
    sqlite_.reset();
    std::remove(path_.c_str());
  }
  [[nodiscard]] std::string text(const std::string& sql) const { return sqlite_->text(sql); }

 private:
  std::string path_;
  std::unique_ptr<tests::PlainSqlite> sqlite_;
};

TEST(ProfileTables, AreReadByStockSqliteWithNullsForWhatIsNotKnown) {
  const ProfileFile file(one_record("f", 2, 5));
  EXPECT_EQ(file.text("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(file.text("SELECT * FROM site ORDER BY id"),
            "0||main||||0\n"
            "1|0|f|a b.cpp|7|app|0\n"
            "2||(unknown)||||0");
  EXPECT_EQ(file.text("SELECT site_id, allocation_count, allocated_bytes, live_bytes, peak_bytes FROM site_stat "
                      "WHERE snapshot_id = 1 ORDER BY site_id"),
            "1|2||20|\n2|1||3|");
  EXPECT_EQ(file.text("SELECT site_id, size, allocation_count, peak_count, temporary_count FROM site_size"),
            "1|10|2||0");
  EXPECT_EQ(file.text("SELECT site_id, kind, object_count, bytes, suppression FROM site_leak ORDER BY site_id"),
            "1|at_end|2|20|pattern*\n2|possible|1|3|");
  EXPECT_EQ(file.text("SELECT site_id, clock, freed_count, lifetime_sum, is_estimated FROM site_lifetime"),
            "1|bytes|4|100.0|1");
  EXPECT_EQ(file.text("SELECT site_id, age_below, object_count, bytes FROM lifetime ORDER BY rowid"),
            "|32768.0|4|40\n||1|10");
  EXPECT_EQ(file.text("SELECT site_id, read_bytes, written_bytes FROM site_access"), "1|5|");
  EXPECT_EQ(file.text("SELECT site_id, offset, access_count FROM site_access_offset"), "1|8|2");
  EXPECT_EQ(file.text("SELECT name, t, value, unit FROM series"), "live_bytes|0.0|2.0|bytes");
}

/// What reports are made of: every figure with its path.
std::string figures_text(const AllocationProfile& profile) {
  std::string text;
  for (const ProfileRecord& record : profile.records) {
    for (const SiteStatRow& row : record.stats) {
      for (SiteId at = row.site; at != no_site; at = profile.sites.caller(at)) {
        text += std::string(profile.sites.frame(at).function) + " < ";
      }
      text += std::to_string(row.allocation_count) + " " + std::to_string(row.live_bytes) + "\n";
    }
    for (const queries::SiteLeakRow& row : record.leaks)
      text += std::to_string(index(row.site)) + row.suppression + "\n";
  }
  return text + std::to_string(profile.sites.size());
}

TEST(ProfileTables, AreLoadedAsTheyWereKept) {
  AllocationProfile profile = one_record("f", 2, 5);
  profile.sites.add(no_site, named("(unknown)"));  // as the frame of what has no path is called
  queries::Snapshot snapshot;
  snapshot.path = "x";
  snapshot.profile = std::make_shared<AllocationProfile>(std::move(profile));
  const auto database = queries::write_digest(snapshot, {});
  const AllocationProfile loaded = queries::load_profile(*database);
  EXPECT_EQ(loaded.sites.size(), 4u);
  EXPECT_NE(figures_text(loaded).find("(unknown) < "), std::string::npos);
  database->keep_profile(snapshot.profile);
  EXPECT_EQ(figures_text(queries::load_profile(*database)), figures_text(loaded));
  EXPECT_EQ(database->take_profile(), nullptr);  // once
  EXPECT_EQ(figures_text(queries::load_profile(*database)), figures_text(loaded));
}

TEST(ProfileTables, HaveNoUnknownSiteWhereEveryPathIsKnown) {
  AllocationProfile profile;
  const SiteId site = profile.sites.add(no_site, named("main"));
  profile.records.emplace_back().stats = {stat(site, 1, 1)};
  EXPECT_EQ(ProfileFile(std::move(profile)).text("SELECT function FROM site"), "main");
}

TEST(ProfileTables, NumberTheNewestRecordOneAndTheOthersInTimeOrder) {
  AllocationProfile profile = one_record("f", 2, 0);
  profile.append(one_record("f", 3, 60));
  profile.append(one_record("f", 4, 120));
  const ProfileFile file(std::move(profile));
  EXPECT_EQ(file.text("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(file.text("SELECT id, t FROM snapshot ORDER BY t"), "2|0.0\n3|60.0\n1|120.0");
  EXPECT_EQ(file.text("SELECT s.t, sum(allocation_count) FROM site_stat JOIN snapshot s ON s.id = snapshot_id "
                      "GROUP BY snapshot_id ORDER BY s.t"),
            "0.0|3\n60.0|4\n120.0|5");
}

}  // namespace

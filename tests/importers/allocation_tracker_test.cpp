// Figures of traces, computed in one pass, against the slow and obvious way.
#include "importers/allocation_tracker.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "formats/bytes.h"
#include "tests/support/naive_trace.h"

namespace {

using importers::AllocationTracker;
using importers::KindTracker;
using queries::AllocationProfile;
using queries::LifetimeClock;
using queries::ProfileRecord;
using queries::SiteId;
using tests::NaiveFigures;
using tests::NaiveTrace;
using tests::TraceEvent;

/// Blocks of few sites and sizes at few addresses: peaks, temporaries, unknown frees and reuse of addresses abound.
std::vector<TraceEvent> random_trace(unsigned seed, std::size_t events, unsigned addresses) {
  std::mt19937 engine(seed);
  const auto random = [&] { return static_cast<unsigned>(engine()); };
  std::vector<TraceEvent> trace;
  std::vector<bool> is_live(addresses);
  const auto address_of = [](unsigned slot) { return 0x7f00'0000'0000u + std::uint64_t{slot} * 16; };
  for (std::size_t i = 0; i < events; ++i) {
    const unsigned slot = random() % addresses;
    if (is_live[slot] || random() % 16 == 0) {
      trace.push_back({false, address_of(slot), 0, 0});
      is_live[slot] = false;
    } else {
      trace.push_back({true, address_of(slot), 8u << (random() % 5), random() % 4});
      is_live[slot] = true;
      if (random() % 4 == 0) {
        trace.push_back({false, address_of(slot), 0, 0});
        is_live[slot] = false;
      }
    }
  }
  return trace;
}

template <typename Row>
void expect_equal(const Row& row, const NaiveFigures& naive) {
  EXPECT_EQ(row.allocation_count, naive.allocation_count);
  EXPECT_EQ(row.allocated_bytes, naive.allocated_bytes);
  EXPECT_EQ(row.live_count, naive.live_count);
  EXPECT_EQ(row.live_bytes, naive.live_bytes);
  EXPECT_EQ(row.peak_count, naive.peak_count);
  EXPECT_EQ(row.peak_bytes, naive.peak_bytes);
  EXPECT_EQ(row.temporary_count, naive.temporary_count);
}

/// Rows of both kinds against the naive ones; lifetimes only where blocks are known one by one.
void expect_equal(const ProfileRecord& record, const NaiveTrace& naive) {
  ASSERT_EQ(record.stats.size(), naive.sites.size());
  auto site = naive.sites.begin();
  for (const queries::SiteStatRow& row : record.stats) {
    ASSERT_EQ(index(row.site), site->first);
    expect_equal(row, site->second);
    EXPECT_EQ(row.max_bytes, site->second.max_bytes);
    ++site;
  }
  ASSERT_EQ(record.sizes.size(), naive.by_size.size());
  auto pair = naive.by_size.begin();
  for (const queries::SiteSizeRow& row : record.sizes) {
    ASSERT_EQ(index(row.site), pair->first.first);
    ASSERT_EQ(row.size, pair->first.second);
    expect_equal(row, pair->second);
    ++pair;
  }
  expect_equal(record.total, naive.total);
  EXPECT_EQ(record.total.max_bytes, naive.total.max_bytes);
  EXPECT_EQ(record.total.peak_bytes, naive.total.max_bytes);
}

TEST(AllocationTracker, AgreesWithTheSlowWay) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    const std::vector<TraceEvent> events = random_trace(seed, 300 + seed * 7, 4 + seed);
    const NaiveTrace naive(events);
    AllocationTracker tracker;
    for (const TraceEvent& event : events) {
      if (event.is_allocation) {
        tracker.allocate(event.address, event.size, SiteId{event.site});
      } else {
        tracker.free(event.address);
      }
    }
    AllocationProfile profile;
    tracker.finish(profile);
    const ProfileRecord& record = profile.records.at(0);
    expect_equal(record, naive);
    EXPECT_EQ(tracker.unknown_frees(), naive.unknown_frees);
    EXPECT_EQ(tracker.missed_frees(), 0u);
    auto site = naive.sites.begin();
    for (const queries::SiteLifetimeRow& row : record.site_lifetimes) {
      EXPECT_EQ(row.clock, LifetimeClock::bytes);
      EXPECT_EQ(row.freed_count, site->second.freed_count);
      EXPECT_EQ(row.lifetime_sum, site->second.age_bytes);
      EXPECT_FALSE(row.is_estimated);
      ++site;
    }
    EXPECT_TRUE(profile.series.empty());  // nobody said what time it is
  }
}

TEST(AllocationTracker, AgesFallIntoBucketsThatSumToAllBlocks) {
  const std::vector<TraceEvent> events = random_trace(1, 200'000, 3000);
  const NaiveTrace naive(events);
  AllocationTracker tracker;
  for (const TraceEvent& event : events) {
    event.is_allocation ? tracker.allocate(event.address, event.size, SiteId{event.site}) : tracker.free(event.address);
  }
  AllocationProfile profile;
  tracker.finish(profile);
  double above = 0;
  std::int64_t count = 0;
  for (const queries::LifetimeRow& row : profile.records.at(0).lifetimes) {
    std::int64_t expected = 0;
    std::int64_t bytes = 0;
    for (const auto& [age, size] : naive.ages) {
      if (static_cast<double>(age) < above || static_cast<double>(age) >= row.age_below) continue;
      ++expected;
      bytes += static_cast<std::int64_t>(size);
    }
    if (std::isinf(row.age_below)) {
      expected = naive.total.live_count;
      bytes = naive.total.live_bytes;
    }
    EXPECT_EQ(row.object_count, expected) << row.age_below;
    EXPECT_EQ(row.bytes, bytes) << row.age_below;
    above = row.age_below;
    count += row.object_count;
  }
  EXPECT_EQ(count, naive.total.allocation_count);
}

TEST(AllocationTracker, ABlockAtTheAddressOfAnotherEndsIt) {
  AllocationTracker tracker;
  tracker.allocate(0x10, 100, SiteId{0});
  tracker.allocate(0x10, 50, SiteId{1});
  EXPECT_EQ(tracker.missed_frees(), 1u);
  EXPECT_EQ(tracker.figures().live_bytes(), 50u);
  tracker.free(0x10);
  EXPECT_EQ(tracker.unknown_frees(), 0u);
  tracker.free(0x10);
  EXPECT_EQ(tracker.unknown_frees(), 1u);
  EXPECT_EQ(tracker.figures().live_bytes(), 0u);
  AllocationProfile profile;
  tracker.finish(profile);
  EXPECT_EQ(profile.records.at(0).total.temporary_count, 1);  // the second; of the first nobody knows when it ended
}

TEST(KindTracker, AgreesWithTheSlowWayInAllButWhoLivedHowLong) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    // A block of a kind is as good as another: the naive trace frees the youngest too.
    const std::vector<TraceEvent> random = random_trace(seed, 500, 64);
    KindTracker tracker;
    std::map<std::pair<std::uint32_t, std::uint64_t>, std::vector<std::uint64_t>> live;
    std::map<std::pair<std::uint32_t, std::uint64_t>, importers::KindId> kinds;
    std::map<std::uint64_t, std::pair<std::uint32_t, std::uint64_t>> kind_at;
    std::vector<TraceEvent> events;
    std::uint64_t next_address = 0x1000;
    for (const TraceEvent& event : random) {
      if (event.is_allocation) {
        const std::pair key(event.site, event.size);
        if (!kinds.contains(key)) kinds[key] = tracker.add_kind(SiteId{event.site}, event.size);
        kind_at[event.address] = key;
        live[key].push_back(next_address);
        events.push_back({true, next_address++, event.size, event.site});
        tracker.allocate(kinds[key]);
      } else if (const auto found = kind_at.find(event.address); found != kind_at.end()) {
        std::vector<std::uint64_t>& blocks = live[found->second];
        events.push_back({false, blocks.back(), 0, 0});
        blocks.pop_back();
        EXPECT_TRUE(tracker.free(kinds[found->second]));
        kind_at.erase(found);
      }
    }
    const NaiveTrace naive(events);
    AllocationProfile profile;
    tracker.finish(profile);
    expect_equal(profile.records.at(0), naive);
    for (const queries::SiteLifetimeRow& row : profile.records.at(0).site_lifetimes) EXPECT_TRUE(row.is_estimated);
    EXPECT_EQ(tracker.unknown_frees(), 0u);
  }
}

TEST(KindTracker, AFreeWithoutABlockIsUnknown) {
  KindTracker tracker;
  const importers::KindId kind = tracker.add_kind(SiteId{0}, 8);
  EXPECT_FALSE(tracker.free(kind));
  tracker.allocate(kind);
  EXPECT_TRUE(tracker.free(kind));
  EXPECT_FALSE(tracker.free(kind));
  EXPECT_EQ(tracker.unknown_frees(), 2u);
}

TEST(AllocationFigures, KeepFewPointsOverAnyTime) {
  for (const std::uint32_t steps : {1u, 100u, 1024u, 1025u, 100'000u}) {
    AllocationTracker tracker;
    std::uint64_t highest = 0;
    for (std::uint32_t i = 0; i < steps; ++i) {
      tracker.figures().set_time(i * 10);
      if (i == steps / 3) tracker.figures().set_rss(1 << 30);  // between two points
      tracker.figures().set_rss(4096 * (i + 1));
      tracker.allocate(0x1000 + i, 10, SiteId{0});
      if (i == steps / 2) {
        tracker.allocate(0x10, 1'000'000, SiteId{0});
        highest = tracker.figures().live_bytes();
        tracker.free(0x10);
      }
    }
    tracker.figures().set_time(steps * 10);
    tracker.figures().set_time(5);  // backwards: ignored
    AllocationProfile profile;
    tracker.finish(profile);
    EXPECT_EQ(profile.seconds, steps / 100.0);
    EXPECT_EQ(profile.peak_rss_bytes, 1 << 30);
    ASSERT_EQ(profile.series.size(), 5u);
    double seen = 0;
    for (const queries::Series& series : profile.series) {
      EXPECT_LE(series.points.size(), 1024u);
      EXPECT_GE(series.points.size(), std::min<std::size_t>(steps, 500));
      for (std::size_t i = 1; i < series.points.size(); ++i) EXPECT_LT(series.points[i - 1].t, series.points[i].t);
      if (series.name != "highest_live_bytes") continue;
      for (const queries::SeriesPoint& point : series.points) seen = std::max(seen, point.value);
    }
    EXPECT_EQ(seen, static_cast<double>(highest));
  }
}

TEST(AllocationFigures, RefuseTracesThatNoProgramCanHaveWritten) {
  AllocationTracker tracker;
  const auto allocate_it_all = [&] {
    for (std::uint64_t i = 0; i < (1u << 17); ++i) {
      tracker.allocate(0x10, importers::AllocationFigures::largest_size, SiteId{0});
      tracker.free(0x10);
    }
  };
  EXPECT_THROW(allocate_it_all(), formats::InputError);
}

}  // namespace

#include "analyzer/passes/growth.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>

#include "formats/input.h"
#include "importers/registry.h"

namespace analyzer {
namespace {

using queries::AllocationProfile;
using queries::Growth;
using queries::GrowthVerdict;
using queries::SeriesPoint;
using Points = std::vector<SeriesPoint>;

constexpr double mib = 1024 * 1024;

/// 240 moments half a second apart, with a little noise.
template <typename Shape>
Points make(Shape&& shape, double noise = 0.02 * mib) {
  std::mt19937_64 random(11);
  std::normal_distribution<double> normal(0, noise);
  Points points;
  for (int i = 0; i < 240; ++i) {
    const double t = 0.5 * i;
    points.push_back({t, shape(t) + normal(random)});
  }
  return points;
}

double saw(double t, double period, double height) { return height * std::fmod(t, period) / period; }

TEST(Growth, LineLeaks) {
  const Growth growth = find_growth(make([](double t) { return 10 * mib + mib * t; }), {});
  EXPECT_EQ(growth.verdict, GrowthVerdict::leaking);
  EXPECT_NEAR(growth.per_hour / mib, 3600, 36);
  EXPECT_LE(growth.per_hour_low, growth.per_hour);
  EXPECT_GE(growth.per_hour_high, growth.per_hour);
  EXPECT_GT(growth.r2, 0.99);
}

TEST(Growth, SawWithALeakLeaks) {
  const Growth growth = find_growth(make([](double t) { return 10 * mib + 0.2 * mib * t + saw(t, 11, 20 * mib); }), {});
  EXPECT_EQ(growth.verdict, GrowthVerdict::leaking);
  EXPECT_NEAR(growth.per_hour / mib, 720, 72);
}

TEST(Growth, SawWithoutALeakIsStable) {
  const Growth growth = find_growth(make([](double t) { return 10 * mib + saw(t, 11, 20 * mib); }), {});
  EXPECT_EQ(growth.verdict, GrowthVerdict::stable);
}

TEST(Growth, StaircaseLeaks) {
  const Growth growth = find_growth(make([](double t) { return 10 * mib + 20 * mib * std::floor(t / 15); }), {});
  EXPECT_EQ(growth.verdict, GrowthVerdict::leaking);
}

TEST(Growth, OneStepIsAStep) {
  EXPECT_EQ(find_growth(make([](double t) { return (t < 60 ? 10 : 60) * mib; }), {}).verdict, GrowthVerdict::step);
}

TEST(Growth, PlateauIsStable) {
  EXPECT_EQ(find_growth(make([](double t) { return mib * std::min(t * 4, 40.0); }), {}).verdict, GrowthVerdict::stable);
}

TEST(Growth, SaturationIsWarmingUp) {
  const Growth growth = find_growth(make([](double t) { return 40 * mib * (1 - std::exp(-t / 30)); }), {});
  EXPECT_EQ(growth.verdict, GrowthVerdict::warming_up);
}

TEST(Growth, FlatIsStable) {
  EXPECT_EQ(find_growth(make([](double) { return 10 * mib; }), {}).verdict, GrowthVerdict::stable);
  EXPECT_EQ(find_growth(make([](double) { return 10 * mib; }, 0), {}).verdict, GrowthVerdict::stable);
}

TEST(Growth, ShrinkingIsStable) {
  EXPECT_EQ(find_growth(make([](double t) { return 200 * mib - mib * t; }), {}).verdict, GrowthVerdict::stable);
}

TEST(Growth, FewMomentsAreInsufficient) {
  Points points;
  for (int i = 0; i < 7; ++i) points.push_back({static_cast<double>(i), mib * i});
  const Growth growth = find_growth(points, {});
  EXPECT_EQ(growth.verdict, GrowthVerdict::insufficient_data);
  EXPECT_EQ(growth.point_count, 7u);
  EXPECT_EQ(growth.last, 6 * mib);
  points.push_back({7, 7 * mib});
  EXPECT_EQ(find_growth(points, {}).verdict, GrowthVerdict::leaking);
  EXPECT_EQ(find_growth({}, {}).verdict, GrowthVerdict::insufficient_data);
}

TEST(Growth, TwoPeriodsAreInsufficient) {
  EXPECT_EQ(find_growth(make([](double t) { return 10 * mib + saw(t, 50, 20 * mib); }), {}).verdict,
            GrowthVerdict::insufficient_data);
}

TEST(Growth, APageNowAndThenIsNoise) {
  EXPECT_EQ(find_growth(make([](double t) { return 100 * mib + 400 * std::floor(t / 5); }, 0), {}).verdict,
            GrowthVerdict::stable);
}

TEST(Growth, TimeToTheLimit) {
  GrowthOptions options;
  options.limit = 490 * mib;
  const Growth growth = find_growth(make([](double t) { return 10 * mib + mib * t; }, 0), options);
  EXPECT_NEAR(growth.hours_to_limit, (490 - 129.5) / 3600, 0.001);
}

TEST(Growth, WhatIsNoNumberIsLeftOut) {
  Points points = make([](double t) { return 10 * mib + mib * t; });
  points[10].value = std::nan("");
  points[20].t = std::nan("");
  points[30] = points[29];  // the same moment twice
  EXPECT_EQ(find_growth(points, {}).verdict, GrowthVerdict::leaking);
}

/// Random leaks and random nothings: the verdict must not be wrong more than now and then.
TEST(Growth, RandomSeries) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> unit;
  int missed = 0, false_alarms = 0;
  for (int run = 0; run < 100; ++run) {
    const double period = 4 + 10 * unit(random);
    const double height = 20 * mib * unit(random);
    const double rate = 0.3 * mib * (0.2 + unit(random));
    const auto shape = [&](double t) { return 50 * mib + saw(t + period * 0.3, period, height); };
    missed += find_growth(make([&](double t) { return shape(t) + rate * t; }), {}).verdict != GrowthVerdict::leaking;
    false_alarms += find_growth(make(shape), {}).verdict == GrowthVerdict::leaking;
  }
  EXPECT_LE(missed, 10);
  EXPECT_LE(false_alarms, 2);
}

TEST(Growth, PrimarySeriesIsTheOneThatTellsMost) {
  AllocationProfile profile;
  EXPECT_EQ(primary_series(profile.series), nullptr);
  profile.series_named("rss_bytes", "bytes").points.push_back({0, 1});
  EXPECT_EQ(primary_series(profile.series)->name, "rss_bytes");
  profile.series_named("live_bytes", "bytes").points.push_back({0, 1});
  EXPECT_EQ(primary_series(profile.series)->name, "live_bytes");
}

AllocationProfile sites_over_time(std::int64_t samples) {
  AllocationProfile profile;
  const queries::SiteId leaks = profile.sites.add(queries::no_site, {"leaks", "a.cc", 1, "", false});
  const queries::SiteId steady = profile.sites.add(queries::no_site, {"steady", "a.cc", 2, "", false});
  for (int i = 0; i < 12; ++i) {
    queries::ProfileRecord record;
    record.t = 60.0 * i;
    queries::SiteStatRow row;
    row.site = leaks;
    row.live_bytes = 1'000'000 * (i + 1);
    row.live_samples = samples;
    record.stats.push_back(row);
    row.site = steady;
    row.live_bytes = 5'000'000 + 1000 * ((i * 7) % 5);
    record.stats.push_back(row);
    record.sum_total();
    profile.records.push_back(record);
  }
  return profile;
}

TEST(Growth, SitesOfASeries) {
  AllocationProfile profile = sites_over_time(queries::not_known);
  profile.add_record_series();
  find_profile_growth(profile, {});
  std::map<std::string, GrowthVerdict> verdicts;
  for (const queries::GrowthRow& row : profile.growth) {
    verdicts[row.site == queries::no_site ? row.name : std::string(profile.sites.frame(row.site).function)] =
        row.growth.verdict;
  }
  EXPECT_EQ(verdicts["leaks"], GrowthVerdict::leaking);
  EXPECT_EQ(verdicts["steady"], GrowthVerdict::stable);
  EXPECT_EQ(verdicts["live_bytes"], GrowthVerdict::leaking);
}

TEST(Growth, WhatOnlyCountsUpHasNoVerdict) {
  AllocationProfile profile;
  for (const char* name : {"live_bytes", "allocated_bytes", "allocation_count", "highest_live_bytes"}) {
    for (int i = 0; i < 40; ++i) profile.series_named(name, "bytes").points.push_back({60.0 * i, mib * (i + 1)});
  }
  find_profile_growth(profile, {});
  ASSERT_EQ(profile.growth.size(), 1u);
  EXPECT_EQ(profile.growth[0].name, "live_bytes");
}

TEST(Growth, FromNothingThereIsNoPercentage) {
  const Growth growth = find_growth(make([](double t) { return mib * t - 40 * mib; }), {});
  EXPECT_EQ(growth.verdict, GrowthVerdict::leaking);
  EXPECT_GT(growth.per_hour, 0);
  EXPECT_TRUE(std::isnan(growth.percent_per_hour));
}

TEST(Growth, FewSamplesTellNothingOfASite) {
  AllocationProfile profile = sites_over_time(9);
  find_profile_growth(profile, {});
  for (const queries::GrowthRow& row : profile.growth) {
    if (row.site == queries::no_site) continue;
    EXPECT_EQ(row.growth.verdict, GrowthVerdict::insufficient_data);
  }
}

// ---- labelled series, where they are at hand ----

struct Labelled {
  const char* folder;
  GrowthVerdict verdict;
};

class LabelledSeries : public testing::TestWithParam<Labelled> {};

TEST_P(LabelledSeries, VerdictIsRight) {
  const char* named = std::getenv("HEAPQL_DATA");
  const std::filesystem::path data =
      named != nullptr ? std::filesystem::path(named) : std::filesystem::path(HEAPQL_SOURCE_DIR) / "../shared/data";
  for (const char* file : {"series.csv", "status.txt", "smaps_rollup.txt"}) {
    const std::filesystem::path path = data / "trace/smaps" / GetParam().folder / file;
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "no labelled series here: set HEAPQL_DATA to their folder";
    formats::DamageLog damage;
    const formats::Input input = formats::Input::open(path.string(), damage);
    queries::Snapshot snapshot;
    importers::ImportJob job{input, {}, snapshot, nullptr, nullptr, {}};
    const importers::Importer* importer = importers::find_importer(input.bytes());
    ASSERT_NE(importer, nullptr) << path;
    importer->run(job);
    ASSERT_NE(snapshot.profile, nullptr);
    EXPECT_EQ(snapshot.damage_count, 0u) << path;
    find_profile_growth(*snapshot.profile, {});
    for (const queries::GrowthRow& row : snapshot.profile->growth) {
      if (row.is_primary || row.name == "rss_bytes") {
        EXPECT_EQ(row.growth.verdict, GetParam().verdict) << path << " " << row.name;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Growth, LabelledSeries,
    testing::Values(Labelled{"linear", GrowthVerdict::leaking}, Labelled{"leaksaw", GrowthVerdict::leaking},
                    Labelled{"step", GrowthVerdict::leaking}, Labelled{"log", GrowthVerdict::warming_up},
                    Labelled{"plateau", GrowthVerdict::stable}, Labelled{"saw", GrowthVerdict::stable},
                    Labelled{"flat", GrowthVerdict::stable}),
    [](const auto& of) { return std::string(of.param.folder); });

}  // namespace
}  // namespace analyzer

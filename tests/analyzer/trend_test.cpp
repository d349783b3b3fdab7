#include "analyzer/trend.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "analyzer/commands/command.h"
#include "analyzer/gates/gate.h"
#include "analyzer/reports/reports.h"
#include "queries/allocation_profile.h"
#include "queries/store.h"

namespace analyzer {
namespace {

using queries::ClassId;

/// A heap whose sessions grow with `moment`.
std::unique_ptr<queries::Database> heap_at(int moment, std::int64_t taken_at_ms) {
  queries::Snapshot snapshot;
  snapshot.taken_at_ms = taken_at_ms;
  queries::ClassRow session, text;
  session.name = "com.acme.Session";
  text.name = "byte[]";
  snapshot.classes = {session, text};
  queries::Results results;
  const auto bytes = static_cast<std::uint64_t>(1'000'000 * (moment + 1));
  results.class_stats = {{ClassId{0}, 1, bytes, 1, bytes, bytes}, {ClassId{1}, 1, 500'000, 1, 500'000, 500'000}};
  results.metrics = {{"heap.live_bytes", static_cast<double>(bytes + 500'000), "bytes"},
                     {"suspects.max_retained_percent", 50, "percent"}};
  return queries::write_digest(snapshot, results);
}

struct Moments {
  std::vector<std::unique_ptr<queries::Database>> databases;
  std::vector<TrendMoment> moments;
};
Moments heaps(int count, bool with_clock) {
  Moments all;
  for (int i = 0; i < count; ++i) {
    all.databases.push_back(heap_at(i, with_clock ? 1'795'000'000'000 + 60'000LL * i : -1));
    all.moments.push_back({"heap" + std::to_string(i) + ".db", all.databases.back().get()});
  }
  return all;
}

const queries::GrowthRow* find(const Trend& trend, const std::string& name) {
  for (const queries::GrowthRow& row : trend.snapshot.profile->growth) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

TEST(Trend, GrowingClassLeaksAndSteadyOneDoesNot) {
  const Moments all = heaps(10, true);
  const Trend trend = find_trend_of(all.moments, {});
  ASSERT_NE(find(trend, "com.acme.Session"), nullptr);
  EXPECT_EQ(find(trend, "com.acme.Session")->growth.verdict, queries::GrowthVerdict::leaking);
  EXPECT_NEAR(find(trend, "com.acme.Session")->growth.per_hour, 60e6, 1);
  EXPECT_EQ(find(trend, "byte[]")->growth.verdict, queries::GrowthVerdict::stable);
  EXPECT_TRUE(find(trend, "heap.live_bytes")->is_primary);
  EXPECT_EQ(find(trend, "suspects.max_retained_percent"), nullptr);  // no amount
}

TEST(Trend, MomentsGivenInAnyOrderAreSortedByTheirTime) {
  Moments all = heaps(10, true);
  std::reverse(all.moments.begin(), all.moments.end());
  const Trend trend = find_trend_of(all.moments, {});
  EXPECT_EQ(find(trend, "heap.live_bytes")->growth.verdict, queries::GrowthVerdict::leaking);
}

TEST(Trend, WithoutAClockThereIsAnOrderButNoRate) {
  const Moments all = heaps(10, false);
  const Trend trend = find_trend_of(all.moments, {});
  EXPECT_EQ(find(trend, "heap.live_bytes")->growth.verdict, queries::GrowthVerdict::leaking);
  const auto database = queries::write_digest(trend.snapshot, trend.results);
  EXPECT_FALSE(database->metric("growth.bytes_per_hour"));
  EXPECT_EQ(database->metric("growth.leaking"), 1);
  EXPECT_EQ(trend.snapshot.warnings.size(), 1u);
}

TEST(Trend, TwoMomentsAreNoRate) {
  const Moments all = heaps(2, true);
  const Trend trend = find_trend_of(all.moments, {});
  EXPECT_EQ(find(trend, "heap.live_bytes")->growth.verdict, queries::GrowthVerdict::insufficient_data);
}

TEST(Trend, KindsDoNotMix) {
  Moments all = heaps(1, true);
  queries::Snapshot profile;
  profile.profile = std::make_shared<queries::AllocationProfile>();
  profile.meta.emplace_back("kind", "allocation_profile");
  all.databases.push_back(queries::write_digest(profile, {}));
  all.moments.push_back({"profile.db", all.databases.back().get()});
  EXPECT_THROW((void)find_trend_of(all.moments, {}), UsageError);
}

TEST(Trend, TwoKindsOfHeapsAreRefusedByName) {
  Moments all = heaps(2, true);
  queries::Snapshot core;
  core.format = "core";
  all.databases.push_back(queries::write_digest(core, {}));
  all.moments.push_back({"core.1", all.databases.back().get()});
  try {
    (void)find_trend_of(all.moments, {});
    FAIL() << "a trend of two kinds";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("core.1 is of kind core"), std::string::npos) << error.what();
  }
}

TEST(Trend, WithoutAClockThereIsNoTimeToTheLimit) {
  const Moments all = heaps(10, false);
  GrowthOptions options;
  options.limit = 1e9;
  EXPECT_LT(find(find_trend_of(all.moments, options), "heap.live_bytes")->growth.hours_to_limit, 0);
  const Moments timed = heaps(10, true);
  EXPECT_GT(find(find_trend_of(timed.moments, options), "heap.live_bytes")->growth.hours_to_limit, 0);
}

TEST(Trend, ReportAndGateReadWhatItFound) {
  const Moments all = heaps(10, true);
  const Trend trend = find_trend_of(all.moments, {});
  const auto database = queries::write_digest(trend.snapshot, trend.results);
  const Report report = build_growth(*database, {});
  ASSERT_GE(report.sections.size(), 3u);
  EXPECT_EQ(report.sections[0].title, "LEAKING");

  const auto status = [&](const std::vector<std::string>& settings) {
    const GateResult gate = evaluate_gate(load_gate_config("", settings), *database, {});
    EXPECT_EQ(gate.rules.size(), 1u);
    return gate.rules.front().status;
  };
  EXPECT_EQ(status({"growth.max_rate=50%/h"}), RuleStatus::failed);
  EXPECT_EQ(status({"growth.max_rate=1 GiB/h"}), RuleStatus::passed);
  EXPECT_EQ(status({"growth.verdict=leaking"}), RuleStatus::failed);
  EXPECT_EQ(status({"growth.verdict=step, warming_up"}), RuleStatus::passed);
  EXPECT_EQ(status({"growth.max_leaking_sites=0"}), RuleStatus::not_evaluated);
  EXPECT_THROW((void)load_gate_config("", {"growth.verdict=bad"}), UsageError);
  EXPECT_THROW((void)load_gate_config("", {"growth.max_rate=fast"}), UsageError);
}

TEST(Trend, RateIsNotJudgedOnTooFewMoments) {
  const Moments all = heaps(3, true);
  const auto database = queries::write_digest(find_trend_of(all.moments, {}).snapshot, {});
  const GateResult gate = evaluate_gate(load_gate_config("", {"growth.max_rate=50%/h"}), *database, {});
  EXPECT_EQ(gate.rules.front().status, RuleStatus::not_evaluated);
  EXPECT_EQ(gate.exit_status(), exit_not_evaluated);
}

}  // namespace
}  // namespace analyzer

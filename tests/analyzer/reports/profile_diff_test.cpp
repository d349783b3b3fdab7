#include <gtest/gtest.h>

#include "analyzer/commands/command.h"
#include "analyzer/passes/profile_metrics.h"
#include "analyzer/reports/diff.h"
#include "analyzer/reports/render.h"
#include "queries/store.h"
#include "tests/support/profile_builder.h"

namespace analyzer {
namespace {

std::unique_ptr<queries::Database> database_of(tests::ProfileBuilder builder) {
  const queries::Snapshot snapshot = builder.snapshot();
  queries::Results results;
  results.metrics = profile_metrics(*snapshot.profile, snapshot);
  return queries::write_digest(snapshot, results);
}

std::string status_of(const Report& report, const std::string& site) {
  for (const auto& row : report.sections.at(0).tables.at(0).rows) {
    if (const auto* name = std::get_if<std::string>(&row[0]); name != nullptr && *name == site) {
      return std::get<std::string>(row[2]);
    }
  }
  return "not listed";
}

TEST(ProfileDiff, SitesAreNewGoneGrownOrTheSame) {
  tests::ProfileBuilder after = tests::small_server();
  after.allocate({"main", "serve(int)", "Session::open()", "malloc"}, {50, 5'000, 50, 5'000, 0, 0, 0});
  after.allocate({"main", "Log::write()", "malloc"}, {1, 64, 1, 64, 0, 0, 0});
  const Report report = build_diff(*database_of(tests::small_server()), *database_of(after), {});
  EXPECT_EQ(status_of(report, "Session::open()"), "grown");
  EXPECT_EQ(status_of(report, "Log::write()"), "new");
  EXPECT_EQ(status_of(report, "Cache<int, long>::put(int)"), "same");
  EXPECT_EQ(std::get<std::int64_t>(report.sections[0].tables[0].total[5]), 5'064);
  EXPECT_EQ(status_of(build_diff(*database_of(after), *database_of(tests::small_server()), {}), "Log::write()"),
            "gone");
}

TEST(ProfileDiff, SitesWithNothingOfTheFigureAreNoRows) {
  tests::ProfileBuilder after = tests::small_server();
  after.allocate({"main", "Log::write()", "malloc"}, {7, 64, 0, 0, 0, 0, 0});  // all freed
  const Report report = build_diff(*database_of(tests::small_server()), *database_of(after), {});
  EXPECT_EQ(status_of(report, "Log::write()"), "not listed");
}

TEST(ProfileDiff, WhatIsWithinTheErrorIsNoGrowth) {
  tests::ProfileBuilder after = tests::small_server();
  after.profile().records.back().stats[0].live_bytes = 12'000;
  after.profile().records.back().leaks[0].bytes = 12'000;
  const Report report =
      build_diff(*database_of(tests::small_server().sampled(1024, 16)), *database_of(after.sampled(1024, 16)), {});
  EXPECT_EQ(status_of(report, "Session::open()"), "within error");  // ± 49 % of either
}

}  // namespace
}  // namespace analyzer

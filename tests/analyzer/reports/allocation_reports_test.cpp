#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

#include "analyzer/commands/command.h"
#include "analyzer/passes/profile_metrics.h"
#include "analyzer/passes/suppressions.h"
#include "analyzer/reports/render.h"
#include "analyzer/reports/reports.h"
#include "queries/database.h"
#include "queries/store.h"
#include "tests/support/profile_builder.h"

namespace analyzer {
namespace {

std::unique_ptr<queries::Database> database_of(queries::Snapshot snapshot) {
  apply_suppressions({}, *snapshot.profile);
  queries::Results results;
  results.metrics = profile_metrics(*snapshot.profile, snapshot);
  return queries::write_digest(snapshot, results);
}
std::unique_ptr<queries::Database> database_of(tests::ProfileBuilder builder) {
  return database_of(builder.snapshot());
}

double number(const Cell& cell) {
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return static_cast<double>(*integer);
  const auto* real = std::get_if<double>(&cell);
  return real != nullptr ? *real : 0;
}

void expect_conservation(const Section& section) {
  for (const Table& table : section.tables) {
    for (const auto& row : table.rows) ASSERT_EQ(row.size(), table.columns.size()) << table.name;
    if (table.total.empty()) continue;
    for (const std::size_t column : table.summed_columns) {
      double sum = table.others.empty() ? 0 : number(table.others[column]);
      for (const auto& row : table.rows) sum += number(row[column]);
      EXPECT_NEAR(sum, number(table.total[column]), 1e-6) << table.name << ' ' << table.columns[column].name;
    }
  }
}

const Table& table_named(const Report& report, std::string_view name) {
  for (const Section& section : report.sections) {
    for (const Table& table : section.tables) {
      if (table.name == name) return table;
    }
  }
  throw std::runtime_error("no table " + std::string(name));
}

std::string text_of(const Report& report) { return render_text(report, {}); }

TEST(AllocationReports, EveryReportOfAProfileConservesWhatItSums) {
  const auto database = database_of(tests::small_server());
  for (const ReportType& type : report_types()) {
    std::string why;
    if (!suits(type, *database, why)) continue;
    for (const std::size_t rows : {std::size_t{0}, std::size_t{1}, std::size_t{25}}) {
      for (const SitesBy by : {SitesBy::bottom_up, SitesBy::top_down, SitesBy::function}) {
        SCOPED_TRACE(type.name);
        ReportOptions options{rows};
        options.sites.by = by;
        const Report report = type.build(*database, options);
        EXPECT_EQ(report.name, type.name);
        EXPECT_FALSE(report.sections.empty());
        for (const Section& section : report.sections) expect_conservation(section);
      }
    }
  }
}

TEST(AllocationReports, AllocationsSayWhichFunctionsOfTheAllocatorWereCalled) {
  queries::Snapshot snapshot = tests::small_server().snapshot();
  snapshot.meta.emplace_back("memray.calls.calloc", "9");
  snapshot.meta.emplace_back("memray.calls.malloc", "100");
  const Report report = build_allocations(*database_of(std::move(snapshot)), {});
  const Table& calls = table_named(report, "calls");
  ASSERT_EQ(calls.rows.size(), 2u);
  EXPECT_EQ(std::get<std::string>(calls.rows[0][0]), "malloc");
  EXPECT_EQ(number(calls.rows[0][1]), 100);
  EXPECT_THROW(table_named(build_allocations(*database_of(tests::small_server()), {}), "calls"), std::runtime_error);
}

TEST(AllocationReports, LeaksNameTheCallerOfTheAllocator) {
  const Report report = build_site_leaks(*database_of(tests::small_server()), {});
  const Table& table = table_named(report, "sites");
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(std::get<std::string>(table.rows[0][0]), "Session::open()");
  EXPECT_EQ(std::get<std::string>(table.rows[0][1]), "main.cc:12");
  EXPECT_EQ(number(table.rows[0][2]), 10'000);
  EXPECT_EQ(number(table.total[2]), 10'200);
  EXPECT_NE(text_of(report).find("← serve(int) (main.cc:11)"), std::string::npos) << text_of(report);
}

TEST(AllocationReports, MergingByFunctionJoinsItsLines) {
  ReportOptions options;
  options.sites.merge = MergeBy::function;
  const Table table = table_named(build_allocations(*database_of(tests::small_server()), options), "sites");
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_EQ(std::get<std::string>(table.rows[1][0]), "Session::open()");
  EXPECT_EQ(number(table.rows[1][2]), 200);
  options.sites.merge = MergeBy::module;
  EXPECT_EQ(table_named(build_allocations(*database_of(tests::small_server()), options), "sites").rows.size(), 1u);
}

TEST(AllocationReports, InclusiveFiguresCountEveryFunctionOfAPathOnce) {
  ReportOptions options;
  options.sites.by = SitesBy::function;
  tests::ProfileBuilder builder = tests::small_server();
  builder.allocate({"main", "recurse()", "recurse()", "malloc"}, {7, 70, 0, 0, 0, 0, 0});
  const Table table = table_named(build_allocations(*database_of(builder), options), "functions");
  std::map<std::string, double> inclusive;
  for (const auto& row : table.rows) inclusive[std::get<std::string>(row[0])] = number(row[3]);
  EXPECT_EQ(inclusive["main"], 1'117);
  EXPECT_EQ(inclusive["serve(int)"], 1'010);
  EXPECT_EQ(inclusive["recurse()"], 7);
}

TEST(AllocationReports, CallersOfAFunctionSumToIt) {
  ReportOptions options;
  options.sites.callers_of = "Session::open";
  options.sites.sort = "allocated_bytes";
  const Report report = build_allocations(*database_of(tests::small_server()), options);
  const std::string text = text_of(report);
  EXPECT_NE(text.find("58.8 %"), std::string::npos) << text;  // 10,000 of 17,000 through serve
  options.sites.callers_of = "Session::opne";
  EXPECT_THROW((void)build_allocations(*database_of(tests::small_server()), options), UsageError);
}

TEST(AllocationReports, DhatsOrdersPutTheirKindFirst) {
  EXPECT_EQ(dhat_orders().size(), 16u);
  tests::ProfileBuilder builder = tests::small_server();
  builder.allocate({"main", "tiny()", "malloc"}, {3, 24, 0, 0, 0, 0, 0});
  ReportOptions options;
  options.sites.sort = "total-blocks-tiny";
  const Table table = table_named(build_allocations(*database_of(builder), options), "sites");
  EXPECT_EQ(std::get<std::string>(table.rows[0][0]), "tiny()");
  options.sites.sort = "total-blcks";
  EXPECT_THROW((void)build_allocations(*database_of(builder), options), UsageError);
}

TEST(AllocationReports, SampledFiguresCarryTheirError) {
  const Report report = build_allocations(*database_of(tests::small_server().sampled(512 << 10, 16)), {});
  const std::string text = text_of(report);
  EXPECT_NE(text.find("sampled record"), std::string::npos);
  const Table& table = table_named(report, "sites");
  EXPECT_EQ(table.columns[4].name, "allocation_count_error_percent");
  EXPECT_NEAR(number(table.rows[0][4]), 49, 0.01);  // 196 / √16
  EXPECT_NEAR(number(table.total[4]), 24.5, 0.01);  // 64 samples
}

TEST(AllocationReports, SuppressedLeaksAreNoLeaksAndSaidToBe) {
  tests::ProfileBuilder builder = tests::small_server();
  builder.profile().suppressions = {"Session::open", "never"};
  const auto database = database_of(builder);
  EXPECT_EQ(database->metric("leaks.bytes"), 200);
  EXPECT_EQ(database->metric("leaks.suppressed_bytes"), 10'000);
  const Report report = build_site_leaks(*database, {});
  EXPECT_EQ(number(table_named(report, "sites").total[2]), 200);
  EXPECT_EQ(number(table_named(report, "suppressions").rows[0][3]), 10'000);
  EXPECT_NE(text_of(report).find("1 suppression matched nothing"), std::string::npos) << text_of(report);
}

TEST(AllocationReports, ASummaryFitsAScreen) {
  const std::string text = text_of(build_summary(*database_of(tests::small_server()), {}));
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 50) << text;
  for (const char* needed : {"1,110 allocations", "Session::open()", "format(char const*)"}) {
    EXPECT_NE(text.find(needed), std::string::npos) << text;
  }
}

TEST(AllocationReports, LifetimesSayWhatDiesYoung) {
  tests::ProfileBuilder builder = tests::small_server();
  auto& rows = builder.profile().records.back().lifetimes;
  rows.push_back({queries::no_site, queries::LifetimeClock::bytes, 32 << 10, 900, 18'000, false});
  rows.push_back({queries::no_site, queries::LifetimeClock::bytes, 1 << 20, 105, 7'200, true});
  rows.push_back({queries::no_site, queries::LifetimeClock::bytes, HUGE_VAL, 105, 10'200, false});
  const std::string text = text_of(build_lifetimes(*database_of(builder), {}));
  EXPECT_NE(text.find("81.1 % of the objects and 50.8 % of the bytes died at an age < 32.0 KiB"), std::string::npos)
      << text;
  EXPECT_NE(text.find("Estimated"), std::string::npos);
}

TEST(AllocationReports, SizesSayWhatRoundingCosts) {
  const Report report = build_sizes(*database_of(tests::small_server()), {});
  // At the peak: 80 of 100 bytes (104 with glibc), 10 of 40 (40), 1 of 20 (24).
  EXPECT_EQ(number(report.sections[0].facts[0].value), 80 * 4 + 0 + 4);
}

TEST(AllocationReports, SizesOfASampledRecordHaveTheirError) {
  tests::ProfileBuilder builder = tests::small_server();
  builder.sampled(1000, 1);
  const Table sizes = table_named(build_sizes(*database_of(builder), {}), "sizes");
  ASSERT_EQ(sizes.columns.back().name, "error_percent");
  // 900 blocks of 20 bytes: 900 (1 - exp(-20 / 1000)) = 18 samples; 100 of 70 bytes: 6.8, which can be only 7.
  EXPECT_EQ(std::get<std::string>(sizes.rows[0][0]), "20");
  EXPECT_NEAR(number(sizes.rows[0].back()), 100 * 1.96 / std::sqrt(18), 0.001);
  EXPECT_EQ(std::get<std::string>(sizes.rows[1][0]), "70");
  EXPECT_NEAR(number(sizes.rows[1].back()), 100 * 1.96 / std::sqrt(7), 0.001);
  EXPECT_EQ(table_named(build_pools(*database_of(builder), {}), "pools").columns.back().name, "error_percent");
  const Table exact = table_named(build_sizes(*database_of(tests::small_server()), {}), "sizes");
  EXPECT_NE(exact.columns.back().name, "error_percent");
}

TEST(AllocationReports, PoolsAreForManyShortLivedBlocksOfOneSize) {
  tests::ProfileBuilder builder = tests::small_server();
  builder.allocate({"main", "hot()", "malloc"}, {1'000'000, 64'000'000, 0, 0, 1, 64, 999'000});
  const Table table = table_named(build_pools(*database_of(builder), {}), "pools");
  EXPECT_EQ(std::get<std::string>(table.rows[0][0]), "hot()");
  EXPECT_EQ(number(table.rows[0][4]), 500'000);       // in 2 s
  EXPECT_NEAR(number(table.rows[0][7]), 1.3, 0.001);  // percent of a core at 26 ns
  EXPECT_EQ(std::get<std::string>(table.rows[0][8]), "a pool pays");
  EXPECT_EQ(std::get<std::string>(table.rows[1][8]), "too rare");
}

TEST(AllocationReports, TimelinesAreDrawnAndListed) {
  tests::ProfileBuilder builder = tests::small_server();
  builder.profile().series.push_back({"live_bytes", "bytes", {{0, 0}, {1, 1024}, {2, 512}}});
  const Report report = build_timeline(*database_of(builder), {});
  EXPECT_EQ(table_named(report, "points").rows.size(), 3u);
  EXPECT_NE(text_of(report).find("1.0 KiB │"), std::string::npos) << text_of(report);
}

TEST(AllocationReports, NamesCannotSteerTheTerminal) {
  tests::ProfileBuilder builder;
  builder.allocate({"main\x1b[31m", "f\x1b]0;title\x07", "malloc"}, {1, 8, 1, 8, 1, 8, 0});
  const auto database = database_of(builder);
  for (const ReportType& type : report_types()) {
    std::string why;
    if (!suits(type, *database, why)) continue;
    EXPECT_EQ(text_of(type.build(*database, {})).find('\x1b'), std::string::npos) << type.name;
  }
}

}  // namespace
}  // namespace analyzer

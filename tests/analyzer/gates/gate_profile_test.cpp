#include "analyzer/gates/gate_profile.h"

#include <gtest/gtest.h>

#include "analyzer/commands/command.h"
#include "analyzer/gates/baseline.h"
#include "analyzer/gates/outputs.h"
#include "analyzer/passes/profile_metrics.h"
#include "analyzer/passes/suppressions.h"
#include "queries/store.h"
#include "tests/support/profile_builder.h"

namespace analyzer {
namespace {

std::unique_ptr<queries::Database> database_of(tests::ProfileBuilder builder) {
  queries::Snapshot snapshot = builder.snapshot();
  apply_suppressions({}, *snapshot.profile);
  queries::Results results;
  results.metrics = profile_metrics(*snapshot.profile, snapshot);
  return queries::write_digest(snapshot, results);
}

GateResult check(tests::ProfileBuilder builder, const std::vector<std::string>& rules,
                 const std::set<std::string>& known = {}) {
  return evaluate_gate(load_gate_config("", rules), *database_of(std::move(builder)), known);
}

TEST(GateProfile, TotalsAreRulesOfTheTrace) {
  EXPECT_EQ(check(tests::small_server(), {"trace.max_leaked=10200"}).exit_status(), exit_ok);
  EXPECT_EQ(check(tests::small_server(), {"trace.max_leaked=10199"}).exit_status(), exit_gate_failed);
  EXPECT_EQ(check(tests::small_server(), {"trace.max_peak=8 KiB"}).exit_status(), exit_gate_failed);  // 8,420
  EXPECT_EQ(check(tests::small_server(), {"trace.max_allocations=1110"}).exit_status(), exit_ok);
  const GateResult temporary = check(tests::small_server(), {"trace.max_temporary_percent=80%"});
  EXPECT_EQ(temporary.exit_status(), exit_gate_failed);  // 890 of 1,110
  EXPECT_EQ(temporary.rules[0].findings.at(0).title, "format(char const*) (main.cc:12)");
}

TEST(GateProfile, SitesAreJudgedPathByPath) {
  // 100 allocations through serve, 100 directly: each path keeps the limit, though the function has 200.
  EXPECT_EQ(check(tests::small_server(), {"site Session::open.max_allocations=100"}).exit_status(), exit_ok);
  const GateResult gate = check(tests::small_server(), {"site Session::*.max_leaked=1KiB"});
  EXPECT_EQ(gate.exit_status(), exit_gate_failed);
  ASSERT_EQ(gate.rules[0].findings.size(), 1u);
  EXPECT_EQ(gate.rules[0].findings[0].stack.at(0), "serve(int) (main.cc:11)");
  const std::string text = render_gate_text(gate, false);
  EXPECT_NE(text.find("Session::open() (main.cc:12)  9.8 KiB leaked"), std::string::npos) << text;
  EXPECT_NE(text.find("← serve(int)"), std::string::npos) << text;
  // Any frame, and files as well.
  EXPECT_EQ(check(tests::small_server(), {"site serve.max_live=100"}).exit_status(), exit_gate_failed);
  EXPECT_EQ(check(tests::small_server(), {"site main.cc.max_live=100"}).exit_status(), exit_gate_failed);
  const GateResult nothing = check(tests::small_server(), {"site nobody.max_live=0"});
  EXPECT_EQ(nothing.exit_status(), exit_ok);
  EXPECT_EQ(nothing.rules[0].note, "no call path goes through it");
}

TEST(GateProfile, SampledFiguresFailOnlyBeyondTheirError) {
  const auto sampled = [] { return tests::small_server().sampled(512 << 10, 16); };  // ± 49 % a path
  EXPECT_EQ(check(sampled(), {"site Session::open.max_live=6000"}).exit_status(), exit_ok);
  EXPECT_EQ(check(sampled(), {"site Session::open.max_live=5000"}).exit_status(), exit_gate_failed);
  const GateResult gate = check(sampled(), {"site Session::open.max_live=6000"});
  EXPECT_NE(gate.rules[0].note.find("within the sampling error"), std::string::npos);
  EXPECT_EQ(check(sampled(), {"site Session::open.max_live=6000", "gate.sampling_error=ignore"}).exit_status(),
            exit_gate_failed);
  EXPECT_NE(render_gate_text(gate, false).find("9.8 KiB > 5.9 KiB"), std::string::npos)
      << render_gate_text(gate, false);
  // All: 64 samples, ± 24.5 %.
  EXPECT_EQ(check(sampled(), {"trace.max_leaked=8000"}).exit_status(), exit_ok);
  EXPECT_EQ(check(sampled(), {"trace.max_leaked=7000"}).exit_status(), exit_gate_failed);
}

TEST(GateProfile, ABaselineKnowsPathsByTheirFunctions) {
  const GateResult gate = check(tests::small_server(), {"site *.max_leaked=0"});
  EXPECT_EQ(gate.rules[0].findings.size(), 2u);
  std::set<std::string> known;
  for (const Finding& finding : gate.baseline_findings()) known.insert(finding.signature);
  EXPECT_EQ(known.size(), 2u);
  const GateResult again = check(tests::small_server(), {"site *.max_leaked=0"}, known);
  EXPECT_EQ(again.exit_status(), exit_ok);
  EXPECT_NE(render_baseline(gate.baseline_findings()).find(*known.begin()), std::string::npos);
}

TEST(GateProfile, PlacesWithoutNamesAreToldApartInABaseline) {
  const auto leaky = [](std::string_view other) {
    tests::ProfileBuilder builder;
    const tests::Allocated leak{.count = 1, .bytes = 100, .live_count = 1, .live_bytes = 100};
    return builder.allocate({"0x1232"}, leak).allocate({other}, leak);
  };
  const GateResult gate = check(leaky("0x12a1"), {"site *.max_leaked=0"});
  std::set<std::string> known;
  for (const Finding& finding : gate.baseline_findings()) known.insert(finding.signature);
  EXPECT_EQ(known.size(), 2u);
  EXPECT_EQ(check(leaky("0x12a1"), {"site *.max_leaked=0"}, known).exit_status(), exit_ok);
  EXPECT_EQ(check(leaky("0x1336"), {"site *.max_leaked=0"}, known).exit_status(), exit_gate_failed);
  // Where a library was loaded is another address in every run, and tells nothing.
  const GateResult loaded = check(leaky("0x7fb02d2a57b9"), {"site *.max_leaked=0"});
  known.clear();
  for (const Finding& finding : loaded.baseline_findings()) known.insert(finding.signature);
  EXPECT_EQ(check(leaky("0x7fb02d2a6000"), {"site *.max_leaked=0"}, known).exit_status(), exit_ok);
}

TEST(GateProfile, SuppressedLeaksDoNotCount) {
  tests::ProfileBuilder builder = tests::small_server();
  builder.profile().suppressions = {"Session::open"};
  EXPECT_EQ(check(builder, {"trace.max_leaked=200"}).exit_status(), exit_ok);
  EXPECT_EQ(check(builder, {"site Session::*.max_leaked=0"}).exit_status(), exit_ok);
}

TEST(GateProfile, RulesOfHeapsAreNotPassedSilently) {
  EXPECT_EQ(check(tests::small_server(), {"heap.max_leaked=10200"}).exit_status(), exit_ok);
  EXPECT_EQ(check(tests::small_server(), {"heap.max_live=1"}).exit_status(), exit_gate_failed);
  EXPECT_EQ(check(tests::small_server(), {"heap.max_objects=1"}).exit_status(), exit_not_evaluated);
  EXPECT_EQ(check(tests::small_server(), {"class *.max_count=1"}).exit_status(), exit_not_evaluated);
  const GateResult gate = check(tests::small_server(), {});
  EXPECT_EQ(gate.rules.at(0).rule.name(), "trace.max_leaked");
  EXPECT_EQ(gate.exit_status(), exit_gate_failed);
}

TEST(GateProfile, ReportOfLeaksAloneIsJudgedByThem) {  // as LeakSanitizer's
  const auto report = [](std::int64_t count, std::int64_t bytes) {
    tests::ProfileBuilder builder;
    builder.profile().records.back().leaks.push_back(
        {builder.path({"main", "open"}), queries::LeakKind::direct, count, bytes, ""});
    return check(builder, {});
  };
  EXPECT_EQ(report(1, 100).rules.at(0).rule.name(), "trace.max_leaked");
  EXPECT_EQ(report(1, 100).exit_status(), exit_gate_failed);
  EXPECT_EQ(report(0, 0).exit_status(), exit_ok);
}

}  // namespace
}  // namespace analyzer

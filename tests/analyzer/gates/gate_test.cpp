#include "analyzer/gates/gate.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "analyzer/commands/command.h"
#include "analyzer/gates/baseline.h"
#include "analyzer/gates/outputs.h"
#include "analyzer/json_text.h"
#include "queries/results.h"
#include "queries/snapshot.h"
#include "queries/store.h"

namespace analyzer {
namespace {

using queries::ClassId;

/// A digest with two classes, one suspect and the metrics that are given.
std::unique_ptr<queries::Database> make_digest(const std::vector<queries::MetricRow>& metrics) {
  queries::Snapshot snapshot;
  queries::ClassRow session;
  session.name = "com.acme.Session";
  queries::ClassRow cache;
  cache.name = "com.acme.cache.Lru[]";
  snapshot.classes = {session, cache};
  queries::Results results;
  results.class_stats = {{ClassId{0}, 20, 2000, 14, 1400, 5000}, {ClassId{1}, 1, 64, 1, 64, 900}};
  queries::SuspectRow suspect;
  suspect.kind = "object";
  suspect.title = "One \x1b[31mRegistry\x1b[0m";
  suspect.class_id = ClassId{0};
  suspect.retained_bytes = 5000;
  suspect.percent = 50;
  suspect.signature = "9f31c2ab";
  suspect.cause = "listener_list";
  results.suspects = {suspect};
  results.metrics = metrics;
  return queries::write_digest(snapshot, results);
}

std::vector<queries::MetricRow> all_metrics() {
  return {{"heap.object_count", 21, "count"},      {"heap.live_bytes", 10000, "bytes"},
          {"heap.total_bytes", 20000, "bytes"},    {"heap.unreachable_bytes", 4000, "bytes"},
          {"heap.damaged_bytes", 0, "bytes"},      {"suspects.count", 1, "count"},
          {"duplicates.wasted_bytes", 3, "bytes"}, {"cycles.count", 0, "count"}};
}

/// What a native core adds; without the internal fragmentation, which is not always known.
std::vector<queries::MetricRow> native_metrics() {
  return {{"fragmentation.external", 1.0 / 3, "ratio"},
          {"fragmentation.free_bytes", 192, "bytes"},
          {"fragmentation.cached_bytes", 10, "bytes"},
          {"fragmentation.pinned_bytes", 64, "bytes"},
          {"fragmentation.sparse_page_count", 2, "count"}};
}

GateResult evaluate(const std::vector<std::string>& settings, const std::set<std::string>& known = {}) {
  const auto database = make_digest(all_metrics());
  return evaluate_gate(load_gate_config("", settings), *database, known);
}

RuleStatus status_of(const std::string& setting) { return evaluate({setting}).rules.at(0).status; }

TEST(Gate, EachLimitIsComparedWithItsMetric) {
  EXPECT_EQ(status_of("heap.max_live=10000"), RuleStatus::passed);
  EXPECT_EQ(status_of("heap.max_live=9999"), RuleStatus::failed);
  EXPECT_EQ(status_of("heap.max_total=19 KiB"), RuleStatus::failed);
  EXPECT_EQ(status_of("heap.max_unreachable=4000"), RuleStatus::passed);
  EXPECT_EQ(status_of("heap.max_unreachable_percent=20%"), RuleStatus::passed);
  EXPECT_EQ(status_of("heap.max_unreachable_percent=19.9%"), RuleStatus::failed);
  EXPECT_EQ(status_of("heap.max_objects=20"), RuleStatus::failed);
  EXPECT_EQ(status_of("heap.max_duplicate_waste=2"), RuleStatus::failed);
  EXPECT_EQ(status_of("heap.max_damaged=0"), RuleStatus::passed);
  EXPECT_EQ(status_of("heap.max_cycle_retained=0"), RuleStatus::passed);
  EXPECT_EQ(status_of("suspects.max_count=0"), RuleStatus::failed);
  EXPECT_EQ(status_of("suspects.max_count=1"), RuleStatus::passed);
  EXPECT_EQ(status_of("suspects.max_retained=50%"), RuleStatus::passed);
  EXPECT_EQ(status_of("suspects.max_retained=49%"), RuleStatus::failed);
  EXPECT_EQ(status_of("suspects.max_retained=4 KiB"), RuleStatus::failed);
}

TEST(Gate, FragmentationHasItsLimits) {
  const auto database = make_digest(native_metrics());
  const auto status = [&](const char* setting) {
    return evaluate_gate(load_gate_config("", {setting}), *database, {}).rules.at(0).status;
  };
  EXPECT_EQ(status("fragmentation.max_external=34%"), RuleStatus::passed);
  EXPECT_EQ(status("fragmentation.max_external=33%"), RuleStatus::failed);
  EXPECT_EQ(status("fragmentation.max_free=192"), RuleStatus::passed);
  EXPECT_EQ(status("fragmentation.max_free=191"), RuleStatus::failed);
  EXPECT_EQ(status("fragmentation.max_cached=9"), RuleStatus::failed);
  EXPECT_EQ(status("fragmentation.max_pinned=63"), RuleStatus::failed);
  EXPECT_EQ(status("fragmentation.max_sparse_pages=1"), RuleStatus::failed);
  EXPECT_EQ(status("fragmentation.max_sparse_pages=2"), RuleStatus::passed);
  const GateResult internal = evaluate_gate(load_gate_config("", {"fragmentation.max_internal=10%"}), *database, {});
  EXPECT_EQ(internal.exit_status(), exit_not_evaluated);
  EXPECT_NE(internal.rules.at(0).note.find("not known how many bytes the program asked for"), std::string::npos);
}

/// Two types, one with holes, and what their objects waste.
std::unique_ptr<queries::Database> make_layout_digest() {
  queries::Snapshot snapshot;
  queries::LayoutRows& rows = snapshot.layout;
  const auto add = [&](const char* name, std::uint64_t size, std::int64_t holes, std::int64_t padding,
                       std::uint64_t count) {
    queries::TypeLayoutRow row;
    row.name = rows.text(name);
    row.source = rows.text("debug info");
    row.size = size;
    row.hole_bytes = holes;
    row.padding_bytes = padding;
    row.instance_count = count;
    row.wasted_bytes = (holes + padding) * static_cast<std::int64_t>(count);
    row.reordered_size = size;
    rows.types.push_back(row);
  };
  add("acme::Order", 96, 27, 4, 10);
  add("acme::Shipment", 32, 0, 0, 5);
  queries::Results results;
  results.metrics = {{"layout.wasted_percent", 20, "percent"},
                     {"layout.wasted_bytes", 310, "bytes"},
                     {"layout.straddling_count", 3, "count"},
                     {"layout.shared_line_count", 1, "count"}};
  return queries::write_digest(snapshot, results);
}

TEST(Gate, LayoutsHaveTheirLimits) {
  const auto database = make_layout_digest();
  const auto evaluate_one = [&](const std::string& setting) {
    return evaluate_gate(load_gate_config("", {setting}), *database, {});
  };
  const auto status = [&](const std::string& setting) { return evaluate_one(setting).rules.at(0).status; };
  EXPECT_EQ(status("layout.max_waste_percent=20%"), RuleStatus::passed);
  EXPECT_EQ(status("layout.max_waste_percent=19%"), RuleStatus::failed);
  EXPECT_EQ(status("layout.max_waste=309"), RuleStatus::failed);
  EXPECT_EQ(status("layout.max_straddling=2"), RuleStatus::failed);
  EXPECT_EQ(status("layout.max_shared_lines=0"), RuleStatus::failed);
  EXPECT_EQ(status("type acme::Order.max_size=96"), RuleStatus::passed);
  EXPECT_EQ(status("type acme::Order.max_size=95"), RuleStatus::failed);
  EXPECT_EQ(status("type acme::*.max_padding=31"), RuleStatus::passed);
  EXPECT_EQ(status("type acme::*.max_padding=30"), RuleStatus::failed);
  EXPECT_EQ(status("type acme::Shipment.max_padding=0"), RuleStatus::passed);
  EXPECT_EQ(status("type acme::Order.max_waste=309"), RuleStatus::failed);
  const GateResult none = evaluate_one("type acme::Oder.max_size=96");
  EXPECT_EQ(none.exit_status(), exit_not_evaluated) << "a name that is wrong must not pass";
  EXPECT_NE(none.rules.at(0).note.find("no type"), std::string::npos);
  const GateResult failed = evaluate_one("type acme::*.max_size=64");
  ASSERT_EQ(failed.rules.at(0).findings.size(), 1u);
  EXPECT_NE(failed.rules.at(0).findings[0].title.find("acme::Order: 96 bytes"), std::string::npos);
}

TEST(Gate, AHeapWithoutLayoutsCannotPassALayoutRule) {
  EXPECT_EQ(evaluate({"layout.max_waste_percent=50%"}).exit_status(), exit_not_evaluated);
  EXPECT_EQ(evaluate({"type X.max_size=8"}).exit_status(), exit_not_evaluated);
}

TEST(Gate, AnInputWithoutAnAllocatorCannotPassAFragmentationRule) {
  const GateResult gate = evaluate({"fragmentation.max_external=50%"});
  EXPECT_EQ(gate.exit_status(), exit_not_evaluated);
  EXPECT_NE(gate.rules.at(0).note.find("says nothing of the allocator"), std::string::npos);
}

TEST(Gate, ClassRulesCountLiveObjectsByPattern) {
  EXPECT_EQ(evaluate({"class com.acme.Session.max_count=0"}).rules[0].value, 14);
  EXPECT_EQ(evaluate({"class com.acme.*.max_count=0"}).rules[0].value, 15);
  EXPECT_EQ(evaluate({"class com.acme.*.max_shallow=0"}).rules[0].value, 1464);
  EXPECT_EQ(evaluate({"class com.acme.*.max_retained=0"}).rules[0].value, 5000) << "overlapping sizes are not summed";
  EXPECT_EQ(evaluate({"class com.acme.cache.Lru[].max_count=0"}).rules[0].value, 1) << "brackets are no wildcard";
  const GateResult none = evaluate({"class com.acme.Sesion.max_count=0"});
  EXPECT_EQ(none.rules[0].status, RuleStatus::passed);
  EXPECT_EQ(none.rules[0].note, "no class of this heap matches");
}

TEST(Gate, TheSuspectFilterHidesWhatItNames) {
  EXPECT_EQ(evaluate({"suspects.max_count=0", "suspects.min_retained=60%"}).exit_status(), exit_ok);
  EXPECT_EQ(evaluate({"suspects.max_count=0", "suspects.min_retained=50%"}).exit_status(), exit_gate_failed);
  EXPECT_EQ(evaluate({"suspects.max_count=0", "suspects.ignore_causes=x, listener_list"}).exit_status(), exit_ok);
  EXPECT_EQ(evaluate({"suspects.max_count=0", "suspects.ignore_kinds=object"}).exit_status(), exit_ok);
  EXPECT_EQ(evaluate({"suspects.max_count=0", "suspects.ignore_signatures=9f31c2ab"}).exit_status(), exit_ok);
  EXPECT_EQ(evaluate({"suspects.max_count=0", "gate.noise_floor=5001"}).exit_status(), exit_ok);
}

TEST(Gate, KnownSuspectsAreReportedAndNotCounted) {
  const GateResult gate = evaluate({"suspects.max_count=0"}, {"9f31c2ab"});
  EXPECT_EQ(gate.exit_status(), exit_ok);
  ASSERT_EQ(gate.rules[0].findings.size(), 1u);
  EXPECT_TRUE(gate.rules[0].findings[0].known);
}

TEST(Gate, WarningsFailOnlyWhereTheGateSaysSo) {
  EXPECT_EQ(evaluate({"heap.max_live=1", "heap.severity=warning"}).exit_status(), exit_ok);
  EXPECT_EQ(evaluate({"heap.max_live=1", "heap.severity=warning", "gate.fail_on=warning"}).exit_status(),
            exit_gate_failed);
}

TEST(Gate, MissingDataIsNeverAPass) {
  const auto database = make_digest({{"suspects.count", 0, "count"}});
  for (const char* rule : {"heap.max_live=1 GiB", "heap.max_unreachable_percent=50%", "heap.max_cycle_retained=1 GiB",
                           "heap.max_duplicate_waste=1 GiB", "heap.max_objects=100"}) {
    const GateResult gate = evaluate_gate(load_gate_config("", {rule}), *database, {});
    EXPECT_EQ(gate.rules[0].status, RuleStatus::not_evaluated) << rule;
    EXPECT_EQ(gate.exit_status(), exit_not_evaluated) << rule;
  }
  const GateResult sql = evaluate_gate(load_gate_config("", {"sql none.sql.severity=error"}), *database, {});
  EXPECT_EQ(sql.exit_status(), exit_not_evaluated);
}

class GateSqlTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("heapql-gate-sql-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_ / "checks");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  GateResult run(const std::string& gate_file) {
    write("gate.ini", gate_file);
    const auto database = make_digest(all_metrics());
    return evaluate_gate(load_gate_config((folder_ / "gate.ini").string(), {}), *database, {});
  }
  std::filesystem::path folder_;
};

TEST_F(GateSqlTest, RowsAreFindingsAndEveryFileOfAGlobIsARule) {
  write("checks/a_none.sql", "-- never\nSELECT 1 WHERE 0; -- done\n");
  write("checks/b_two.sql", "SELECT 'x' AS what, 7 AS bytes UNION ALL SELECT 'y', NULL");
  write("checks/c_wrong.sql", "SELECT nothing FROM nowhere");
  write("checks/d_two_statements.sql", "SELECT 1; SELECT 2");
  write("checks/readme.txt", "not SQL");
  const GateResult gate = run("[sql \"checks/*.sql\"]\nmessage = look at it\n");
  ASSERT_EQ(gate.rules.size(), 4u);
  EXPECT_EQ(gate.rules[0].rule.name(), "sql checks/a_none.sql");
  EXPECT_EQ(gate.rules[0].status, RuleStatus::passed);
  EXPECT_EQ(gate.rules[1].status, RuleStatus::failed);
  EXPECT_EQ(gate.rules[1].finding_count, 2u);
  EXPECT_EQ(gate.rules[1].message, "look at it");
  EXPECT_EQ(gate.rules[1].findings[1].row[1].second, "NULL");
  EXPECT_EQ(gate.rules[2].status, RuleStatus::not_evaluated);
  EXPECT_EQ(gate.rules[3].status, RuleStatus::not_evaluated);
  EXPECT_EQ(gate.exit_status(), exit_gate_failed) << "a broken rule weighs more than one that could not be asked";
}

TEST_F(GateSqlTest, AChecksSqlCannotWrite) {
  write("checks/drop.sql", "DELETE FROM suspect");
  EXPECT_EQ(run("[sql \"checks/drop.sql\"]\n").exit_status(), exit_not_evaluated);
}

TEST_F(GateSqlTest, BaselinesRoundTrip) {
  const auto database = make_digest(all_metrics());
  const GateResult gate = evaluate_gate(load_gate_config("", {}), *database, {});
  write("known.json", render_baseline(gate.suspects));
  EXPECT_EQ(read_baseline((folder_ / "known.json").string(), *database), std::set<std::string>{"9f31c2ab"});
  write("check.json", render_gate_json(gate, false));
  EXPECT_EQ(read_baseline((folder_ / "check.json").string(), *database), std::set<std::string>{"9f31c2ab"});
  write("broken.json", "{\"signature\": ");
  EXPECT_THROW((void)read_baseline((folder_ / "broken.json").string(), *database), UsageError);
  EXPECT_THROW((void)read_baseline((folder_ / "none.json").string(), *database), UsageError);
}

TEST(GateOutput, TextOfADumpCannotSteerTheTerminal) {
  const GateResult gate = evaluate({"suspects.max_count=0"});
  EXPECT_EQ(render_gate_text(gate, false).find('\x1b'), std::string::npos);
  EXPECT_EQ(render_gate_json(gate, false).find('\x1b'), std::string::npos);
  EXPECT_NE(render_gate_text(gate, true).find('\x1b'), std::string::npos);
}

TEST(GateOutput, TheVerdictIsTheLastLine) {
  const std::string text = render_gate_text(evaluate({"suspects.max_count=0", "heap.max_live=1 MiB"}), false);
  const std::size_t last = text.rfind('\n', text.size() - 2) + 1;
  EXPECT_EQ(text.substr(last), "heapql: FAIL 2 rules: 1 error, 0 warnings, 1 passed (suspects.max_count 1 > 0)\n");
}

TEST(GateOutput, JsonStringsAlwaysParse) {
  EXPECT_EQ(json_string("a\"b\\c\n\x01"), "\"a\\\"b\\\\c\\n\\u0001\"");
  EXPECT_EQ(json_string("gr\xc3\xbc\xc3"), "\"gr\xc3\xbc\xEF\xBF\xBD\"");
  EXPECT_EQ(json_string("\xed\xa0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"") << "a surrogate half";
  EXPECT_EQ(json_number(3), "3");
  EXPECT_EQ(json_number(2.5), "2.5");
}

TEST(Glob, StarsAndQuestionMarksOnly) {
  EXPECT_TRUE(matches_glob("", ""));
  EXPECT_TRUE(matches_glob("*", ""));
  EXPECT_TRUE(matches_glob("com.*.Session", "com.acme.web.Session"));
  EXPECT_TRUE(matches_glob("*a*b*c", "xxaxxbxxbc"));
  EXPECT_TRUE(matches_glob("byte[]", "byte[]"));
  EXPECT_FALSE(matches_glob("byte[]", "byte"));
  EXPECT_TRUE(matches_glob("int?]", "int[]"));
  EXPECT_FALSE(matches_glob("com.acme.*", "com.acme"));
  EXPECT_FALSE(matches_glob(std::string(40, '*') + "x", std::string(10000, 'a'))) << "no exponential time";
}

}  // namespace
}  // namespace analyzer

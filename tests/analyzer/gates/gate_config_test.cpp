#include "analyzer/gates/gate_config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "analyzer/commands/command.h"

namespace analyzer {
namespace {

class GateConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("heapql-gate-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& text) {
    const std::string path = (folder_ / "gate.ini").string();
    std::ofstream(path) << text;
    return path;
  }
  std::string error(const std::string& text) {
    try {
      (void)load_gate_config(write(text), {});
    } catch (const UsageError& failure) {
      std::string what = failure.what();
      const std::size_t at = what.find("gate.ini");
      return at == std::string::npos ? what : what.substr(at);
    }
    return {};
  }
  std::filesystem::path folder_;
};

TEST_F(GateConfigTest, WithoutAnythingTheRuleIsNoSuspects) {
  const GateConfig config = load_gate_config("", {});
  ASSERT_EQ(config.rules.size(), 1u);
  EXPECT_EQ(config.rules[0].name(), "suspects.max_count");
  EXPECT_EQ(config.rules[0].limit, 0);
}

TEST_F(GateConfigTest, EverySectionIsRead) {
  const GateConfig config = load_gate_config(write(R"ini(
# limits of the shop
[gate]
fail_on = warning
[suspects]
max_count = 1        # for now
min_retained = 5%
ignore_causes = duplicate_strings, thread_local
[heap]
max_live = 512 MiB
max_unreachable_percent = 20%
severity = warning
[class "com.acme.Session"]
max_count = 0
message = Sessions must be closed
[class "std::vector<int, std::allocator<int> >"]
max_shallow = 1 MiB
[sql "checks/*.sql"]
)ini"),
                                             {});
  EXPECT_EQ(config.fail_on, Severity::warning);
  EXPECT_EQ(config.filter.min_percent, 5);
  EXPECT_EQ(config.filter.ignore_causes, (std::vector<std::string>{"duplicate_strings", "thread_local"}));
  std::vector<std::string> names;
  for (const GateRule& rule : config.rules) names.push_back(rule.name());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{
                       "class com.acme.Session max_count", "class std::vector<int, std::allocator<int> > max_shallow",
                       "heap.max_live", "heap.max_unreachable_percent", "sql checks/*.sql", "suspects.max_count"}));
  for (const GateRule& rule : config.rules) {
    EXPECT_NE(rule.line, 0) << rule.name();
    if (rule.name() == "heap.max_live") {
      EXPECT_EQ(rule.limit, 512.0 * (1 << 20));
      EXPECT_EQ(rule.unit, Unit::bytes);
      EXPECT_EQ(rule.line, 10);
    }
  }
  ASSERT_NE(config.find_section("class", "com.acme.Session"), nullptr);
  EXPECT_EQ(config.find_section("class", "com.acme.Session")->message, "Sessions must be closed");
  EXPECT_EQ(config.find_section("heap", "")->severity, Severity::warning);
}

TEST_F(GateConfigTest, MistakesNameLineAndNearestKey) {
  EXPECT_EQ(error("[heap]\n\nmax_liv = 1\n"), "gate.ini:3: unknown key 'max_liv' in [heap] (did you mean 'max_live'?)");
  EXPECT_EQ(error("[hepa]\nmax_live = 1\n"), "gate.ini:1: unknown section [hepa] (did you mean 'heap'?)");
  EXPECT_EQ(error("[site]\nmax_live = 1 MiB\n"), "gate.ini:1: section [site] needs a name: [site \"…\"]");
  EXPECT_EQ(error("[fragmentation]\nmax_external = half\n"),
            "gate.ini:2: fragmentation.max_external: 'half' is not a percent, as in 20%");
  EXPECT_EQ(error("[class]\nmax_count = 0\n"), "gate.ini:1: section [class] needs a name: [class \"…\"]");
  EXPECT_EQ(error("[heap \"x\"]\nmax_live = 0\n"), "gate.ini:1: section [heap] takes no name");
  EXPECT_EQ(error("[heap]\nmax_live = lots\n"), "gate.ini:2: heap.max_live: 'lots' is not a size, as in 64 MiB");
  EXPECT_EQ(error("[heap]\nmax_live = 5%\n"), "gate.ini:2: heap.max_live: '5%' is not a size, as in 64 MiB");
  EXPECT_EQ(error("[suspects]\nmax_count = few\n"), "gate.ini:2: suspects.max_count: 'few' is not a count");
  EXPECT_EQ(error("[heap]\nseverity = fatal\n"), "gate.ini:2: heap.severity: 'fatal' is not error or warning");
  EXPECT_EQ(error("max_live = 5\n"), "gate.ini:1: 'max_live' stands before any [section]");
  EXPECT_NE(error("[gate]\nfail_on = error\n").find("no rule in this gate file"), std::string::npos);
  EXPECT_NE(error("[heap]\nmax_live\n"), "");
}

TEST_F(GateConfigTest, OverridesWinAndNeedNoFile) {
  const GateConfig config = load_gate_config(
      write("[heap]\nmax_live = 1 MiB\n"),
      {"heap.max_live=2 MiB", "suspects.max_count=3", "class com.acme.Session.max_count=0", "heap.severity=warning"});
  ASSERT_EQ(config.rules.size(), 3u);
  EXPECT_EQ(config.rules[0].limit, 2.0 * (1 << 20));
  EXPECT_EQ(config.rules[1].limit, 3);
  EXPECT_EQ(config.rules[2].selector, "com.acme.Session");
  EXPECT_EQ(load_gate_config("", {"heap.max_objects=5"}).rules.size(), 1u);
  EXPECT_THROW((void)load_gate_config("", {"heap.max_live"}), UsageError);
  EXPECT_THROW((void)load_gate_config("", {"max_live=5"}), UsageError);
}

TEST_F(GateConfigTest, AMissingFileIsAConfigurationError) {
  EXPECT_THROW((void)load_gate_config((folder_ / "none.ini").string(), {}), UsageError);
  EXPECT_THROW((void)load_gate_config(folder_.string(), {}), UsageError);
}

}  // namespace
}  // namespace analyzer

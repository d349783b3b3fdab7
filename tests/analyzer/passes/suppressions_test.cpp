#include "analyzer/passes/suppressions.h"

#include <gtest/gtest.h>

#include <fstream>

#include "analyzer/commands/command.h"
#include "tests/support/profile_builder.h"

namespace analyzer {
namespace {

TEST(Suppressions, PatternsMatchAsLeakSanitizerDoes) {
  EXPECT_TRUE(matches_suppression("open", "Session::open()"));
  EXPECT_FALSE(matches_suppression("^open", "Session::open()"));
  EXPECT_TRUE(matches_suppression("^Session", "Session::open()"));
  EXPECT_TRUE(matches_suppression("open()$", "Session::open()"));
  EXPECT_FALSE(matches_suppression("open$", "Session::open()"));
  EXPECT_TRUE(matches_suppression("^Session::open()$", "Session::open()"));
  EXPECT_FALSE(matches_suppression("^open()$", "open()open()"));
  EXPECT_TRUE(matches_suppression("^open()*$", "open()open()"));
  EXPECT_TRUE(matches_suppression("Ses*op", "Session::open()"));
  EXPECT_FALSE(matches_suppression("op*Ses", "Session::open()"));
  EXPECT_TRUE(matches_suppression("^*open*$", "Session::open()"));
  EXPECT_FALSE(matches_suppression("aa$", "a"));
}

TEST(Suppressions, FilesHaveCommentsAndLinesForOtherCheckers) {
  const auto patterns = parse_suppressions("# comment\n\n  leak:^f$ \r\nvptr:libx.so\nleak: g*h", "supp.txt");
  EXPECT_EQ(patterns, (std::vector<std::string>{"^f$", "g*h"}));
  EXPECT_THROW((void)parse_suppressions("leak:a\nnonsense", "supp.txt"), UsageError);
  EXPECT_THROW((void)parse_suppressions("leak:", "supp.txt"), UsageError);
}

TEST(Suppressions, TheFirstThatMatchesAnyFrameHidesALeakAndIsCounted) {
  tests::ProfileBuilder builder = tests::small_server();
  queries::AllocationProfile& profile = builder.profile();
  profile.suppressions = {"Session::open", "never::called", "serve"};
  apply_suppressions({}, profile);
  ASSERT_EQ(profile.records[0].leaks.size(), 2u);
  EXPECT_EQ(profile.records[0].leaks[0].suppression, "Session::open");
  EXPECT_EQ(profile.records[0].leaks[1].suppression, "serve");  // an outer frame
  EXPECT_EQ(profile.suppression_rows[0].leak_count, 100);
  EXPECT_EQ(profile.suppression_rows[0].bytes, 10'000);
  EXPECT_EQ(profile.suppression_rows[1].leak_count, 0);
  EXPECT_EQ(profile.suppression_rows[2].bytes, 200);
}

TEST(Suppressions, FilesAndModulesMatchAndTheListsCanBeLeftOut) {
  tests::ProfileBuilder builder = tests::small_server();
  builder.profile().suppressions = {"main.cc"};
  apply_suppressions({{}, false, false}, builder.profile());
  EXPECT_TRUE(builder.profile().suppression_rows.empty());
  EXPECT_EQ(builder.profile().records[0].leaks[0].suppression, "");
  const std::string path = testing::TempDir() + "heapql-suppressions.txt";
  std::ofstream(path) << "leak:^/usr/lib/libc.so.6$\n";
  apply_suppressions({{path}, true, true}, builder.profile());
  EXPECT_EQ(builder.profile().records[0].leaks[0].suppression, "^/usr/lib/libc.so.6$");  // files come first
  EXPECT_EQ(builder.profile().suppression_rows[0].source, path);
  EXPECT_THROW(apply_suppressions({{"/no/such/file"}, true, true}, builder.profile()), UsageError);
}

}  // namespace
}  // namespace analyzer

#include "analyzer/commands/suggestions.h"

#include <gtest/gtest.h>

namespace analyzer {
namespace {

TEST(Suggestions, DistanceCountsSwapsAsOneEdit) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("check", ""), 5u);
  EXPECT_EQ(edit_distance("chekc", "check"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Suggestions, TheNearestNameIsNamed) {
  const std::vector<std::string> commands{"analyze", "import", "info", "report", "query", "check", "diff"};
  EXPECT_EQ(nearest("anlyse", commands), "analyze");
  EXPECT_EQ(nearest("chek", commands), "check");
  EXPECT_EQ(nearest("rep", commands), "report");
  EXPECT_EQ(nearest("reports", commands), "report");
  EXPECT_EQ(nearest("xyzzy", commands), "");
  EXPECT_EQ(nearest("", commands), "");
  EXPECT_EQ(nearest(std::string(100000, 'a'), commands), "");
  EXPECT_EQ(did_you_mean("qurey", commands), " (did you mean 'query'?)");
  EXPECT_EQ(did_you_mean("xyzzy", commands), "");
}

TEST(Suggestions, ShortNamesDoNotMatchEverything) {
  EXPECT_EQ(nearest("ab", {"cd"}), "");
  EXPECT_EQ(nearest("x", {"y", "z"}), "");
  EXPECT_EQ(nearest("fish", {"bash", "zsh"}), "");
}

}  // namespace
}  // namespace analyzer

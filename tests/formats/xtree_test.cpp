#include "formats/xtree.h"

#include <gtest/gtest.h>

#include "tests/support/xtree_writer.h"

namespace {

using formats::DamageLog;
using formats::xtree::Path;
using formats::xtree::Reader;
using tests::XtreeWriter;

struct Walk {
  std::vector<Path> paths;
  std::vector<std::uint64_t> totals;
  DamageLog damage;
};

Walk walk(const std::string& file) {
  Walk result;
  Reader reader(std::as_bytes(std::span(file)), result.damage);
  while (auto path = reader.next()) result.paths.push_back(std::move(*path));
  result.totals = reader.totals();
  return result;
}

std::string sample() {
  return XtreeWriter({"curB", "curBk"})
      .path({{"main", "a.cc", 9}, {"f(int)", "a.cc", 3}, {"malloc", "UnknownFile???", 0}}, {100, 2})
      .path({{"main", "a.cc", 9}, {"g()", "b.cc", 7}}, {50, 1})
      .bytes();
}

TEST(Xtree, HeaderPathsAndTotalsAreRead) {
  const std::string file = sample();
  DamageLog damage;
  Reader reader(std::as_bytes(std::span(file)), damage);
  EXPECT_EQ(reader.header().command, "./server 5000");
  EXPECT_EQ(reader.header().process_id, 14U);
  EXPECT_EQ(reader.header().events, (std::vector<std::string_view>{"curB", "curBk"}));
  const auto first = reader.next();
  ASSERT_TRUE(first);
  ASSERT_EQ(first->frames.size(), 3U);
  EXPECT_EQ(first->frames[0].function, "main");
  EXPECT_EQ(first->frames[1].function, "f(int)");
  EXPECT_EQ(first->frames[1].file, "a.cc");
  EXPECT_EQ(first->frames[1].line, 3);
  EXPECT_EQ(first->frames[2].file, "");
  EXPECT_EQ(first->values, (std::vector<std::uint64_t>{100, 2}));
  const auto second = reader.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->frames[0].function, "main");  // by its number
  EXPECT_EQ(second->frames[1].file, "b.cc");
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.totals(), (std::vector<std::uint64_t>{150, 3}));
  EXPECT_EQ(damage.count(), 0U);
}

TEST(Xtree, BrokenPathIsLeftOut) {
  std::string file = sample();
  file.replace(file.find(" 100 2\n\n"), 4, " 1x0");
  const Walk read = walk(file);
  ASSERT_EQ(read.paths.size(), 1U);
  EXPECT_EQ(read.paths[0].values[0], 50U);
  EXPECT_EQ(read.damage.count(), 1U);
}

TEST(Xtree, OnlyItsOwnIsTakenForIt) {
  const auto takes = [](std::string_view text) { return formats::xtree::looks_like(std::as_bytes(std::span(text))); };
  EXPECT_TRUE(takes(sample()));
  EXPECT_FALSE(takes("# callgrind format\nversion: 1\ncreator: callgrind-3.19.0\n"));
  EXPECT_FALSE(takes(""));
}

TEST(Xtree, EveryTruncationKeepsWhatIsBeforeItAndSaysSo) {
  const std::string whole = sample();
  std::size_t paths = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Walk cut = walk(whole.substr(0, size));
    EXPECT_GE(cut.paths.size(), paths) << size;
    EXPECT_GT(cut.damage.count(), 0U) << size;
    paths = cut.paths.size();
  }
  EXPECT_EQ(paths, 2U);
}

TEST(Xtree, EveryByteFlipIsSurvived) {
  const std::string whole = sample();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x20, 0x80}) {
      std::string file = whole;
      file[at] = static_cast<char>(file[at] ^ flip);
      EXPECT_LE(walk(file).paths.size(), 2U) << at;
    }
  }
}

}  // namespace

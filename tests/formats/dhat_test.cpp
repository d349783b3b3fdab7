#include "formats/dhat.h"

#include <gtest/gtest.h>

#include "tests/support/dhat_writer.h"

namespace {

using formats::DamageLog;
using formats::dhat::absent;
using formats::dhat::Profile;
using tests::DhatWriter;

Profile read(const std::string& file, DamageLog& damage) {
  const std::vector<char> exact(file.begin(), file.end());
  return formats::dhat::read_profile(std::as_bytes(std::span(exact)), damage);
}

std::string sample() {
  DhatWriter file;
  file.point({.total_bytes = 1000,
              .total_blocks = 10,
              .lifetimes = 500,
              .max_bytes = 200,
              .max_blocks = 2,
              .peak_bytes = 100,
              .peak_blocks = 1,
              .end_bytes = 0,
              .end_blocks = 0,
              .read_bytes = 70,
              .written_bytes = 80,
              .histogram = "-3,2000,-2,0,7",
              .frames = {1, 2, 3}});
  file.point({.total_bytes = 48, .total_blocks = 1, .frames = {1, 3}});
  return file.bytes({"0x1: malloc (in /v.so)", "0x2: f\\u0028int) (a.cc:1)", "0x3: main (a.cc:2)"});
}

TEST(Dhat, HeaderPointsAndFramesAreRead) {
  DamageLog damage;
  const Profile profile = read(sample(), damage);
  EXPECT_EQ(damage.count(), 0U);
  EXPECT_EQ(profile.header.version, 2);
  EXPECT_EQ(profile.header.mode, "heap");
  EXPECT_EQ(profile.header.verb, "Allocated");
  EXPECT_EQ(profile.header.time_unit, "instrs");
  EXPECT_EQ(profile.header.short_lived_below, 500);
  EXPECT_EQ(profile.header.command, "./server 20");
  EXPECT_EQ(profile.header.process_id, 12);
  EXPECT_EQ(profile.header.end_time, 2000000);
  EXPECT_EQ(profile.header.peak_time, 1500);
  ASSERT_EQ(profile.points.size(), 2U);
  const formats::dhat::Point& point = profile.points[0];
  EXPECT_EQ(point.total_bytes, 1000);
  EXPECT_EQ(point.total_blocks, 10);
  EXPECT_EQ(point.lifetimes, 500);
  EXPECT_EQ(point.max_bytes, 200);
  EXPECT_EQ(point.max_blocks, 2);
  EXPECT_EQ(point.peak_bytes, 100);
  EXPECT_EQ(point.peak_blocks, 1);
  EXPECT_EQ(point.end_bytes, 0);
  EXPECT_EQ(point.read_bytes, 70);
  EXPECT_EQ(point.written_bytes, 80);
  ASSERT_EQ(point.run_count, 3U);
  EXPECT_EQ(profile.runs[0].count, 3U);
  EXPECT_EQ(profile.runs[0].accesses, 2000);
  EXPECT_EQ(profile.runs[2].count, 1U);
  EXPECT_EQ(profile.runs[2].accesses, 7);
  EXPECT_EQ(profile.path_frames, (std::vector<std::uint32_t>{1, 2, 3, 1, 3}));
  EXPECT_EQ(profile.points[1].lifetimes, absent);
  EXPECT_EQ(profile.points[1].first_frame, 3U);
  ASSERT_EQ(profile.frame_table.size(), 4U);
  EXPECT_EQ(profile.frame_table[2], "0x2: f(int) (a.cc:1)");
}

TEST(Dhat, BytesThatAreNoUtf8AreKept) {
  DamageLog damage;
  const Profile profile = read(DhatWriter().point({.frames = {1}}).bytes({"0x1: \xff\xfe (a.cc:1)"}), damage);
  EXPECT_EQ(profile.frame_table.at(1), "0x1: \xff\xfe (a.cc:1)");
  EXPECT_EQ(damage.count(), 0U);
}

TEST(Dhat, BrokenPointIsLeftOutAndTheNextIsRead) {
  for (const char* wrong : {"tbk\":1x", "tbk\":-1", "tbk\":99999999999999999999", "tbk\":\"1", "acc\":[-99999999,1]"}) {
    std::string file = DhatWriter()
                           .point({.total_bytes = 5, .total_blocks = 1, .frames = {1}})
                           .point({.total_bytes = 6, .total_blocks = 1, .frames = {1}})
                           .bytes({"0x1: f (a.cc:1)"});
    file.replace(file.find("tbk\":1"), 6, wrong);
    DamageLog damage;
    const Profile profile = read(file, damage);
    ASSERT_EQ(profile.points.size(), 1U) << wrong;
    EXPECT_EQ(profile.points[0].total_bytes, 6);
    EXPECT_EQ(profile.frame_table.size(), 2U);
    EXPECT_EQ(damage.count(), 1U);
  }
}

TEST(Dhat, HistogramIsBounded) {
  std::string runs;
  for (int i = 0; i < 20; ++i) runs += (i == 0 ? "" : ",") + std::string("-25600,1");
  DamageLog damage;
  const Profile profile =
      read(DhatWriter().point({.histogram = runs, .frames = {1}}).bytes({"0x1: f (a.cc:1)"}), damage);
  EXPECT_TRUE(profile.points.empty());
  EXPECT_EQ(damage.count(), 1U);
}

TEST(Dhat, LostFrameKeepsTheNumbersOfTheOthers) {
  std::string file = sample();
  file.erase(file.find("\"0x2"), 1);
  DamageLog damage;
  const Profile profile = read(file, damage);
  ASSERT_EQ(profile.frame_table.size(), 4U);
  EXPECT_EQ(profile.frame_table[2], "");
  EXPECT_EQ(profile.frame_table[3], "0x3: main (a.cc:2)");
  EXPECT_EQ(damage.count(), 1U);
}

TEST(Dhat, OnlyItsOwnIsTakenForIt) {
  const auto takes = [](std::string_view text) { return formats::dhat::looks_like(std::as_bytes(std::span(text))); };
  EXPECT_TRUE(takes(sample()));
  EXPECT_TRUE(takes(" {\n \"dhatFileVersion\" : 2"));
  EXPECT_FALSE(takes("{\"other\":2"));
  EXPECT_FALSE(takes("[\"dhatFileVersion\"]"));
  EXPECT_FALSE(takes(""));
}

TEST(Dhat, EveryTruncationKeepsWhatIsBeforeItAndSaysSo) {
  const std::string whole = sample();
  std::size_t points = 0, frames = 0;
  for (std::size_t size = 0; size + 4 < whole.size(); ++size) {
    DamageLog damage;
    const Profile profile = read(whole.substr(0, size), damage);
    EXPECT_GE(profile.points.size(), points) << size;
    EXPECT_GE(profile.frame_table.size(), frames) << size;
    points = profile.points.size();
    frames = profile.frame_table.size();
    EXPECT_GT(damage.count(), 0U) << size;
  }
  EXPECT_EQ(points, 2U);
  EXPECT_EQ(frames, 4U);
}

TEST(Dhat, EveryByteFlipIsSurvived) {
  const std::string whole = sample();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x20, 0x80}) {
      std::string file = whole;
      file[at] = static_cast<char>(file[at] ^ flip);
      DamageLog damage;
      const Profile profile = read(file, damage);
      EXPECT_LE(profile.points.size(), 2U) << at;
      EXPECT_LE(profile.frame_table.size(), 6U) << at;
    }
  }
}

}  // namespace

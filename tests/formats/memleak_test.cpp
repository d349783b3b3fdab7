#include "formats/memleak.h"

#include <gtest/gtest.h>

#include "tests/support/memleak_writer.h"

namespace {

using formats::DamageLog;
using formats::memleak::parse_frame;
using formats::memleak::Report;
using tests::MemleakWriter;

std::vector<Report> read(const std::string& file, DamageLog& damage) {
  formats::memleak::Reader reader(std::as_bytes(std::span(file)), damage);
  std::vector<Report> all;
  while (auto report = reader.next()) all.push_back(std::move(*report));
  return all;
}

std::string sample(bool has_addresses = true) {
  MemleakWriter file(has_addresses);
  file.report("23:59:58", 2)
      .block("948cd0", 16)
      .block("948d10", 24)
      .stack(40, 2, {"malloc+0x1 [libc.so.6]", "main+0x6d [allocs]"});
  file.stack(100, 1, {"f(int, char)+0x2f [allocs]", "main+0x70 [allocs]"});
  return file.report("00:00:03", 1).stack(80, 4, {"main+0x6d [allocs]"}).bytes();
}

TEST(Memleak, ReportsStacksAndBlocksAreRead) {
  for (const bool has_addresses : {false, true}) {
    DamageLog damage;
    const std::string file = sample(has_addresses);
    const std::vector<Report> all = read(file, damage);
    EXPECT_EQ(damage.count(), 0U);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].time.seconds, 86398);
    ASSERT_EQ(all[0].stacks.size(), 2U);
    EXPECT_EQ(all[0].stacks[0].bytes, 40U);
    EXPECT_EQ(all[0].stacks[0].count, 2U);
    ASSERT_EQ(all[0].stacks[0].blocks.size(), 2U);
    EXPECT_EQ(all[0].stacks[0].blocks[1].address, 0x948d10U);
    EXPECT_EQ(all[0].stacks[0].blocks[1].size, 24U);
    ASSERT_EQ(all[0].stacks[1].frames.size(), 2U);
    EXPECT_EQ(all[0].stacks[1].frames[0].function, "f(int, char)");
    EXPECT_EQ(all[0].stacks[1].frames[0].module, "allocs");
    EXPECT_TRUE(all[0].stacks[1].blocks.empty());
    EXPECT_EQ(all[1].time.seconds, 3);
  }
}

TEST(Memleak, FramesInAllForms) {
  EXPECT_EQ(parse_frame("  main+0x6d [allocs]")->function, "main");
  EXPECT_EQ(parse_frame("bpf_prog_load [kernel]")->module, "kernel");
  EXPECT_EQ(parse_frame("0x0000559b4789639f\tzmalloc+0x2f [redis-server]")->function, "zmalloc");
  EXPECT_EQ(parse_frame("0 [<00007fdf>] main+0x6d [allocs]")->function, "main");
  EXPECT_EQ(parse_frame("0x55\t[unknown] [libx.so]")->function, "0x55");
  EXPECT_EQ(parse_frame("[unknown]")->function, "[unknown]");
  EXPECT_EQ(parse_frame("serve(long, int)+71")->function, "serve(long, int)");
  EXPECT_EQ(parse_frame("operator+")->function, "operator+");
  EXPECT_FALSE(parse_frame("  "));
}

TEST(Memleak, EveryTruncationKeepsWhatIsBeforeIt) {
  const std::string whole = sample();
  std::size_t stacks = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    DamageLog damage;
    std::size_t now = 0;
    for (const Report& report : read(cut, damage)) now += report.stacks.size();
    EXPECT_GE(now, stacks) << size;
    stacks = now;
  }
  EXPECT_EQ(stacks, 3U);
}

TEST(Memleak, EveryByteFlipIsSurvived) {
  const std::string whole = sample();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x20, 0x80}) {
      std::string file = whole;
      file[at] = static_cast<char>(file[at] ^ flip);
      DamageLog damage;
      EXPECT_LE(read(file, damage).size(), 2U) << at;
    }
  }
}

const std::string maps =
    "Attaching 2 probes...\n\n\n@st[\n    __GI___libc_malloc+0\n    serve(long, int)+71\n    main+70\n]: 135\n"
    "@bytes[\n    main+7\n]: 4096\n";

TEST(Bpftrace, EntriesOfMapsAreRead) {
  DamageLog damage;
  formats::bpftrace::Reader reader(std::as_bytes(std::span(maps)), damage);
  const auto first = reader.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->map, "st");
  EXPECT_EQ(first->value, 135);
  ASSERT_EQ(first->frames.size(), 3U);
  EXPECT_EQ(first->frames[1].function, "serve(long, int)");
  const auto second = reader.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->map, "bytes");
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(damage.count(), 0U);
}

TEST(Bpftrace, EveryTruncationAndFlipIsSurvived) {
  const auto count = [](const std::string& file, DamageLog& damage) {
    formats::bpftrace::Reader reader(std::as_bytes(std::span(file)), damage);
    std::size_t entries = 0;
    while (reader.next()) ++entries;
    return entries;
  };
  std::size_t entries = 0;
  for (std::size_t size = 0; size < maps.size(); ++size) {
    DamageLog damage;
    const std::size_t now = count(maps.substr(0, size), damage);
    EXPECT_GE(now, entries) << size;
    entries = now;
    std::string flipped = maps;
    flipped[size] = static_cast<char>(flipped[size] ^ 0x20);
    EXPECT_LE(count(flipped, damage), 2U) << size;
  }
  EXPECT_EQ(entries, 1U);  // the second has no line end yet
}

TEST(Bpftrace, OnlyItsOwnIsTakenForIt) {
  const auto takes = [](std::string_view text) {
    return formats::bpftrace::looks_like(std::as_bytes(std::span(text)));
  };
  EXPECT_TRUE(takes(maps));
  EXPECT_FALSE(takes("= Start\n@ ./prog:[0x1234] + 0x55 0x64\n    x"));
  EXPECT_FALSE(takes("@x[1]: 2\n"));
  EXPECT_FALSE(takes("@st[\nnot indented\n"));
}

}  // namespace

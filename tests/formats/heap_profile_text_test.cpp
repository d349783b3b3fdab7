// Text heap profiles: each kind, every truncation, every flipped byte.
#include "formats/heap_profile_text.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "tests/support/heap_profile_writer.h"

namespace tests {
namespace {

using formats::heap_profile_text::Kind;
using formats::heap_profile_text::Reader;
using formats::heap_profile_text::Sample;

formats::Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

/// Everything of a profile, read from a block of exactly its size.
struct WholeProfile {
  explicit WholeProfile(std::string_view text) : bytes(new std::byte[text.size()]) {
    std::memcpy(bytes.get(), text.data(), text.size());
    reader = std::make_unique<Reader>(formats::Bytes(bytes.get(), text.size()), damage);
    for (Sample sample; reader->next(sample);) samples.push_back(sample);
  }
  std::unique_ptr<std::byte[]> bytes;
  formats::DamageLog damage;
  std::unique_ptr<Reader> reader;
  std::vector<Sample> samples;
};

TEST(HeapProfileText, ReadsGperftools) {
  const WholeProfile profile(gperftools_profile());
  EXPECT_EQ(profile.damage.count(), 0U);
  EXPECT_EQ(profile.reader->header().kind, Kind::exact);
  EXPECT_EQ(profile.reader->header().total.allocated_bytes, 1296);
  ASSERT_EQ(profile.samples.size(), 3U);
  EXPECT_EQ(profile.samples[0].figures.allocation_count, 3);
  EXPECT_EQ(profile.samples[1].addresses, (std::vector<std::uint64_t>{0x7f0000001234, 0x402010}));
  const auto* file = profile.reader->mapped_files().find(0x7f0000001234);
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->path, "/lib/x.so");
  EXPECT_EQ(file->offset, 0x2000U);
  EXPECT_EQ(profile.reader->mapped_files().find(0x990000), nullptr);
}

TEST(HeapProfileText, ReadsGosSymbolsAndStatistics) {
  const WholeProfile profile(go_text_profile());
  EXPECT_EQ(profile.damage.count(), 0U);
  EXPECT_EQ(profile.reader->header().kind, Kind::heap);
  EXPECT_EQ(profile.reader->header().mean_interval_bytes, 16);
  ASSERT_EQ(profile.samples.size(), 3U);
  ASSERT_EQ(profile.samples[0].symbols.size(), 3U);
  EXPECT_EQ(profile.samples[0].symbols[0].function, "main.keep");
  EXPECT_EQ(profile.samples[0].symbols[1].file, "/srv/main.go");
  EXPECT_EQ(profile.samples[0].symbols[1].line, 9);
  EXPECT_TRUE(profile.samples[2].addresses.empty());
  ASSERT_EQ(profile.reader->statistics().size(), 2U);
  EXPECT_EQ(profile.reader->statistics()[0].second, "9351984");
}

TEST(HeapProfileText, ReadsAJvmsHeapz) {
  const WholeProfile profile(java_text_profile());
  EXPECT_EQ(profile.damage.count(), 0U);
  EXPECT_EQ(profile.reader->header().kind, Kind::java);
  ASSERT_EQ(profile.samples.size(), 2U);
  EXPECT_EQ(profile.samples[0].figures.live_bytes, 7048);
  EXPECT_EQ(profile.samples[0].figures.live_count, 1);
  EXPECT_EQ(profile.reader->names().of.at(4), "com.example.Main.main (Main.java:4)");
}

TEST(HeapProfileText, ReadsNamesInFrontAndBriefMappings) {
  const WholeProfile named(with_names(gperftools_profile()));
  EXPECT_EQ(named.damage.count(), 0U);
  EXPECT_EQ(named.samples.size(), 3U);
  EXPECT_EQ(named.reader->names().program, "/srv/app");
  EXPECT_EQ(named.reader->names().of.at(0x401005), "leak--std::vector::push_back");

  HeapProfileWriter brief("heapz_v2/524288", {1, 16, 1, 16});
  brief.sample({1, 16, 1, 16}, {0x401005}).line("--- Memory map: ---").line("\tbuild=/home/b");
  brief.line("  00400000-00500000: $build/server");
  const WholeProfile mapped(brief.text());
  EXPECT_EQ(mapped.reader->header().mean_interval_bytes, 524288);
  EXPECT_FALSE(mapped.reader->header().has_allocations);
  ASSERT_NE(mapped.reader->mapped_files().find(0x401005), nullptr);
  EXPECT_EQ(mapped.reader->mapped_files().find(0x401005)->path, "$build/server");
  ASSERT_EQ(mapped.reader->mapped_files().variables.size(), 1U);
}

TEST(HeapProfileText, TellsProfilesOfOtherThings) {
  using formats::heap_profile_text::looks_like;
  using formats::heap_profile_text::other_kind;
  EXPECT_TRUE(looks_like(bytes_of(gperftools_profile())));
  EXPECT_TRUE(looks_like(bytes_of(java_text_profile())));
  EXPECT_TRUE(looks_like(bytes_of(with_names(""))));
  EXPECT_EQ(other_kind(bytes_of(gperftools_profile())), "");
  EXPECT_TRUE(looks_like(bytes_of("--- contentionz 1 ---\ncycles/second = 3201000000\n")));
  EXPECT_EQ(other_kind(bytes_of("--- contentionz 1 ---\ncycles/second = 3201000000\n")), "contention");
  EXPECT_EQ(other_kind(bytes_of("--- threadz 1 ---\n\n")), "threads");
  EXPECT_EQ(other_kind(bytes_of("goroutine profile: total 5\n")), "goroutines");
  for (const std::string_view other : {"", "\n\n", "heap", "JAVA PROFILE 1.0.2", "heap_v2/1\n", "= Start\n"}) {
    EXPECT_FALSE(looks_like(bytes_of(other))) << other;
  }
}

TEST(HeapProfileText, ABrokenHeaderOfAJvmIsCountedOnce) {
  const std::string file = "--- heapz\n" + std::string(100, 'a') + "@\n";  // no "format = java", and no sample
  const WholeProfile profile(file);
  EXPECT_EQ(profile.damage.count(), 2U);
  EXPECT_EQ(profile.damage.bytes(), file.size());
}

TEST(HeapProfileText, ALineThatIsNoSampleLosesOnlyItself) {
  HeapProfileWriter writer("heapprofile", {2, 2, 2, 2});
  writer.sample({1, 1, 1, 1}, {0x1}).line("  3: oops").line("  1: 1 [1: 1] @ 0xzz").sample({1, 1, 1, 1}, {0x2});
  const WholeProfile profile(writer.text());
  EXPECT_EQ(profile.samples.size(), 2U);
  EXPECT_EQ(profile.damage.count(), 2U);
}

TEST(HeapProfileText, EveryTruncationKeepsTheSamplesBefore) {
  for (const std::string& whole :
       {gperftools_profile(), go_text_profile(), java_text_profile(), with_names(gperftools_profile())}) {
    std::size_t most = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const WholeProfile profile(std::string_view(whole).substr(0, size));
      EXPECT_GE(profile.samples.size() + 1, most);  // a cut address list is a sample still, a cut figure is none
      most = std::max(most, profile.samples.size());
    }
    EXPECT_EQ(most, WholeProfile(whole).samples.size());
  }
}

TEST(HeapProfileText, EveryFlippedByteIsReadWithinBounds) {
  for (const std::string& whole : {gperftools_profile(), go_text_profile(), java_text_profile()}) {
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int mask : {0x01, 0x10, 0x80}) {
        std::string flipped = whole;
        flipped[at] = static_cast<char>(flipped[at] ^ mask);
        const WholeProfile profile(flipped);
        EXPECT_LE(profile.samples.size(), 4U);
        EXPECT_LE(profile.damage.bytes(), whole.size());
      }
    }
  }
}

}  // namespace
}  // namespace tests

// profile.proto: every field, every truncation, every flipped byte.
#include "formats/pprof.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "tests/support/pprof_samples.h"

namespace tests {
namespace {

using formats::DamageLog;
using formats::pprof::Profile;

/// Read from a block of exactly the input's size, for AddressSanitizer; what is read borrows it.
struct ReadProfile {
  explicit ReadProfile(std::string_view file) : bytes(new std::byte[file.size()]) {
    std::memcpy(bytes.get(), file.data(), file.size());
    input = {bytes.get(), file.size()};
    profile = formats::pprof::read(input, damage);
  }
  std::unique_ptr<std::byte[]> bytes;
  formats::Bytes input;
  DamageLog damage;
  Profile profile;
};

bool looks_like(std::string_view text) {
  return formats::pprof::looks_like(std::as_bytes(std::span(text.data(), text.size())));
}

TEST(Pprof, ReadsEveryField) {
  const ReadProfile read(go_heap().unknown_field(99, 5).bytes());
  const Profile& profile = read.profile;
  EXPECT_EQ(read.damage.count(), 0U);
  ASSERT_EQ(profile.sample_types.size(), 4U);
  EXPECT_EQ(profile.text(profile.sample_types[3].type), "inuse_space");
  EXPECT_EQ(profile.text(profile.sample_types[3].unit), "bytes");
  EXPECT_EQ(profile.text(profile.period_type.type), "space");
  EXPECT_EQ(profile.period, 524288);
  EXPECT_EQ(profile.text(profile.default_sample_type), "inuse_space");
  EXPECT_EQ(profile.time_nanos, 1'795'378'141'577'701'231);
  EXPECT_EQ(profile.duration_nanos, 2'500'000'000);
  ASSERT_EQ(profile.comments.size(), 1U);
  EXPECT_EQ(profile.text(profile.comments[0]), "made by a test");
  ASSERT_EQ(profile.mappings.size(), 1U);
  EXPECT_EQ(profile.text(profile.mappings[0].filename), "/srv/app");
  EXPECT_EQ(profile.mappings[0].limit, 0x500000U);
  ASSERT_EQ(profile.locations.size(), 3U);
  EXPECT_EQ(profile.locations[1].line_count, 2U);
  EXPECT_EQ(profile.locations[1].address, 0x402000U);
  EXPECT_EQ(profile.lines[profile.locations[1].first_line].line, 7);
  ASSERT_EQ(profile.functions.size(), 3U);
  EXPECT_EQ(profile.text(profile.functions[1].name), "main.keep");
  ASSERT_EQ(profile.samples.size(), 4U);

  formats::pprof::Sample sample;
  ASSERT_TRUE(parse_sample(profile.samples[0], sample));
  EXPECT_EQ(sample.location_ids, (std::vector<std::uint64_t>{2, 1}));
  EXPECT_EQ(sample.values, (std::vector<std::int64_t>{10, 5120, 8, 4096}));
  ASSERT_EQ(sample.labels.size(), 1U);
  EXPECT_EQ(profile.text(sample.labels[0].key), "bytes");
  EXPECT_EQ(sample.labels[0].number, 512);
}

TEST(Pprof, ReadsRepeatedNumbersOneByOneAndNegativeOnes) {
  PprofWriter writer;
  writer.packed = false;
  writer.sample_type("inuse_space", "bytes").sample({3, 4}, {-4096});
  const ReadProfile read(writer.bytes());
  formats::pprof::Sample sample;
  ASSERT_TRUE(parse_sample(read.profile.samples.at(0), sample));
  EXPECT_EQ(sample.location_ids, (std::vector<std::uint64_t>{3, 4}));
  EXPECT_EQ(sample.values, (std::vector<std::int64_t>{-4096}));
}

TEST(Pprof, IsToldByItsFirstFields) {
  EXPECT_TRUE(looks_like(go_heap().bytes()));
  EXPECT_TRUE(looks_like(PprofWriter().sample_type("cpu", "nanoseconds").bytes()));
  for (const std::string_view other :
       {"", "\n", "\n\n\n", "heap profile: 1: 2 [3: 4] @ heap/1", "JAVA PROFILE 1.0.2", "\x7f\x45LF", "{\"a\": 1}",
        "MALLOC: 1", "--- heapz 1 ---", "<?xml version=\"1.0\"?>", "v 10400 3\n", "heap_v2/1\n", "\x80\x04\x95"}) {
    EXPECT_FALSE(looks_like(other)) << other;
  }
}

TEST(Pprof, ADamagedSampleLosesOnlyItself) {
  PprofWriter writer;
  writer.sample_type("inuse_space", "bytes").sample({}, {1});
  std::string file = writer.bytes();
  file += ProtobufWriter().text(2, "\xff\xff\xff").text(2, ProtobufWriter().number(2, 5).bytes()).bytes();
  const ReadProfile read(file);
  ASSERT_EQ(read.profile.samples.size(), 3U);
  formats::pprof::Sample sample;
  EXPECT_FALSE(parse_sample(read.profile.samples[1], sample));
  EXPECT_TRUE(parse_sample(read.profile.samples[2], sample));
}

TEST(Pprof, EveryTruncationKeepsWhatCameBeforeAndSaysSo) {
  const std::string whole = go_heap().bytes();
  std::size_t most = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const ReadProfile read(std::string_view(whole).substr(0, size));
    EXPECT_GE(read.profile.samples.size(), most);
    most = read.profile.samples.size();
    EXPECT_LE(read.damage.count(), 1U);
    formats::pprof::Sample sample;
    for (const formats::Bytes body : read.profile.samples) EXPECT_TRUE(parse_sample(body, sample));
  }
  EXPECT_EQ(most, 4U);
  const ReadProfile cut(std::string_view(whole).substr(0, whole.size() - 1));
  ASSERT_EQ(cut.damage.count(), 1U);
  EXPECT_EQ(cut.damage.entries()[0].offset + cut.damage.entries()[0].bytes, whole.size() - 1);
}

TEST(Pprof, EveryFlippedByteIsReadWithinBounds) {
  const std::string whole = go_heap().bytes();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int mask : {0x01, 0x80, 0xFF}) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ mask);
      const ReadProfile read(flipped);
      EXPECT_LE(read.damage.bytes(), whole.size());
      formats::pprof::Sample sample;
      for (const formats::Bytes body : read.profile.samples) (void)parse_sample(body, sample);
      for (const auto& location : read.profile.locations) {
        EXPECT_LE(location.first_line + location.line_count, read.profile.lines.size());
      }
    }
  }
}

}  // namespace
}  // namespace tests

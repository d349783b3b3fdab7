// jemalloc's heap_v2: every line, every truncation, every flipped byte.
#include "formats/jemalloc_profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "tests/support/heap_profile_writer.h"

namespace tests {
namespace {

using formats::jemalloc_profile::Reader;
using formats::jemalloc_profile::Sample;

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

TEST(JemallocProfile, ReadsHeaderThreadsSamplesAndFiles) {
  const WholeProfile profile(jemalloc_profile());
  EXPECT_EQ(profile.damage.count(), 0U);
  EXPECT_EQ(profile.reader->header().mean_interval_bytes, 1024);
  EXPECT_EQ(profile.reader->header().total.allocated_bytes, 8400);
  EXPECT_TRUE(profile.reader->header().has_allocations);
  ASSERT_EQ(profile.reader->header().threads.size(), 1U);
  EXPECT_EQ(profile.reader->header().threads[0].name, "main");
  ASSERT_EQ(profile.samples.size(), 2U);
  EXPECT_EQ(profile.samples[0].addresses.size(), 4U);
  EXPECT_EQ(profile.samples[1].figures.live_bytes, 208);
  ASSERT_NE(profile.reader->mapped_files().find(0x401005), nullptr);
}

TEST(JemallocProfile, IsToldByItsMagicAlsoBehindNames) {
  const auto bytes_of = [](std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); };
  const std::string plain = jemalloc_profile();
  const std::string named = with_names(plain);
  EXPECT_TRUE(formats::jemalloc_profile::looks_like(bytes_of(plain)));
  EXPECT_TRUE(formats::jemalloc_profile::follows_names(bytes_of(named)));
  EXPECT_FALSE(formats::jemalloc_profile::follows_names(bytes_of(with_names(gperftools_profile()))));
  EXPECT_EQ(WholeProfile(named).samples.size(), 2U);
}

TEST(JemallocProfile, EveryTruncationKeepsTheSamplesBefore) {
  const std::string whole = jemalloc_profile();
  std::size_t most = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const WholeProfile profile(std::string_view(whole).substr(0, size));
    EXPECT_GE(profile.samples.size(), most);
    most = std::max(most, profile.samples.size());
  }
  EXPECT_EQ(most, 2U);
}

TEST(JemallocProfile, EveryFlippedByteIsReadWithinBounds) {
  const std::string whole = jemalloc_profile();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int mask : {0x01, 0x10, 0x80}) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ mask);
      const WholeProfile profile(flipped);
      EXPECT_LE(profile.samples.size(), 3U);
      EXPECT_LE(profile.damage.bytes(), whole.size());
    }
  }
}

}  // namespace
}  // namespace tests

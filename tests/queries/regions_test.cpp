// Regions and free blocks: written, read back, the same in the digest, and asked by named queries.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "queries/database.h"
#include "queries/load.h"
#include "queries/named_queries.h"
#include "queries/store.h"
#include "tests/support/heap_layout.h"
#include "tests/support/plain_sqlite.h"

namespace tests {
namespace {

using namespace queries;

Snapshot sample() {
  HeapLayout heap;
  heap.region("main arena", 0x10000, 0, "glibc main arena");
  (void)heap.used(24, "Session");
  heap.free(64, 5);
  heap.cached(32);
  heap.overhead(16);
  heap.free(128, 5);
  heap.region("slab", 0xFFFF'FFFF'FFFF'0000u, 3, "slab");  // kernel half: addresses are two's complement
  (void)heap.used(48);
  heap.free(48);
  return heap.build();
}

class RegionsTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = (std::filesystem::temp_directory_path() / ("heapql-regions-" + std::to_string(getpid()) + ".db")).string();
  }
  void TearDown() override { std::filesystem::remove(path_); }

  void store(const Snapshot& snapshot) {
    Store store(path_, {});
    Results results;
    results.pins = {{0, ObjectId{0}, 64, 88}};
    results.arenas.emplace_back();
    results.arenas[0].arena = -1;
    results.unusable_free = {{true, 0, 16, 3, 0.25}, {false, -1, 16, 1, 0.5}};
    store.finish(snapshot, results);
  }
  std::string path_;
};

TEST_F(RegionsTest, AStockShellReadsThem) {
  store(sample());
  const PlainSqlite plain(path_);
  EXPECT_EQ(plain.text("SELECT * FROM region"),
            "0|65536|65800|main arena|glibc main arena|24|192|128|0|32|16|1\n"
            "1|-65536|-65440|slab|slab|48|48|48|3|0|0|1");
  EXPECT_EQ(plain.text("SELECT * FROM free_block"), "65560|64|0|5\n65672|128|0|5\n-65488|48|1|");
  EXPECT_EQ(plain.text("SELECT sum(end_address - start_address - live_bytes - free_bytes - cached_bytes - "
                       "overhead_bytes) FROM region"),
            "0");
  EXPECT_EQ(plain.text("SELECT * FROM pin"), "1|0|0|64|88");
  EXPECT_EQ(plain.text("SELECT * FROM unusable_free"), "|16|3|0.25\n-1|16|1|0.5");
  EXPECT_EQ(plain.text("SELECT id, bytes_per_cell, map FROM arena"), "-1||");
}

TEST_F(RegionsTest, TheyComeBackAsTheyWere) {
  const Snapshot snapshot = sample();
  store(snapshot);
  const auto loaded = load_snapshot(*Database::open(path_));
  ASSERT_EQ(loaded->regions.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    const RegionRow& was = snapshot.regions[i];
    const RegionRow& is = loaded->regions[i];
    EXPECT_EQ(is.start, was.start);
    EXPECT_EQ(is.end, was.end);
    EXPECT_EQ(is.kind, was.kind);
    EXPECT_EQ(is.name, was.name);
    EXPECT_EQ(is.arena, was.arena);
    EXPECT_EQ(is.live_bytes, was.live_bytes);
    EXPECT_EQ(is.free_bytes, was.free_bytes);
    EXPECT_EQ(is.largest_free_bytes, was.largest_free_bytes);
    EXPECT_EQ(is.cached_bytes, was.cached_bytes);
    EXPECT_EQ(is.overhead_bytes, was.overhead_bytes);
    EXPECT_EQ(is.live_count, was.live_count);
  }
  ASSERT_EQ(loaded->free_blocks.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(loaded->free_blocks[i].address, snapshot.free_blocks[i].address);
    EXPECT_EQ(loaded->free_blocks[i].size, snapshot.free_blocks[i].size);
    EXPECT_EQ(loaded->free_blocks[i].region, snapshot.free_blocks[i].region);
    EXPECT_EQ(loaded->free_blocks[i].bin, snapshot.free_blocks[i].bin);
  }
}

TEST_F(RegionsTest, AFreeBlockOfNoRegionIsADamagedDatabase) {
  Snapshot snapshot = sample();
  snapshot.free_blocks[1].region = 7;
  store(snapshot);
  EXPECT_THROW((void)load_snapshot(*Database::open(path_)), StoreError);
}

TEST(Regions, TheDigestHasThemToo) {
  const auto digest = write_digest(sample(), {});
  Statement sum = digest->prepare("SELECT count(*), sum(size) FROM free_block");
  ASSERT_TRUE(sum.step());
  EXPECT_EQ(sum.integer(0), 3);
  EXPECT_EQ(sum.integer(1), 240);
  Statement by_bin = digest->prepare(find_named_query("free-by-bin")->sql);
  ASSERT_TRUE(by_bin.step());
  EXPECT_EQ(by_bin.text(0), "main arena");
  EXPECT_EQ(by_bin.integer(1), 5);
  EXPECT_EQ(by_bin.integer(2), 2);
  EXPECT_EQ(by_bin.integer(3), 192);
  ASSERT_TRUE(by_bin.step());
  EXPECT_TRUE(by_bin.is_null(1));
  EXPECT_FALSE(by_bin.step());
}

TEST(Regions, TheLargestFreeBlocksComeFirst) {
  const auto digest = write_digest(sample(), {});
  Statement largest = digest->prepare(find_named_query("largest-free-blocks")->sql);
  largest.bind("limit", std::int64_t{2});
  ASSERT_TRUE(largest.step());
  EXPECT_EQ(largest.text(0), "0x10088");
  EXPECT_EQ(largest.integer(1), 128);
  ASSERT_TRUE(largest.step());
  EXPECT_EQ(largest.integer(1), 64);
  EXPECT_FALSE(largest.step());
}

TEST(Regions, ExternalFragmentationOfEach) {
  const auto digest = write_digest(sample(), {});
  Statement regions = digest->prepare(find_named_query("regions")->sql);
  regions.bind("limit", std::int64_t{10});
  ASSERT_TRUE(regions.step());
  EXPECT_EQ(regions.text(3), "glibc main arena");
  EXPECT_DOUBLE_EQ(regions.real(12), 1 - 128.0 / 192);
  ASSERT_TRUE(regions.step());
  EXPECT_DOUBLE_EQ(regions.real(12), 0);
}

}  // namespace
}  // namespace tests

#include "analyzer/passes/fragmentation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "tests/support/heap_layout.h"

using namespace analyzer;
using namespace queries;
using tests::HeapLayout;

namespace {

constexpr std::size_t all_rows = 1000;

/// NaN: the metric is absent.
double metric(const Fragmentation& found, std::string_view name) {
  for (const MetricRow& row : found.metrics) {
    if (row.name == "fragmentation." + std::string(name)) return row.value;
  }
  return std::nan("");
}

double unusable(const Fragmentation& found, std::uint64_t request) {
  for (const UnusableFreeRow& row : found.unusable_free) {
    if (row.whole && row.request_bytes == request) return row.unusable_index;
  }
  return std::nan("");
}

/// The source text's heap: 24 used, 64 free, 48 used, 128 free, 16 used.
HeapLayout text_heap() {
  HeapLayout heap;
  heap.region("main arena", 0x10000);
  (void)heap.used(24);
  heap.free(64);
  (void)heap.used(48);
  heap.free(128);
  (void)heap.used(16);
  return heap;
}

}  // namespace

TEST(Fragmentation, TheHeapOfTheSourceText) {
  const Fragmentation found = find_fragmentation(text_heap().build(), all_rows);
  EXPECT_DOUBLE_EQ(metric(found, "external"), 1 - 128.0 / 192);
  EXPECT_EQ(metric(found, "free_bytes"), 192);
  EXPECT_EQ(metric(found, "largest_free_bytes"), 128);
  EXPECT_EQ(metric(found, "region_bytes"), 280);
  EXPECT_DOUBLE_EQ(unusable(found, 64), 0);       // 64 serves one, 128 two
  EXPECT_DOUBLE_EQ(unusable(found, 16), 0);       // 4 + 8 of them
  EXPECT_DOUBLE_EQ(unusable(found, 256), 1);      // larger than any
  EXPECT_EQ(metric(found, "pinned_bytes"), 192);  // all of it below the last block
  EXPECT_EQ(metric(found, "returnable_bytes"), 0);
  ASSERT_EQ(found.pins.size(), 1u);
  EXPECT_EQ(found.pins[0].object, ObjectId{2});
  EXPECT_EQ(found.pins[0].gain_bytes, 128u + 16);
}

TEST(Fragmentation, TwentyFourBytesAreFreeAndARequestOfSixteenFails) {
  HeapLayout heap;
  heap.region("main arena", 0x10000);
  (void)heap.used(32);
  heap.free(8);
  (void)heap.used(16);
  heap.free(12);
  (void)heap.used(24);
  heap.free(4);
  (void)heap.used(40);
  const Fragmentation found = find_fragmentation(heap.build(), all_rows);
  EXPECT_EQ(metric(found, "free_bytes"), 24);
  EXPECT_EQ(metric(found, "largest_free_bytes"), 12);
  EXPECT_DOUBLE_EQ(metric(found, "external"), 0.5);
  EXPECT_DOUBLE_EQ(unusable(found, 16), 1);
  ASSERT_EQ(found.unusable_free.size(), 2u);  // whole and the arena; no larger request is asked of either
  EXPECT_EQ(found.unusable_free[0].servable_count, 0u);
}

TEST(Fragmentation, TwentyFiveBytesInAClassOfThirtyTwoWasteSeven) {
  HeapLayout heap;
  heap.region("48-byte slab", 0x10000);
  heap.requested(heap.used(32, "std::string body"), 25);
  (void)heap.used(32, "raw buffer");  // of which nothing is known
  const Fragmentation found = find_fragmentation(heap.build(), all_rows);
  EXPECT_DOUBLE_EQ(metric(found, "internal"), 7.0 / 32);
  EXPECT_EQ(metric(found, "internal_bytes"), 7);
  EXPECT_EQ(metric(found, "internal_known_bytes"), 32);
}

TEST(Fragmentation, InternalIsAbsentWhenNoRequestIsKnown) {
  EXPECT_TRUE(std::isnan(metric(find_fragmentation(text_heap().build(), all_rows), "internal")));
}

TEST(Fragmentation, WhatABlockWasAskedForBeatsWhatItsTypeSays) {
  HeapLayout heap;
  heap.region("arena", 0x10000);
  (void)heap.used(32, "Session");
  heap.requested(heap.used(32, "Session"), 30);
  (void)heap.used(16, "Session");  // smaller than its type: taken for another
  heap.requested("Session", 24);
  const Fragmentation found = find_fragmentation(heap.build(), all_rows);
  ASSERT_EQ(found.requested_stats.size(), 1u);
  EXPECT_EQ(found.requested_stats[0].block_count, 2u);
  EXPECT_EQ(found.requested_stats[0].usable_bytes, 64u);
  EXPECT_EQ(found.requested_stats[0].requested_bytes, 54u);
}

TEST(Fragmentation, NothingIsSaidOfAHeapWithoutRegions) {
  Snapshot snapshot = text_heap().build();
  snapshot.regions.clear();
  const Fragmentation found = find_fragmentation(snapshot, all_rows);
  EXPECT_TRUE(found.metrics.empty());
  EXPECT_TRUE(found.arenas.empty());
}

TEST(Fragmentation, AFullHeapIsNotFragmented) {
  HeapLayout heap;
  heap.region("arena", 0x10000);
  (void)heap.used(100);
  const Fragmentation found = find_fragmentation(heap.build(), all_rows);
  EXPECT_EQ(metric(found, "external"), 0);
  EXPECT_TRUE(found.pins.empty());
  EXPECT_DOUBLE_EQ(unusable(found, 16), 1);  // nothing is free, so nothing can be served
}

TEST(Fragmentation, WhatIsFreeAboveTheHighestUsedBlockGoesBack) {
  HeapLayout heap;
  heap.region("main arena", 0x10000);
  heap.free(100);
  (void)heap.used(16, "Low");
  heap.free(50);
  const ObjectId pin = heap.used(32, "Pin");
  heap.free(1000);
  const Fragmentation found = find_fragmentation(heap.build(), all_rows);
  EXPECT_EQ(metric(found, "pinned_bytes"), 150);
  EXPECT_EQ(metric(found, "returnable_bytes"), 1000);
  ASSERT_EQ(found.pins.size(), 1u);
  EXPECT_EQ(found.pins[0].object, pin);
  EXPECT_EQ(found.pins[0].pinned_bytes, 150u);
  EXPECT_EQ(found.pins[0].gain_bytes, 82u);
  ASSERT_EQ(found.pin_stats.size(), 1u);
  EXPECT_EQ(found.pin_stats[0].class_id, ClassId{1});
}

TEST(Fragmentation, ASlabGoesBackAsAWholeOrNotAtAll) {
  HeapLayout heap;
  heap.region("slab", 0x10000);
  (void)heap.used(64);
  heap.free(64 * 63);
  heap.region("slab", 0x20000);
  (void)heap.used(64);
  (void)heap.used(64);
  heap.free(64 * 62);
  heap.region("slab", 0x30000);
  heap.free(4096);
  const Fragmentation found = find_fragmentation(heap.build(), all_rows);
  EXPECT_EQ(metric(found, "pinned_bytes"), 64 * 125);
  EXPECT_EQ(metric(found, "returnable_bytes"), 4096);
  ASSERT_EQ(found.pins.size(), 2u);
  EXPECT_EQ(found.pins[0].gain_bytes, 4096u);
  EXPECT_EQ(found.pins[1].gain_bytes, 0u);  // the other block would still keep it
}

TEST(Fragmentation, ASlabThatOnlyACacheKeepsIsPinnedByNoObject) {
  HeapLayout heap;
  heap.region("slab", 0x10000);
  heap.cached(64);
  heap.free(64 * 63);
  heap.region("slab", 0x20000);
  (void)heap.used(64);
  heap.cached(64);
  heap.free(64 * 62);
  const Fragmentation found = find_fragmentation(heap.build(), all_rows);
  EXPECT_EQ(metric(found, "pinned_bytes"), 64 * 125);
  EXPECT_EQ(metric(found, "returnable_bytes"), 0);
  ASSERT_EQ(found.pins.size(), 1u);
  EXPECT_EQ(found.pins[0].gain_bytes, 0u);  // the cached block stays
  ASSERT_EQ(found.pin_stats.size(), 2u);
  EXPECT_EQ(found.pin_stats[0].class_id, no_class);
  EXPECT_EQ(found.pin_stats[0].pinned_bytes, 64u * 63);
}

TEST(Fragmentation, MemoryThatWentBackIsNoFreeMemory) {
  HeapLayout heap;
  heap.region("span", 0x10000, 0, "span");
  (void)heap.used(64);
  heap.free(64 * 63);
  heap.region("returned span", 0x800000, 0, "returned span");
  heap.free(1 << 20);
  const Fragmentation found = find_fragmentation(heap.build(), all_rows);
  EXPECT_EQ(metric(found, "free_bytes"), 64 * 63);
  EXPECT_EQ(metric(found, "largest_free_bytes"), 64 * 63);
  EXPECT_EQ(metric(found, "released_bytes"), 1 << 20);
  EXPECT_EQ(metric(found, "page_count"), 1);
  EXPECT_DOUBLE_EQ(unusable(found, 4096), 1);
  EXPECT_EQ(found.arenas.at(0).bytes_per_cell, 64u);
  EXPECT_EQ(found.arenas[0].released_bytes, 1u << 20);
  EXPECT_EQ(found.arenas[0].bytes, 4096u + (1 << 20));
  EXPECT_EQ(found.arenas[0].name, "");  // "span" and "returned span" have no first word in common
}

TEST(Fragmentation, PagesLessThanATenthUsed) {
  HeapLayout heap;
  heap.region("arena", 0x10000);
  (void)heap.used(409);  // page 0: 409 of 4096, just below a tenth
  heap.free(4096 - 409);
  (void)heap.used(410);  // page 1: just above
  heap.free(4096 - 410);
  heap.free(4096);                  // page 2: empty
  (void)heap.used(4096 * 2 + 100);  // pages 3, 4 full, 5 sparse
  heap.free(4096 - 100);
  const Fragmentation found = find_fragmentation(heap.build(), all_rows);
  EXPECT_EQ(metric(found, "page_count"), 6);
  EXPECT_EQ(metric(found, "empty_page_count"), 1);
  EXPECT_EQ(metric(found, "sparse_page_count"), 2);
  EXPECT_EQ(metric(found, "sparse_page_bytes"), (4096 - 409) + (4096 - 100));
  EXPECT_EQ(metric(found, "whole_page_bytes"), 4096);
}

TEST(Fragmentation, APageAtTheBorderCountsForItsPartInTheRegion) {
  HeapLayout heap;
  heap.region("arena", 0x10F00);  // 256 bytes of its first page
  (void)heap.used(128);
  heap.free(128 + 4096);
  const Fragmentation found = find_fragmentation(heap.build(), all_rows);
  EXPECT_EQ(metric(found, "page_count"), 2);
  EXPECT_EQ(metric(found, "sparse_page_count"), 0);
  EXPECT_EQ(metric(found, "empty_page_count"), 1);
}

TEST(Fragmentation, TheMapShowsWhereAnArenaIsUsed) {
  HeapLayout heap;
  heap.region("arena", 0x10000, 7, "glibc arena 7, first heap");
  (void)heap.used(200);
  heap.free(100);
  (void)heap.used(50);
  heap.free(50);
  heap.region("arena", 0x90000, 7, "glibc arena 7, second heap");  // the same arena goes on
  heap.free(200);
  (void)heap.used(40);
  const Fragmentation found = find_fragmentation(heap.build(), all_rows);
  ASSERT_EQ(found.arenas.size(), 1u);
  EXPECT_EQ(found.arenas[0].name, "glibc arena 7");
  EXPECT_EQ(found.arenas[0].region_count, 2u);
  EXPECT_EQ(found.arenas[0].bytes_per_cell, 10u);
  EXPECT_EQ(found.arenas[0].map, std::string(20, '#') + std::string(10, '.') + "#####" + std::string(25, '.') + "####");
}

TEST(Fragmentation, TenthsOfACell) {
  HeapLayout heap;
  heap.region("arena", 0x10000);
  for (std::uint64_t cell = 0; cell < map_cells; ++cell) {
    const std::uint64_t used = cell % 11 * 10;
    if (used != 0) (void)heap.used(used);
    if (used != 100) heap.free(100 - used);
  }
  const Fragmentation found = find_fragmentation(heap.build(), all_rows);
  EXPECT_EQ(found.arenas.at(0).map.substr(0, 11), ".123456789#");
}

TEST(Fragmentation, EveryByteIsCountedOnceWhateverTheHeap) {
  std::mt19937_64 random(20260);
  for (int round = 0; round < 200; ++round) {
    HeapLayout heap;
    const std::uint64_t regions = 1 + random() % 8;
    for (std::uint64_t r = 0; r < regions; ++r) {
      heap.region(random() % 2 == 0 ? "arena" : "slab", 0x100000 * (r + 1) + random() % 5000,
                  static_cast<std::int32_t>(random() % 3) - 1);
      const std::uint64_t blocks = random() % 60;
      for (std::uint64_t b = 0; b < blocks; ++b) {
        const std::uint64_t size = 1 + random() % (random() % 10 == 0 ? 9000 : 200);
        switch (random() % 4) {
          case 0: (void)heap.used(size); break;
          case 1: heap.free(size); break;
          case 2: heap.cached(size); break;
          default: heap.overhead(size); break;
        }
      }
    }
    const Snapshot snapshot = heap.build();
    const Fragmentation found = find_fragmentation(snapshot, all_rows);
    std::uint64_t bytes = 0, free = 0, pinned = 0, pages = 0;
    for (const ArenaRow& arena : found.arenas) {
      EXPECT_EQ(arena.live_bytes + arena.free_bytes + arena.cached_bytes + arena.overhead_bytes, arena.bytes);
      EXPECT_LE(arena.empty_page_count + arena.sparse_page_count, arena.page_count);
      EXPECT_LE(arena.map.size(), map_cells);
      EXPECT_GE(arena.map.size() * arena.bytes_per_cell, arena.bytes);
      bytes += arena.bytes;
      free += arena.free_bytes;
      pinned += arena.pinned_bytes;
      pages += arena.page_count;
    }
    std::uint64_t region_bytes = 0;
    for (const RegionRow& row : snapshot.regions) region_bytes += row.end - row.start;
    EXPECT_EQ(bytes, region_bytes);
    EXPECT_EQ(metric(found, "region_bytes"), static_cast<double>(bytes));
    EXPECT_EQ(metric(found, "free_bytes"), static_cast<double>(free));
    EXPECT_EQ(metric(found, "page_count"), static_cast<double>(pages));
    EXPECT_EQ(metric(found, "pinned_bytes") + metric(found, "returnable_bytes"), static_cast<double>(free));
    std::uint64_t by_class = 0, by_pin = 0;
    for (const PinStatRow& row : found.pin_stats) by_class += row.pinned_bytes;
    for (const PinRow& row : found.pins) by_pin += row.pinned_bytes;
    EXPECT_EQ(by_class, pinned);
    for (const PinStatRow& row : found.pin_stats) {
      if (row.class_id == no_class) by_pin += row.pinned_bytes;  // of slabs that only caches keep
    }
    EXPECT_EQ(by_pin, pinned);
    // Against the definition, block by block.
    for (const UnusableFreeRow& row : found.unusable_free) {
      std::uint64_t servable = 0, sum = 0;
      for (const FreeBlockRow& block : snapshot.free_blocks) {
        if (!row.whole && snapshot.regions[block.region].arena != row.arena) continue;
        sum += block.size;
        servable += block.size / row.request_bytes;
      }
      EXPECT_EQ(row.servable_count, servable);
      const double index =
          sum == 0 ? 1 : static_cast<double>(sum - servable * row.request_bytes) / static_cast<double>(sum);
      EXPECT_NEAR(row.unusable_index, index, 1e-12);
    }
  }
}

TEST(Fragmentation, RowsThatContradictEachOtherDoNoHarm) {
  HeapLayout heap = text_heap();
  Snapshot snapshot = heap.build();
  snapshot.regions.push_back(snapshot.regions[0]);  // the same again
  RegionRow backwards;
  backwards.start = 0x9000;
  backwards.end = 0x8000;
  snapshot.regions.push_back(backwards);
  RegionRow everything;
  everything.end = std::numeric_limits<std::uint64_t>::max();
  snapshot.regions.push_back(everything);
  snapshot.free_blocks.push_back({std::numeric_limits<std::uint64_t>::max() - 10, 1000, 77, -1});  // no such region
  snapshot.free_blocks.push_back({std::numeric_limits<std::uint64_t>::max() - 10, 1000, 0, -1});
  snapshot.free_blocks.push_back({0, std::numeric_limits<std::uint64_t>::max(), 3, -1});
  const Fragmentation found = find_fragmentation(snapshot, all_rows);
  EXPECT_FALSE(found.metrics.empty());
}

TEST(Fragmentation, ArenasOfOneNameAreToldApart) {
  HeapLayout heap;
  heap.region("segment page", 0x10000, 0, "mimalloc page, 48-byte blocks");
  (void)heap.used(96);
  heap.region("segment page", 0x20000, 1, "mimalloc page, 64-byte blocks");
  (void)heap.used(64);
  const Fragmentation found = find_fragmentation(heap.build(), all_rows);
  ASSERT_EQ(found.arenas.size(), 2u);
  EXPECT_EQ(found.arenas[0].name, "mimalloc page, arena 0");
  EXPECT_EQ(found.arenas[1].name, "mimalloc page, arena 1");
}

TEST(Fragmentation, AnArenaHasTheNameThatItsRegionsShare) {
  HeapLayout heap;
  heap.region("mmapped chunk", 0x10000, 5, "glibc mmapped chunk 0x10");
  (void)heap.used(96);
  heap.region("mmapped chunk", 0x20000, 5, "glibc mmapped chunk 0x1000");
  (void)heap.used(64);
  EXPECT_EQ(find_fragmentation(heap.build(), all_rows).arenas.at(0).name, "glibc mmapped chunk");
}

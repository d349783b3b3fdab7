#include "formats/mimalloc_heap.h"

#include <gtest/gtest.h>

#include "tests/support/core_writer.h"
#include "tests/support/heap_blocks.h"
#include "tests/support/mimalloc_writer.h"
#include "tests/support/own_cores.h"

namespace tests {
namespace {

using formats::BlockState;
using formats::find_mimalloc_heap;
using Version = MimallocWriter::Version;

class EveryVersion : public testing::TestWithParam<Version> {};
INSTANTIATE_TEST_SUITE_P(MimallocHeap, EveryVersion, testing::Values(Version::v2_0, Version::v2_2));

TEST_P(EveryVersion, BlocksOnAnyOfAPagesListsAreFreeAndOthersUsed) {
  MimallocWriter heap(GetParam());
  const std::uint64_t segment = heap.segment();
  const std::uint64_t first =
      heap.page(segment, {.block_size = 48, .capacity = 10, .free = {7, 2}, .local_free = {0}, .thread_free = {4, 9}});
  heap.page(segment, {.block_size = 1024, .capacity = 3});
  heap.page(heap.segment(), {.block_size = 81920, .capacity = 2, .free = {1}, .slices = 8});
  const WalkedHeap walked(heap.bytes(), find_mimalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_EQ(walked.failed_check(), "");
  EXPECT_EQ(walked.damage.count(), 0u);
  EXPECT_TRUE(walked.ordered);
  for (std::uint64_t i = 0; i < 10; ++i) {
    const bool free = i == 0 || i == 2 || i == 4 || i == 7 || i == 9;
    EXPECT_TRUE(walked.is(first + i * 48, free ? BlockState::free : BlockState::used)) << i;
    EXPECT_EQ(walked.blocks.at(first + i * 48).usable, 48u);
  }
  EXPECT_EQ(walked.count(BlockState::used), 5u + 3 + 1);
  EXPECT_EQ(walked.blocks.count(first + 10 * 48), 0u) << "behind the capacity nothing was carved";
  EXPECT_EQ(walked.kinds.at("segment page"), 3u);
  EXPECT_EQ(walked.kinds.at("free span"), 2u);
  EXPECT_TRUE(walked.walk->own_blocks().empty());
}

TEST_P(EveryVersion, WhatOthersFreedWhileThePageWasFullIsFree) {
  MimallocWriter heap(GetParam());
  const std::uint64_t first = heap.page(heap.segment(), {.block_size = 64, .capacity = 6});
  heap.delayed({first + 5 * 64, first + 64});
  const WalkedHeap walked(heap.bytes(), find_mimalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_EQ(walked.count(BlockState::used), 4u);
  EXPECT_TRUE(walked.is(first + 64, BlockState::free));
  EXPECT_TRUE(walked.is(first + 5 * 64, BlockState::free));
  EXPECT_EQ(walked.failed_check(), "");
}

TEST_P(EveryVersion, AHugePageIsOneBlock) {
  MimallocWriter heap(GetParam());
  heap.page(heap.segment(), {.block_size = 64, .capacity = 6});
  const std::uint64_t huge = heap.huge(40 << 20);
  const WalkedHeap walked(heap.bytes(), find_mimalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  ASSERT_TRUE(walked.is(huge, BlockState::used));
  EXPECT_GE(walked.blocks.at(huge).usable, 40u << 20);
  EXPECT_EQ(walked.kinds.at("huge page"), 1u);
  EXPECT_EQ(walked.failed_check(), "");
}

TEST_P(EveryVersion, HeadersAndHeapsAreMetadata) {
  MimallocWriter heap(GetParam());
  const std::uint64_t segment = heap.segment();
  const std::uint64_t first = heap.page(segment, {.block_size = 64, .capacity = 6});
  const WalkedHeap walked(heap.bytes(), find_mimalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_TRUE(walked.is_metadata(segment));
  EXPECT_TRUE(walked.is_metadata(heap.header_of(first)));
  EXPECT_TRUE(walked.is_metadata(heap.heap_address()));
  EXPECT_FALSE(walked.is_metadata(first));
}

TEST_P(EveryVersion, ACyclicFreeListEndsWithDamage) {
  MimallocWriter heap(GetParam());
  const std::uint64_t first = heap.page(heap.segment(), {.block_size = 48, .capacity = 10, .free = {7, 2, 3}});
  heap.word(first + 3 * 48, first + 7 * 48);
  const WalkedHeap walked(heap.bytes(), find_mimalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_TRUE(walked.tells("comes to a block that is on a list already"));
  EXPECT_EQ(walked.count(BlockState::used), 7u) << "what was on the list stays free";
  EXPECT_NE(walked.damage.entries().front().offset, 0u);
}

TEST_P(EveryVersion, AListThatLeavesItsPageEndsThere) {
  for (const std::uint64_t target : {std::uint64_t{0x7f6f'c9d3'a000}, ~std::uint64_t{0}, std::uint64_t{16}}) {
    MimallocWriter heap(GetParam());
    const std::uint64_t first = heap.page(heap.segment(), {.block_size = 48, .capacity = 10, .free = {7, 2, 3}});
    heap.word(first + 2 * 48, target);
    const WalkedHeap walked(heap.bytes(), find_mimalloc_heap);
    ASSERT_NE(walked.walk, nullptr);
    EXPECT_TRUE(walked.tells("leaves its page"));
    EXPECT_EQ(walked.count(BlockState::used), 8u);
    EXPECT_EQ(walked.failed_check(), "pages whose free lists and counts agree");
  }
}

TEST_P(EveryVersion, ALinkBetweenTwoBlocksIsDamage) {
  MimallocWriter heap(GetParam());
  const std::uint64_t first = heap.page(heap.segment(), {.block_size = 48, .capacity = 10, .free = {7, 2, 3}});
  heap.word(first + 7 * 48, first + 2 * 48 + 16);
  const WalkedHeap walked(heap.bytes(), find_mimalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_TRUE(walked.tells("points between two blocks"));
}

TEST_P(EveryVersion, CountsThatDisagreeAreDamageAndAFailedCheck) {
  MimallocWriter heap(GetParam());
  heap.page(heap.segment(), {.block_size = 48, .capacity = 10, .free = {7, 2}, .used = 9});
  const WalkedHeap walked(heap.bytes(), find_mimalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_TRUE(walked.tells("counts 9 of 10 blocks used, its lists have 2 free"));
  EXPECT_EQ(walked.failed_check(), "pages whose free lists and counts agree");
}

TEST_P(EveryVersion, ACyclicListOfDelayedFreesEnds) {
  MimallocWriter heap(GetParam());
  const std::uint64_t first = heap.page(heap.segment(), {.block_size = 64, .capacity = 100});
  heap.delayed({first + 64, first + 128, first + 192});
  heap.word(first + 192, first + 64);
  const WalkedHeap walked(heap.bytes(), find_mimalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_TRUE(walked.tells("list of blocks freed by other threads is damaged"));
  EXPECT_EQ(walked.count(BlockState::free) - walked.kinds.at("free span"), 3u);
}

TEST_P(EveryVersion, ASegmentWithAnotherCookieIsLeftOut) {
  MimallocWriter heap(GetParam());
  heap.page(heap.segment(), {.block_size = 64, .capacity = 6});
  heap.page(heap.segment(), {.block_size = 64, .capacity = 6});
  const std::uint64_t odd = heap.segment();
  heap.page(odd, {.block_size = 64, .capacity = 6});
  heap.word(heap.cookie_of(odd), 0x1234);
  const WalkedHeap walked(heap.bytes(), find_mimalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_TRUE(walked.tells("has another cookie"));
  EXPECT_EQ(walked.failed_check(), "segments with the process's cookie");
  EXPECT_EQ(walked.count(BlockState::used), 12u);
}

TEST(MimallocHeap, AHeapInABlockIsTheAllocatorsOwn) {
  MimallocWriter heap;
  const std::uint64_t segment = heap.segment();
  const std::uint64_t first = heap.page(segment, {.block_size = 4096, .capacity = 2});
  const std::uint64_t others = heap.page(segment, {.block_size = 64, .capacity = 6});
  heap.word(heap.header_of(others) + 48, first);                   // made by mi_heap_new()
  heap.word(first + 2848, heap.word(heap.heap_address() + 2848));  // the same thread's
  const WalkedHeap walked(heap.bytes(), find_mimalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  ASSERT_EQ(walked.walk->own_blocks().size(), 1u);
  EXPECT_EQ(walked.walk->own_blocks().front().first, first);
  EXPECT_TRUE(walked.is_metadata(first + 100));
  EXPECT_FALSE(walked.is_metadata(first + 4096));
}

TEST(MimallocHeap, EncodedFreeListsAreRefused) {
  MimallocWriter heap;
  const std::uint64_t segment = heap.segment();
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t header = heap.header_of(heap.page(segment, {.block_size = 64, .capacity = 6}));
    heap.word(header + 24, 0x9E37'79B9'7F4A'7C15).word(header + 32, 0xBF58'476D'1CE4'E5B9);  // keys
  }
  const WalkedHeap walked(heap.bytes(), find_mimalloc_heap);
  EXPECT_EQ(walked.walk, nullptr);
  EXPECT_TRUE(walked.tells("laid out in no way that is read"));
}

TEST(MimallocHeap, IsNotFoundInOtherMemory) {
  CoreWriter core;
  std::string bytes(1 << 20, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i >> 7);
  core.segment(0x4a6'f400'0000, bytes);
  const WalkedHeap walked(core.bytes(), find_mimalloc_heap);
  EXPECT_EQ(walked.walk, nullptr);
  EXPECT_EQ(walked.damage.count(), 0u);
}

/// Whatever one byte of a header says, and wherever the core ends: the walk ends and its blocks are in order.
TEST_P(EveryVersion, EveryFlippedHeaderByteAndManyCuts) {
  MimallocWriter heap(GetParam());
  const std::uint64_t segment = heap.segment();
  heap.page(segment, {.block_size = 48, .capacity = 10, .free = {7, 2}, .local_free = {0}, .thread_free = {4}});
  heap.page(segment, {.block_size = 4096, .capacity = 3, .free = {1}, .slices = 2});
  const std::uint64_t huge = heap.huge(40 << 20);
  std::string core = heap.bytes();
  std::size_t found = 0;
  const auto flip_all = [&](std::uint64_t address) {
    const formats::elf::Core parsed = [&] {
      formats::DamageLog damage;
      return formats::elf::read_core({reinterpret_cast<const std::byte*>(core.data()), core.size()}, damage);
    }();
    for (const formats::elf::Segment& part : parsed.segments) {
      if (part.address != address) continue;
      for (std::size_t i = 0; i < 700; ++i) {
        for (const char flip : {'\x01', '\xFF'}) {
          core[part.file_offset + i] ^= flip;
          const WalkedHeap walked(core, find_mimalloc_heap);
          EXPECT_TRUE(walked.ordered);
          found += walked.walk != nullptr ? 1 : 0;
          core[part.file_offset + i] ^= flip;
        }
      }
    }
  };
  flip_all(segment);
  flip_all(huge & ~(MimallocWriter::segment_size - 1));
  EXPECT_GT(found, 1000u);
  for (std::size_t size = core.size(); size > 4096; size -= size / 40 + 1) {
    const WalkedHeap walked(core.substr(0, size), find_mimalloc_heap);
    EXPECT_TRUE(walked.ordered);
  }
}

TEST(MimallocHeap, FindsEveryBlockOfARealCoreAndNothingInOtherAllocatorsCores) {
  if (!std::filesystem::exists(own_cores())) GTEST_SKIP() << "no real cores here: set HEAPQL_DATA to their folder";
  const formats::Input input = open_own_core("mimalloc.core.gz");
  const WalkedHeap walked(input.bytes(), find_mimalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_EQ(walked.failed_check(), "");
  EXPECT_EQ(walked.damage.count(), 0u);
  const auto live = live_blocks("mimalloc");
  ASSERT_EQ(live.size(), 22'284u);
  for (const auto& [address, size] : live) {
    ASSERT_TRUE(walked.is(address, BlockState::used)) << std::hex << address;
    ASSERT_GE(walked.blocks.at(address).usable, size);
  }
  EXPECT_EQ(walked.count(BlockState::used), live.size());
  for (const char* other : {"glibc", "jemalloc", "tcmalloc"}) {
    const formats::Input core = open_own_core(std::string(other) + ".core.gz");
    const WalkedHeap none(core.bytes(), find_mimalloc_heap);
    EXPECT_EQ(none.walk, nullptr) << other;
    EXPECT_EQ(none.damage.count(), 0u) << other;
  }
}

}  // namespace
}  // namespace tests

#include "formats/tcmalloc_heap.h"

#include <gtest/gtest.h>

#include "tests/support/heap_blocks.h"
#include "tests/support/own_cores.h"
#include "tests/support/tcmalloc_writer.h"

namespace tests {
namespace {

using formats::BlockState;
using formats::find_tcmalloc_heap;
using Location = TcmallocWriter::Location;

class EveryPageSize : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(TcmallocHeap, EveryPageSize, testing::Values(12u, 13u, 15u, 16u));

TEST_P(EveryPageSize, ObjectsAreUsedFreeOrCached) {
  TcmallocWriter heap(GetParam());
  const std::uint64_t count = heap.page_size() / 48;
  const std::uint64_t first = heap.span({.size_class = 4, .free = {7, 2}});
  const std::uint64_t size = TcmallocWriter::sizes[4];
  heap.thread_cache({{4, {first + 3 * size, first + 5 * size}}});
  heap.transfer(4, {first + 8 * size, first + 9 * size});
  const WalkedHeap walked(heap.bytes(), find_tcmalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_EQ(walked.failed_check(), "");
  EXPECT_EQ(walked.damage.count(), 0u);
  EXPECT_TRUE(walked.ordered);
  EXPECT_EQ(walked.count(BlockState::free), 2u);
  EXPECT_EQ(walked.count(BlockState::cached), 4u);
  EXPECT_EQ(walked.count(BlockState::used), count - 6);
  EXPECT_TRUE(walked.is(first + 7 * size, BlockState::free));
  EXPECT_TRUE(walked.is(first + 5 * size, BlockState::cached));
  EXPECT_TRUE(walked.is(first + 8 * size, BlockState::cached));
  EXPECT_EQ(walked.blocks.at(first).usable, size);
  EXPECT_EQ(walked.blocks.at(first + 5 * size).bin, 4);
}

TEST_P(EveryPageSize, SpansOfOneBlockAndFreeOnesAreRegions) {
  TcmallocWriter heap(GetParam());
  const std::uint64_t first = heap.span({.size_class = 2});
  const std::uint64_t large = heap.span({.pages = 5});
  const std::uint64_t free = heap.span({.pages = 3, .location = Location::free});
  const std::uint64_t returned = heap.span({.pages = 2, .location = Location::returned});
  const std::uint64_t last = heap.span({.size_class = 2});
  heap.thread_cache({});
  // Inner pages of a span that is not of objects keep what they had: here another span.
  heap.word(heap.page_map_entry(large + 2 * heap.page_size()), heap.header_of(first));
  const WalkedHeap walked(heap.bytes(), find_tcmalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_EQ(walked.damage.count(), 0u);
  EXPECT_EQ(walked.failed_check(), "");
  EXPECT_EQ(walked.kinds.at("span"), 2u);
  EXPECT_EQ(walked.kinds.at("large span"), 1u);
  EXPECT_EQ(walked.kinds.at("free span"), 1u);
  EXPECT_EQ(walked.kinds.at("returned span"), 1u);
  EXPECT_TRUE(walked.is(large, BlockState::used));
  EXPECT_EQ(walked.blocks.at(large).usable, 5 * heap.page_size());
  EXPECT_TRUE(walked.is(free, BlockState::free));
  EXPECT_TRUE(walked.is(returned, BlockState::free));
  EXPECT_TRUE(walked.is(last, BlockState::used));
}

/// A program linked to run at an address can have its heap so low that half of a span's address lies in it, too.
TEST(TcmallocHeap, TheSizeOfPagesIsToldWhereTheHeapLiesLow) {
  TcmallocWriter heap(13, 0x20000, 1 << 20);
  const std::uint64_t first = heap.span({.size_class = 4, .free = {7, 2}});
  const std::uint64_t second = heap.span({.size_class = 13});
  heap.span({.pages = 3, .location = Location::free});
  heap.thread_cache({});
  const WalkedHeap walked(heap.bytes(), find_tcmalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_EQ(walked.damage.count(), 0u);
  EXPECT_EQ(walked.failed_check(), "");
  EXPECT_TRUE(walked.is(first, BlockState::used));
  EXPECT_TRUE(walked.is(first + 7 * 48, BlockState::free));
  EXPECT_TRUE(walked.is(second, BlockState::used));
}

TEST(TcmallocHeap, StructuresAreMetadata) {
  TcmallocWriter heap;
  const std::uint64_t first = heap.span({.size_class = 2});
  const std::uint64_t cache = heap.thread_cache({});
  const WalkedHeap walked(heap.bytes(), find_tcmalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_TRUE(walked.is_metadata(heap.header_of(first)));
  EXPECT_TRUE(walked.is_metadata(cache));
  EXPECT_TRUE(walked.is_metadata(heap.central_list(2) + 128)) << "slots no longer used keep old pointers";
  EXPECT_TRUE(walked.is_metadata(heap.page_map_entry(first)));
  EXPECT_FALSE(walked.is_metadata(first));
}

TEST(TcmallocHeap, SmallObjectsWithAVtableOfTheLibraryAreItsOwn) {
  TcmallocWriter heap;
  const std::uint64_t first = heap.span({.size_class = 1});
  heap.thread_cache({});
  heap.word(first + 16, 0x7f22'0000'0a88);
  const WalkedHeap walked(heap.bytes(), find_tcmalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  ASSERT_EQ(walked.walk->own_blocks().size(), 1u);
  EXPECT_EQ(walked.walk->own_blocks().front().first, first + 16);
}

TEST(TcmallocHeap, ACyclicFreeListEndsWithDamage) {
  TcmallocWriter heap;
  const std::uint64_t first = heap.span({.size_class = 2, .free = {1, 2, 3}});
  heap.thread_cache({});
  heap.word(first + 3 * 16, first + 16);
  const WalkedHeap walked(heap.bytes(), find_tcmalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_TRUE(walked.tells("comes to an object that it had before"));
  EXPECT_EQ(walked.count(BlockState::free), 3u);
  EXPECT_NE(walked.damage.entries().front().offset, 0u);
}

TEST(TcmallocHeap, AListThatLeavesItsSpanEndsThere) {
  TcmallocWriter heap;
  const std::uint64_t first = heap.span({.size_class = 2, .free = {1, 2, 3}});
  const std::uint64_t other = heap.span({.size_class = 2});
  heap.thread_cache({});
  heap.word(first + 2 * 16, other);
  const WalkedHeap walked(heap.bytes(), find_tcmalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_TRUE(walked.tells("leaves its span"));
  EXPECT_EQ(walked.count(BlockState::free), 2u);
  EXPECT_EQ(walked.failed_check(), "spans whose free lists and counts agree");
}

TEST(TcmallocHeap, ALinkBetweenTwoObjectsIsDamage) {
  TcmallocWriter heap;
  const std::uint64_t first = heap.span({.size_class = 2, .free = {1, 2, 3}});
  heap.thread_cache({});
  heap.word(first + 2 * 16, first + 8);
  const WalkedHeap walked(heap.bytes(), find_tcmalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_TRUE(walked.tells("points between two objects"));
}

TEST(TcmallocHeap, CountsThatDisagreeAreDamageAndAFailedCheck) {
  TcmallocWriter heap;
  heap.span({.size_class = 2, .free = {1, 2, 3}, .referenced = 500});
  heap.thread_cache({});
  const WalkedHeap walked(heap.bytes(), find_tcmalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_TRUE(walked.tells("counts 500 objects out, 509 are not on its list"));
  EXPECT_EQ(walked.failed_check(), "spans whose free lists and counts agree");
}

TEST(TcmallocHeap, ACyclicListInAThreadCacheEndsAndFailsItsCheck) {
  TcmallocWriter heap;
  const std::uint64_t first = heap.span({.size_class = 4});
  const std::uint64_t cache = heap.thread_cache({{4, {first, first + 48}}});
  heap.word(first + 48, first);
  heap.word(cache + 4 * 32 + 8, 0xFFFF'FFFF);  // its length
  const WalkedHeap walked(heap.bytes(), find_tcmalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_TRUE(walked.tells("list of cached"));
  EXPECT_EQ(walked.failed_check(), "objects in 1 thread caches");
}

TEST(TcmallocHeap, ACacheWithAnObjectOfAnotherClassIsDamage) {
  TcmallocWriter heap;
  heap.span({.size_class = 2});
  const std::uint64_t other = heap.span({.size_class = 4});
  heap.thread_cache({{2, {other}}});
  const WalkedHeap walked(heap.bytes(), find_tcmalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_TRUE(walked.tells("list of cached 16-byte objects goes wrong"));
  EXPECT_TRUE(walked.is(other, BlockState::used));
}

TEST(TcmallocHeap, APageMapEntryThatIsNoSpanIsDamageAndTheNextSpanIsRead) {
  TcmallocWriter heap;
  const std::uint64_t first = heap.span({.size_class = 2});
  const std::uint64_t bad = heap.span({.size_class = 2});
  const std::uint64_t last = heap.span({.size_class = 2});
  heap.thread_cache({});
  heap.word(heap.header_of(bad), 0);
  const WalkedHeap walked(heap.bytes(), find_tcmalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_TRUE(walked.tells("no span that begins there"));
  EXPECT_TRUE(walked.is(first, BlockState::used));
  EXPECT_FALSE(walked.is(bad, BlockState::used));
  EXPECT_TRUE(walked.is(last, BlockState::used));
}

TEST(TcmallocHeap, WithoutThreadCachesOrCentralCacheTheVersionIsRefused) {
  TcmallocWriter no_caches;
  no_caches.span({.size_class = 2});
  const WalkedHeap first(no_caches.bytes(), find_tcmalloc_heap);
  EXPECT_EQ(first.walk, nullptr);
  EXPECT_TRUE(first.tells("no thread cache is laid out"));

  TcmallocWriter no_central;
  no_central.span({.size_class = 2});
  no_central.thread_cache({});
  no_central.word(no_central.central_list(2) + 8, 77);
  const WalkedHeap second(no_central.bytes(), find_tcmalloc_heap);
  EXPECT_EQ(second.walk, nullptr);
  EXPECT_TRUE(second.tells("central cache is not laid out"));
}

TEST(TcmallocHeap, WithoutSizeClassesThereIsNone) {
  TcmallocWriter heap;
  heap.span({.size_class = 2});
  heap.thread_cache({});
  heap.word(heap.size_table() + 4, 0);
  const WalkedHeap walked(heap.bytes(), find_tcmalloc_heap);
  EXPECT_EQ(walked.walk, nullptr);
  EXPECT_EQ(walked.damage.count(), 0u);
}

TEST_P(EveryPageSize, OfACutCoreTheHeapIsFoundWithoutTheLibrarysData) {
  TcmallocWriter heap(GetParam());
  const std::uint64_t first = heap.span({.size_class = 4, .free = {7, 2}});
  heap.thread_cache({{4, {first + 3 * 48}}});
  heap.transfer(4, {first + 8 * 48});
  const std::string core = heap.bytes();
  const WalkedHeap walked(core.substr(0, core.size() - heap.library_bytes()), find_tcmalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_TRUE(walked.tells("objects in it count as used"));
  EXPECT_TRUE(walked.is(first, BlockState::used));
  EXPECT_TRUE(walked.is(first + 7 * 48, BlockState::free));
  EXPECT_TRUE(walked.is(first + 3 * 48, BlockState::cached));
  EXPECT_TRUE(walked.is(first + 8 * 48, BlockState::used));
}

/// Whatever one byte of a structure says, and wherever the core ends: the walk ends and its blocks are in order.
TEST(TcmallocHeap, FlippedBytesOfStructuresAndManyCuts) {
  TcmallocWriter heap(16);
  const std::uint64_t first = heap.span({.size_class = 4, .free = {7, 2}});
  const std::uint64_t large = heap.span({.pages = 3});
  heap.span({.pages = 2, .location = Location::free});
  const std::uint64_t cache = heap.thread_cache({{4, {first + 3 * 48, first + 5 * 48}}});
  heap.transfer(4, {first + 8 * 48, first + 9 * 48});
  const std::string sound = heap.bytes();
  formats::DamageLog damage;
  const formats::elf::Core parsed =
      formats::elf::read_core({reinterpret_cast<const std::byte*>(sound.data()), sound.size()}, damage);
  std::string core = sound;
  std::size_t found = 0;
  const auto flip_all = [&](std::uint64_t address, std::size_t bytes) {
    for (const formats::elf::Segment& part : parsed.segments) {
      if (address < part.address || address >= part.address + part.size) continue;
      for (std::size_t i = 0; i < bytes; ++i) {
        char& byte = core[part.file_offset + (address - part.address) + i];
        byte ^= '\xFF';
        const WalkedHeap walked(core, find_tcmalloc_heap);
        EXPECT_TRUE(walked.ordered);
        found += walked.walk != nullptr ? 1 : 0;
        byte ^= '\xFF';
      }
    }
  };
  flip_all(heap.header_of(first), 144);
  flip_all(heap.page_map_entry(large), 24);
  flip_all(cache + 4 * 32, 32);
  flip_all(heap.central_list(4) + 8, 136);
  EXPECT_GT(found, 100u);
  for (std::size_t size = core.size(); size > 4096; size -= size / 20 + 1) {
    const WalkedHeap walked(core.substr(0, size), find_tcmalloc_heap);
    EXPECT_TRUE(walked.ordered);
  }
}

TEST(TcmallocHeap, FindsEveryBlockOfARealCoreAndNothingInOtherAllocatorsCores) {
  if (!std::filesystem::exists(own_cores())) GTEST_SKIP() << "no real cores here: set HEAPQL_DATA to their folder";
  const formats::Input input = open_own_core("tcmalloc.core.gz");
  const WalkedHeap walked(input.bytes(), find_tcmalloc_heap);
  ASSERT_NE(walked.walk, nullptr);
  EXPECT_EQ(walked.failed_check(), "");
  EXPECT_EQ(walked.damage.count(), 0u);
  const auto live = live_blocks("tcmalloc");
  ASSERT_EQ(live.size(), 22'286u);
  for (const auto& [address, size] : live) {
    ASSERT_TRUE(walked.is(address, BlockState::used)) << std::hex << address;
    ASSERT_GE(walked.blocks.at(address).usable, size);
  }
  EXPECT_EQ(walked.count(BlockState::used), live.size());
  EXPECT_EQ(walked.walk->own_blocks().size(), 2u);
  for (const char* other : {"glibc", "jemalloc", "mimalloc"}) {
    const formats::Input core = open_own_core(std::string(other) + ".core.gz");
    const WalkedHeap none(core.bytes(), find_tcmalloc_heap);
    EXPECT_EQ(none.walk, nullptr) << other;
    EXPECT_EQ(none.damage.count(), 0u) << other;
  }
}

}  // namespace
}  // namespace tests

#include "formats/glibc_heap.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/glibc_heap_writer.h"

namespace tests {
namespace {

using formats::BlockState;
using formats::HeapBlock;
using formats::glibc::first_fastbin;
using formats::glibc::top_bin;

/// A core's heap, walked; keeps the bytes that all of it borrows.
struct Walked {
  explicit Walked(std::string file) : bytes(std::move(file)) {
    core = formats::elf::read_core({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, damage);
    image = std::make_unique<formats::ProcessImage>(core);
    heap = formats::find_glibc_heap(*image, damage);
    if (heap == nullptr) return;
    std::uint64_t behind = 0;
    for (std::size_t i = 0; i < heap->regions().size(); ++i) {
      const formats::HeapRegion& region = heap->regions()[i];
      heap->visit(i, [&](const HeapBlock& block) {
        EXPECT_GE(block.address, std::max(behind, region.start));
        behind = block.address + block.usable;
        EXPECT_LE(behind, region.end);
        blocks[block.address] = block;
      });
    }
  }
  explicit Walked(const GlibcHeapWriter& writer) : Walked(writer.core().bytes()) {}

  void all_checks_hold() const {
    ASSERT_NE(heap, nullptr);
    for (const formats::HeapCheck& check : heap->checks()) EXPECT_EQ(check.expected, check.found) << check.name;
    EXPECT_EQ(damage.count(), 0U) << (damage.entries().empty() ? "" : damage.entries()[0].what);
  }
  [[nodiscard]] const formats::HeapCheck* check(const std::string& name) const {
    for (const formats::HeapCheck& one : heap->checks()) {
      if (one.name == name) return &one;
    }
    return nullptr;
  }
  void has(std::uint64_t address, std::uint64_t usable, BlockState state, std::int32_t bin = -1) const {
    const auto block = blocks.find(address);
    ASSERT_NE(block, blocks.end()) << std::hex << address;
    EXPECT_EQ(block->second.usable, usable) << std::hex << address;
    EXPECT_EQ(block->second.state, state) << std::hex << address;
    EXPECT_EQ(block->second.bin, bin) << std::hex << address;
  }

  std::string bytes;
  formats::DamageLog damage;
  formats::elf::Core core;
  std::unique_ptr<formats::ProcessImage> image;
  std::unique_ptr<formats::HeapWalk> heap;
  std::map<std::uint64_t, HeapBlock> blocks;
};

class GlibcVersions : public testing::TestWithParam<int> {};

TEST_P(GlibcVersions, EveryKindOfBlockIsToldInEveryLayout) {
  const int version = GetParam();
  GlibcHeapWriter writer({.version = version, .mangled = version >= 32, .with_arena = true});
  const std::uint64_t first = writer.used(24);
  const std::uint64_t hole = writer.free(1000);
  const bool has_tcache = version >= 26;
  const std::uint64_t cached_1 = has_tcache ? writer.cached(40) : writer.used(40);
  const std::uint64_t cached_2 = has_tcache ? writer.cached(40) : writer.used(40);
  const std::uint64_t fast_1 = version < 43 ? writer.fast(56) : 0;
  const std::uint64_t fast_2 = version < 43 ? writer.fast(56) : 0;
  const std::uint64_t hole_2 = writer.free(2008);
  const std::uint64_t last = writer.used(1032);
  const std::uint64_t other = writer.used_in_arena(88);
  const std::uint64_t other_hole = writer.free_in_arena(504);
  const std::uint64_t other_last = writer.used_in_arena(24);
  const std::uint64_t mapped = writer.mmapped(200000);
  const std::uint64_t aligned = writer.mmapped(300000, 65536);
  const std::uint64_t odd = writer.mmapped(150000, 32);

  const Walked walked(writer);
  walked.all_checks_hold();
  walked.has(first, 24, BlockState::used);
  walked.has(hole, 1000, BlockState::free, 1);
  walked.has(cached_1, 40, has_tcache ? BlockState::cached : BlockState::used, has_tcache ? 1 : -1);
  walked.has(cached_2, 40, has_tcache ? BlockState::cached : BlockState::used, has_tcache ? 1 : -1);
  if (version < 43) {
    walked.has(fast_1, 56, BlockState::free, first_fastbin + 2);
    walked.has(fast_2, 56, BlockState::free, first_fastbin + 2);
  }
  walked.has(hole_2, 2008, BlockState::free, 1);
  walked.has(last, 1032, BlockState::used);
  walked.has(other, 88, BlockState::used);
  walked.has(other_hole, 504, BlockState::free, 1);
  walked.has(other_last, 24, BlockState::used);
  for (const auto& [block, requested] : {std::pair{mapped, 200000U}, {aligned, 300000U}, {odd, 150000U}}) {
    ASSERT_TRUE(walked.blocks.contains(block)) << std::hex << block;
    EXPECT_GE(walked.blocks.at(block).usable, requested);
  }
  // The struct of the thread's cache, two top chunks, and the blocks above.
  EXPECT_EQ(walked.blocks.size(), (version < 43 ? 14U : 12U) + 2U + (has_tcache ? 1U : 0U));
  ASSERT_EQ(walked.heap->own_blocks().size(), has_tcache ? 1U : 0U);
  if (has_tcache) {
    EXPECT_EQ(walked.heap->own_blocks()[0], std::pair(writer.tcache(), std::string("cache of thread 7")));
  }
  EXPECT_EQ(walked.heap->regions().size(), 5U);
  EXPECT_EQ(walked.heap->metadata().size(), has_tcache ? 3U : 2U);
  EXPECT_NE(walked.check("n_mmaps"), nullptr);
}
INSTANTIATE_TEST_SUITE_P(Layouts, GlibcVersions, testing::Values(17, 22, 23, 25, 26, 27, 29, 31, 34, 36, 41, 42, 43));

TEST(GlibcHeap, VersionIsNarrowedByWhatWasSeen) {
  const auto named = [](int version) {
    GlibcHeapWriter writer({.version = version, .mangled = version >= 32});
    writer.used(24);
    if (version >= 26) writer.cached(24);
    return Walked(writer).heap->allocator();
  };
  EXPECT_EQ(named(17), "glibc malloc 2.17–2.22");
  EXPECT_EQ(named(23), "glibc malloc 2.23");
  EXPECT_EQ(named(25), "glibc malloc 2.24–2.26");
  EXPECT_EQ(named(26), "glibc malloc 2.26");
  EXPECT_EQ(named(28), "glibc malloc 2.27–2.29");
  EXPECT_EQ(named(31), "glibc malloc 2.30–2.34");
  EXPECT_EQ(named(36), "glibc malloc 2.35–2.41");
  EXPECT_EQ(named(42), "glibc malloc 2.42");
  EXPECT_EQ(named(43), "glibc malloc 2.43");
}

TEST(GlibcHeap, MangledLinksAreToldByTheListsNotByTheVersion) {
  for (const bool mangled : {false, true}) {
    for (const int version : {28, 36}) {
      GlibcHeapWriter writer({.version = version, .mangled = mangled});
      std::vector<std::uint64_t> blocks;
      for (int i = 0; i < 5; ++i) blocks.push_back(writer.cached(120));
      for (int i = 0; i < 5; ++i) writer.fast(24);
      writer.used(24);
      const Walked walked(writer);
      walked.all_checks_hold();
      for (const std::uint64_t block : blocks) walked.has(block, 120, BlockState::cached, 6);
    }
  }
}

TEST(GlibcHeap, EmptyThreadCacheIsOwnOnlyWhereATlsPointsToIt) {
  GlibcHeapWriter writer;
  const std::uint64_t zeroed = writer.used(0x288);
  const Walked walked(writer);
  walked.all_checks_hold();
  ASSERT_EQ(walked.heap->own_blocks().size(), 1U);
  EXPECT_EQ(walked.heap->own_blocks()[0].first, writer.tcache());
  walked.has(zeroed, 0x288, BlockState::used);
}

TEST(GlibcHeap, ForeignMemoryBetweenFencepostsIsNoBlockAndNoDamage) {
  GlibcHeapWriter writer;
  const std::uint64_t before = writer.used(24);
  writer.foreign(8000);
  const std::uint64_t after = writer.used(40);
  const Walked walked(writer);
  walked.all_checks_hold();
  walked.has(before, 24, BlockState::used);
  walked.has(after, 40, BlockState::used);
  EXPECT_EQ(walked.blocks.size(), 4U);
}

TEST(GlibcHeap, OverwrittenSizeIsDamageAndTheWalkResumesBehindIt) {
  GlibcHeapWriter writer;
  const std::uint64_t before = writer.used(24);
  const std::uint64_t hit = writer.used(104);
  std::vector<std::uint64_t> after;
  for (int i = 0; i < 40; ++i) after.push_back(writer.used(24 + 16U * static_cast<unsigned>(i)));
  writer.poke(before + 24, 0x4141414141414141);
  const Walked walked(writer);
  ASSERT_NE(walked.heap, nullptr);
  walked.has(before, 24, BlockState::used);
  walked.has(hit, 104, BlockState::used);
  for (std::size_t i = 0; i < after.size(); ++i) walked.has(after[i], 24 + 16 * i, BlockState::used);
  ASSERT_EQ(walked.damage.count(), 1U);
  const formats::Damage& damage = walked.damage.entries()[0];
  EXPECT_EQ(damage.bytes, 112U);
  EXPECT_NE(damage.offset, 0U);
  EXPECT_NE(damage.what.find("0x4141414141414141"), std::string::npos) << damage.what;
  EXPECT_EQ(walked.check("corrupted chunks")->found, 1U);
  EXPECT_TRUE(walked.check("used, free and overhead bytes")->ok());
}

TEST(GlibcHeap, ClearedInUseBitOfTheSuccessorDoesNotFreeABlock) {
  GlibcHeapWriter writer;
  const std::uint64_t block = writer.used(40);
  writer.used(248);
  writer.poke(block + 40, 0x100);  // an overflow by one NUL: 0x101 before
  const Walked walked(writer);
  walked.has(block, 40, BlockState::used);
  EXPECT_EQ(walked.damage.count(), 1U);
}

TEST(GlibcHeap, ListThatLeavesTheHeapIsDamageAndKeepsWhatItReached) {
  GlibcHeapWriter writer;
  const std::uint64_t first = writer.free(1000);
  writer.used(24);
  const std::uint64_t second = writer.free(1000);
  writer.used(24);
  writer.poke(first, 0x1234560);  // its fd
  const Walked walked(writer);
  walked.has(first, 1000, BlockState::free, 1);
  walked.has(second, 1000, BlockState::free);
  EXPECT_EQ(walked.damage.count(), 1U);
  EXPECT_FALSE(walked.check("free chunks in bins")->ok());
}

TEST(GlibcHeap, CyclicListsEnd) {
  GlibcHeapWriter writer;
  const std::uint64_t first = writer.cached(40);
  const std::uint64_t second = writer.cached(40);
  writer.used(24);
  writer.poke(first, second ^ (first >> 12));  // the last names the first again
  const Walked walked(writer);
  walked.has(first, 40, BlockState::cached, 1);
  walked.has(second, 40, BlockState::cached, 1);
  EXPECT_EQ(walked.damage.count(), 1U);
}

TEST(GlibcHeap, WithoutMainArenaTheFirstChunkTellsWhereTheHeapBegins) {
  GlibcHeapWriter writer({.with_libc_data = false});
  const std::uint64_t used = writer.used(24);
  const std::uint64_t hole = writer.free(1000);
  const std::uint64_t cached = writer.cached(40);
  for (int i = 0; i < 10; ++i) writer.used(56);
  const Walked walked(writer);
  ASSERT_NE(walked.heap, nullptr);
  walked.has(used, 24, BlockState::used);
  walked.has(hole, 1000, BlockState::free);
  walked.has(cached, 40, BlockState::cached, 1);
  EXPECT_EQ(walked.blocks.rbegin()->second.bin, top_bin);
  EXPECT_EQ(walked.damage.count(), 1U);
}

TEST(GlibcHeap, EveryTruncationKeepsTheBlocksBeforeTheCut) {
  GlibcHeapWriter writer({.with_arena = true});
  for (unsigned i = 0; i < 60; ++i) i % 7 == 3 ? writer.free(1000) : writer.used(24 + 16 * (i % 9));
  writer.used(24);
  writer.used_in_arena(40);
  const CoreWriter core = writer.core();
  const Walked whole(core.bytes());
  whole.all_checks_hold();
  const std::uint64_t heap_offset = core.offset_of_segment(0);
  for (std::size_t length = heap_offset; length < whole.bytes.size(); length += 97) {
    const Walked cut(whole.bytes.substr(0, length));
    const std::uint64_t present = writer.heap_start() + (length - heap_offset);
    if (present < writer.heap_start() + 2000) continue;
    ASSERT_NE(cut.heap, nullptr) << length;
    for (const auto& [address, block] : whole.blocks) {
      if (address + block.usable + 8 > present || block.bin == top_bin || address > writer.heap_start() + 0x100000) {
        continue;
      }
      const auto found = cut.blocks.find(address);
      ASSERT_NE(found, cut.blocks.end()) << length << " " << std::hex << address;
      EXPECT_EQ(found->second.state, block.state);
    }
  }
}

TEST(GlibcHeap, EveryFlippedByteIsSurvived) {
  GlibcHeapWriter writer({.with_arena = true});
  for (unsigned i = 0; i < 12; ++i) i % 5 == 3 ? writer.free(104) : i % 5 == 4 ? writer.cached(24) : writer.used(24);
  writer.fast(40);
  writer.used_in_arena(40);
  writer.mmapped(5000);
  const CoreWriter core = writer.core();
  const std::string bytes = core.bytes();
  std::size_t found = 0;
  for (std::size_t i = core.offset_of_segment(0); i < bytes.size(); ++i) {
    if (bytes[i] == 0 && i % 61 != 0) continue;
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(~flipped[i]);
    const Walked walked(std::move(flipped));
    if (walked.heap == nullptr) continue;
    ++found;
    EXPECT_TRUE(walked.check("used, free and overhead bytes")->ok()) << i;
  }
  EXPECT_GT(found, 1000U);
}

}  // namespace
}  // namespace tests

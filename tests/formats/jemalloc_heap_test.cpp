// jemalloc's heap: every kind of extent and cache, what contradicts itself, every truncation and every byte flip of a
// small core; and, where they are at hand, cores of real processes whose live blocks are known.
#include "formats/jemalloc_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>

#include "formats/input.h"
#include "formats/jemalloc_extents.h"
#include "tests/support/jemalloc_writer.h"

namespace tests {
namespace {

using formats::BlockState;
using formats::Bytes;
using formats::DamageLog;
using formats::HeapBlock;
using formats::HeapRegion;

/// A core's heap with everything that it borrows.
struct Walked {
  explicit Walked(const std::string& file) : Walked(std::as_bytes(std::span(file))) {}
  explicit Walked(Bytes file) : core(formats::elf::read_core(file, core_damage)), image(core) {
    heap = formats::find_jemalloc_heap(image, damage);
    if (heap == nullptr) return;
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < heap->regions().size(); ++i) {
      const HeapRegion& region = heap->regions()[i];
      EXPECT_GE(region.start, end);
      EXPECT_LT(region.start, region.end);
      end = region.end;
      std::uint64_t block_end = region.start;
      heap->visit(i, [&](const HeapBlock& block) {
        EXPECT_GE(block.address, block_end);
        block_end = block.address + block.usable;
        EXPECT_LE(block_end, region.end);
        blocks.emplace(block.address, block);
      });
    }
  }
  [[nodiscard]] const HeapBlock& block(std::uint64_t address) const { return blocks.at(address); }
  [[nodiscard]] std::vector<std::uint64_t> in_state(BlockState state) const {
    std::vector<std::uint64_t> some;
    for (const auto& [address, block] : blocks) {
      if (block.state == state) some.push_back(address);
    }
    return some;
  }
  [[nodiscard]] const HeapRegion& region(std::uint64_t start) const {
    const auto& all = heap->regions();
    return *std::find_if(all.begin(), all.end(), [&](const HeapRegion& region) { return region.start == start; });
  }
  /// "name: expected/found" of the checks that do not hold.
  [[nodiscard]] std::string failed_checks() const {
    std::string text;
    for (const formats::HeapCheck& check : heap->checks()) {
      if (!check.ok()) {
        text += check.name + ": " + std::to_string(check.expected) + "/" + std::to_string(check.found) + "\n";
      }
    }
    return text;
  }
  [[nodiscard]] formats::HeapCheck check(const std::string& name) const {
    for (const formats::HeapCheck& check : heap->checks()) {
      if (check.name == name) return check;
    }
    ADD_FAILURE() << "no check " << name;
    return {};
  }

  DamageLog core_damage;
  formats::elf::Core core;
  formats::ProcessImage image;
  DamageLog damage;
  std::unique_ptr<formats::HeapWalk> heap;
  std::map<std::uint64_t, HeapBlock> blocks;
};

/// Two slabs, large blocks, every kind of kept memory, a thread with a cache and one without.
struct EveryKind {
  JemallocWriter writer;
  std::uint64_t slab32 = writer.slab({.size_class = 2, .region = 32, .size = 4096, .free = {0, 3, 127}, .arena = 3});
  std::uint64_t slab80 = writer.slab({.size_class = 5, .region = 80, .size = 20480, .free = {255}});
  std::uint64_t large = writer.large({.size_class = 36, .usable = 16384, .offset = 0x340});
  std::uint64_t unpadded = writer.large({.size_class = 38, .usable = 24576, .pad = 0});
  std::uint64_t promoted = writer.large({.size_class = 2, .usable = 16384});  // sampled by the heap profiler
  std::uint64_t dirty = writer.kept(JemallocWriter::dirty, 8192, 3);
  std::uint64_t muzzy = writer.kept(JemallocWriter::muzzy, 4096);
  std::uint64_t retained = writer.kept(JemallocWriter::retained, 12288);
  std::uint64_t idle = writer.kept(JemallocWriter::active, 4096);
  std::uint64_t merging = writer.kept(JemallocWriter::merging, 4096);
  std::uint64_t stacks = writer.thread_cache(71, {{2, {slab32 + 32, slab32 + 64}}, {5, {slab80}}, {36, {large}}});
  std::uint64_t far = writer.at(JemallocWriter::next_gib).large({.size_class = 40, .usable = 32768, .arena = 5});
  explicit EveryKind(JemallocWriter empty = JemallocWriter()) : writer(std::move(empty)) {
    writer.thread_without_cache(72);
  }
  [[nodiscard]] std::string bytes() const { return writer.core().bytes(); }
};

class JemallocVersions : public testing::TestWithParam<const formats::jemalloc::Layout*> {
 protected:
  [[nodiscard]] static EveryKind every_kind() { return EveryKind(JemallocWriter(232, *GetParam())); }
};
INSTANTIATE_TEST_SUITE_P(All, JemallocVersions,
                         testing::Values(&formats::jemalloc::layouts[0], &formats::jemalloc::layouts[1]),
                         [](const auto& version) {
                           return version.param->descriptor_alignment == 64 ? "older" : "v5_3";
                         });

TEST_P(JemallocVersions, FindsEveryKindOfBlock) {
  const EveryKind made = every_kind();
  const Walked walked(made.bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.heap->allocator(), std::string("jemalloc ") + GetParam()->versions);
  EXPECT_EQ(walked.damage.count(), 0U);
  EXPECT_EQ(walked.failed_checks(), "");
  EXPECT_EQ(walked.check("free regions of slabs").found, 4U);
  EXPECT_EQ(walked.check("extents in the page map").found, 10U);  // all but the idle and the merging one
  EXPECT_EQ(walked.check("blocks in thread caches").found, 4U);

  EXPECT_EQ(walked.blocks.size(), 128U + 256U + 5U + 4U);
  EXPECT_EQ(walked.in_state(BlockState::cached),
            (std::vector{made.slab32 + 32, made.slab32 + 64, made.slab80, made.large}));
  EXPECT_EQ(walked.in_state(BlockState::free),
            (std::vector{made.slab32, made.slab32 + 3 * 32, made.slab32 + 127 * 32, made.slab80 + 255 * 80, made.dirty,
                         made.muzzy, made.retained, made.idle}));
  EXPECT_EQ(walked.block(made.slab32 + 4 * 32).usable, 32U);
  EXPECT_EQ(walked.block(made.slab32 + 4 * 32).bin, -1);
  EXPECT_EQ(walked.block(made.slab32 + 3 * 32).bin, 2);
  EXPECT_EQ(walked.block(made.large).usable, 16384U);
  EXPECT_EQ(walked.block(made.large).bin, 36);
  EXPECT_EQ(walked.block(made.unpadded).usable, 24576U);
  EXPECT_EQ(walked.block(made.promoted).usable, 32U);
  EXPECT_EQ(walked.block(made.far).usable, 32768U);
  EXPECT_EQ(walked.block(made.retained).usable, 12288U);
}

TEST(JemallocHeap, NamesRegions) {
  const EveryKind made;
  const Walked walked(made.bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.region(made.slab32).name, "jemalloc arena 3, 32-byte slab");
  EXPECT_EQ(walked.region(made.slab32).kind, "slab");
  EXPECT_EQ(walked.region(made.slab32).arena, 3);
  EXPECT_EQ(walked.region(made.large - 0x340).name, "jemalloc arena 0, 16384-byte large");
  EXPECT_EQ(walked.region(made.large - 0x340).end, made.large - 0x340 + 16384 + 4096);
  EXPECT_EQ(walked.region(made.dirty).name, "jemalloc arena 3, dirty extent");
  EXPECT_EQ(walked.region(made.muzzy).kind, "muzzy extent");
  EXPECT_EQ(walked.region(made.retained).kind, "retained extent");
  EXPECT_EQ(walked.region(made.idle).kind, "idle extent");
  EXPECT_EQ(walked.region(made.far).arena, 5);
}

TEST(JemallocHeap, KnowsItsOwnMemory) {
  const EveryKind made;
  const Walked walked(made.bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.heap->own_blocks(),
            (std::vector<std::pair<std::uint64_t, std::string>>{{made.stacks, "thread cache of thread 71"}}));
  const auto& metadata = walked.heap->metadata();
  ASSERT_EQ(metadata.size(), 4U);  // two base blocks, stacks, bins
  EXPECT_EQ(metadata[0].start, JemallocWriter::base);
  EXPECT_EQ(metadata[0].end, JemallocWriter::base + JemallocWriter::base_size);
  EXPECT_EQ(metadata[2].start, made.stacks + 8);
  EXPECT_EQ(metadata[2].end, made.stacks + 8 + 41 * 4 * 8);
  EXPECT_EQ(metadata[3].end - metadata[3].start, 41U * 24);
}

TEST(JemallocHeap, ReadsSlabsOfEveryFill) {
  JemallocWriter writer;
  std::vector<unsigned> all(512);
  for (unsigned i = 0; i < 512; ++i) all[i] = i;
  const auto empty = writer.slab({.size_class = 0, .region = 8, .size = 4096, .free = all});
  const auto full = writer.slab({.size_class = 0, .region = 8, .size = 4096});
  const auto one = writer.slab({.size_class = 35, .region = 14336, .size = 28672, .free = {1}});
  const Walked walked(writer.core().bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.failed_checks(), "");
  EXPECT_EQ(walked.in_state(BlockState::free).size(), 513U);
  EXPECT_EQ(walked.in_state(BlockState::used).size(), 513U);
  EXPECT_EQ(walked.block(empty + 511 * 8).state, BlockState::free);
  EXPECT_EQ(walked.block(full + 511 * 8).state, BlockState::used);
  EXPECT_EQ(walked.block(one + 14336).usable, 14336U);
}

// As opt.slab_sizes makes them.
TEST(JemallocHeap, SlabsMayEndBehindTheirLastRegion) {
  JemallocWriter writer;
  const auto slab = writer.slab({.size_class = 3, .region = 48, .size = 4096, .free = {84}});
  const Walked walked(writer.core().bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.failed_checks(), "");
  EXPECT_EQ(walked.blocks.size(), 85U);
  EXPECT_EQ(walked.in_state(BlockState::free), std::vector{slab + 84 * 48});
}

// opt.tcache_max = 128
TEST(JemallocHeap, CachesMayBeOfFewBins) {
  JemallocWriter writer;
  const auto slab = writer.slab({.size_class = 4, .region = 64, .size = 4096});
  writer.bin_count(9);
  writer.thread_cache(1, {{4, {slab}}});
  const Walked walked(writer.core().bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.failed_checks(), "");
  EXPECT_EQ(walked.in_state(BlockState::cached), std::vector{slab});
}

TEST(JemallocHeap, TellsWhenThePageMapHasMoreThanWasRead) {
  JemallocWriter writer;
  writer.slab({.size_class = 2, .region = 32, .size = 4096});
  const std::uint64_t uncommitted_slab = 1 << 12 | std::uint64_t{2} << 20;
  writer.descriptor(uncommitted_slab, JemallocWriter::heap + 4096, 4096, true);
  const Walked walked(writer.core().bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.failed_checks(), "page map entries read: 2/1\n");
  EXPECT_EQ(walked.damage.count(), 1U);
}

TEST(JemallocHeap, ReadsTheEightByteAlignmentOfRedis) {
  JemallocWriter writer(235);  // 8, 16, 24, 32, 40, …
  const auto slab = writer.slab({.size_class = 2, .region = 24, .size = 12288, .free = {7}});
  const auto large = writer.large({.size_class = 39, .usable = 16384});
  writer.kept(JemallocWriter::retained, 4096);
  const Walked walked(writer.core().bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.heap->allocator(), "jemalloc 5.3 (8-byte alignment)");
  EXPECT_EQ(walked.failed_checks(), "");
  EXPECT_EQ(walked.block(slab + 7 * 24).state, BlockState::free);
  EXPECT_EQ(walked.block(large).usable, 16384U);
}

TEST(JemallocHeap, DoesWithoutThePageMap) {
  EveryKind made;
  made.writer.without_page_map();
  const Walked walked(made.bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.damage.count(), 0U);
  EXPECT_EQ(walked.check("extents in the page map").expected, 0U);
  EXPECT_EQ(walked.blocks.count(made.idle), 0U);  // nothing says that this descriptor still counts
  EXPECT_EQ(walked.blocks.size(), 128U + 256U + 5U + 3U);
}

// A core cut before the module's data: what is left of the page map's root are leaves that threads remember.
TEST(JemallocHeap, TakesNoRememberedLeafForThePageMapsRoot) {
  EveryKind made;
  CoreWriter core = made.writer.core();
  core.word(JemallocWriter::root_word, 0).word(JemallocWriter::root_word + 8, 0);
  core.word(JemallocWriter::tls, JemallocWriter::heap).word(JemallocWriter::tls + 8, JemallocWriter::first_leaf);
  const Walked walked(core.bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.damage.count(), 0U);
  EXPECT_EQ(walked.check("extents in the page map").expected, 0U);
  EXPECT_EQ(walked.block(made.far).usable, 32768U);
}

TEST(JemallocHeap, FindsCachesThatTheProgramMade) {
  JemallocWriter writer;
  const auto slab = writer.slab({.size_class = 4, .region = 64, .size = 4096});
  writer.thread_cache(1, {{4, {slab}}}, 60);
  const auto block = writer.program_cache({{4, {slab + 64, slab + 128}}}, 60);
  const Walked walked(writer.core().bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.failed_checks(), "");
  EXPECT_EQ(walked.in_state(BlockState::cached), (std::vector{slab, slab + 64, slab + 128}));
  ASSERT_EQ(walked.heap->own_blocks().size(), 2U);
  EXPECT_EQ(walked.heap->own_blocks()[1],
            (std::pair<std::uint64_t, std::string>{block, "thread cache made by the program"}));
}

TEST(JemallocHeap, AllThreadsCachesLieAtOneDistance) {
  JemallocWriter writer;
  const auto slab = writer.slab({.size_class = 4, .region = 64, .size = 4096});
  writer.thread_without_cache(1);
  for (unsigned i = 0; i < 3; ++i) writer.thread_cache(2 + i, {{4, {slab + i * 64}}});
  const Walked walked(writer.core().bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.heap->own_blocks().size(), 3U);
  EXPECT_EQ(walked.in_state(BlockState::cached).size(), 3U);
}

TEST(JemallocHeap, ReportsASlabThatContradictsItself) {
  JemallocWriter writer;
  const auto slab = writer.slab({.size_class = 2, .region = 32, .size = 4096, .free = {0, 3}, .counted_free = 5});
  writer.slab({.size_class = 2, .region = 32, .size = 4096});
  const Walked walked(writer.core().bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.failed_checks(), "free regions of slabs: 5/2\nslabs that contradict themselves: 0/1\n");
  EXPECT_EQ(walked.in_state(BlockState::free),
            (std::vector{slab, slab + 3 * 32}));  // the bitmap is what malloc goes by
  ASSERT_EQ(walked.damage.count(), 1U);
  const CoreWriter core = writer.core();
  EXPECT_EQ(walked.damage.entries()[0].offset,
            core.offset_of_segment(0) + writer.descriptor_address(0) - JemallocWriter::base);
}

TEST(JemallocHeap, RefusesWhatIsLaidOutOtherwise) {
  JemallocWriter writer;
  for (int i = 0; i < 12; ++i) writer.slab({.size_class = 2, .region = 32, .size = 4096, .counted_free = 9});
  const Walked walked(writer.core().bytes());
  EXPECT_EQ(walked.heap, nullptr);
  EXPECT_NE(walked.damage.entries().back().what.find("not laid out as in version 5 "), std::string::npos);
}

TEST(JemallocHeap, OfOverlappingExtentsThePageMapsStays) {
  JemallocWriter writer;
  const auto right = writer.slab({.size_class = 2, .region = 32, .size = 8192 - 4096, .free = {1}});
  const std::uint64_t slab_bits = 1 << 12 | 1 << 13 | std::uint64_t{2} << 20;
  writer.descriptor(slab_bits, right - 4096, 8192, false);
  const Walked walked(writer.core().bytes());
  ASSERT_NE(walked.heap, nullptr);
  ASSERT_EQ(walked.heap->regions().size(), 1U);
  EXPECT_EQ(walked.heap->regions()[0].start, right);
  EXPECT_EQ(walked.failed_checks(), "overlapping extents: 0/1\n");
  EXPECT_EQ(walked.damage.count(), 1U);
}

TEST(JemallocHeap, WithoutAPageMapTheLowerOfTwoStays) {
  JemallocWriter writer;
  writer.without_page_map();
  const auto lower = writer.slab({.size_class = 2, .region = 32, .size = 8192});
  writer.at(lower + 4096).kept(JemallocWriter::dirty, 8192);
  const Walked walked(writer.core().bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.heap->regions().size(), 1U);
  EXPECT_EQ(walked.check("overlapping extents").found, 1U);
}

TEST(JemallocHeap, LeavesOutWhatThePageMapDoesNotHave) {
  JemallocWriter writer;
  writer.slab({.size_class = 2, .region = 32, .size = 4096});
  const std::uint64_t slab_bits = 1 << 12 | 1 << 13 | std::uint64_t{2} << 20;
  writer.descriptor(slab_bits, JemallocWriter::heap + 65536, 4096, false);
  const Walked walked(writer.core().bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.heap->regions().size(), 1U);
  EXPECT_EQ(walked.failed_checks(), "extents in the page map: 2/1\n");
}

TEST(JemallocHeap, CachedAddressesThatAreNoBlocksAreDamage) {
  JemallocWriter writer;
  const auto slab = writer.slab({.size_class = 4, .region = 64, .size = 4096, .free = {9}});
  writer.thread_cache(1,
                      {{4,
                        {slab + 64,      // right
                         slab + 9 * 64,  // free in the slab
                         slab + 8,       // not where a region begins
                         0x1234}},       // nothing there
                       {5, {slab}},      // of another size
                       {6, {}}},
                      4);
  const Walked walked(writer.core().bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.in_state(BlockState::cached), std::vector{slab + 64});
  EXPECT_EQ(walked.failed_checks(), "blocks in thread caches: 5/1\n");
  EXPECT_EQ(walked.damage.count(), 4U);
}

TEST(JemallocHeap, ABlockInTwoCachesWasFreedTwice) {
  JemallocWriter writer;
  const auto slab = writer.slab({.size_class = 4, .region = 64, .size = 4096});
  writer.thread_cache(1, {{4, {slab + 64}}});
  writer.thread_cache(2, {{4, {slab + 64}}});
  const Walked walked(writer.core().bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.failed_checks(), "blocks in thread caches: 2/1\n");
  ASSERT_EQ(walked.damage.count(), 1U);
  EXPECT_NE(walked.damage.entries()[0].what.find("freed twice"), std::string::npos);
}

TEST(JemallocHeap, TellsOfMetadataThatIsNotThere) {
  JemallocWriter writer;
  writer.slab({.size_class = 2, .region = 32, .size = 4096});
  CoreWriter core = writer.core();
  core.word(JemallocWriter::base + 8, JemallocWriter::base + (64 << 20));
  const Walked walked(core.bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.failed_checks(), "blocks of metadata: 1/0\n");
  ASSERT_EQ(walked.damage.count(), 1U);
  EXPECT_NE(walked.damage.entries()[0].what.find("0x7f0004000000 is not in the core"), std::string::npos);
}

TEST(JemallocHeap, CachesOfOlderVersionsThatAProgramMadeAreFound) {
  JemallocWriter writer = JemallocWriter::older();
  const auto slab = writer.slab({.size_class = 2, .region = 32, .size = 4096});
  const auto threads = writer.thread_cache(71, {{2, {slab}}}, 55);
  const auto made = writer.program_cache({{2, {slab + 64, slab + 96}}}, 55);
  const Walked walked(writer.core().bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.damage.count(), 0U);
  EXPECT_EQ(walked.in_state(BlockState::cached), (std::vector{slab, slab + 64, slab + 96}));
  ASSERT_EQ(walked.heap->own_blocks().size(), 2U);
  EXPECT_EQ(walked.heap->own_blocks()[0].first, threads);
  EXPECT_EQ(walked.heap->own_blocks()[1].first, made);
}

TEST(JemallocHeap, TwoVersionsInOneProcessAreNotMixed) {
  JemallocWriter writer;
  writer.slab({.size_class = 2, .region = 32, .size = 4096});
  CoreWriter core = writer.core();
  const std::uint64_t other = JemallocWriter::base + (4 << 20);  // the second base block
  core.word(other + 16, 0xFFF | std::uint64_t{232} << 18);       // extent_t: two state bits, not three
  const Walked walked(core.bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.heap->allocator(), "jemalloc 5.3");
  ASSERT_GE(walked.damage.count(), 1U);
  EXPECT_NE(walked.damage.entries()[0].what.find("a second jemalloc of another version"), std::string::npos);
}

TEST(JemallocHeap, IsNotInOtherProcesses) {
  CoreWriter core;
  core.segment(0x7f0000000000, std::string(8192, '\0')).segment(0x7f0000200000, std::string(8192, '\xFF'));
  const Walked walked(core.bytes());
  EXPECT_EQ(walked.heap, nullptr);
  EXPECT_EQ(walked.damage.count(), 0U);
}

TEST_P(JemallocVersions, EveryTruncationKeepsWhatIsThere) {
  const EveryKind made = every_kind();
  const std::string whole = made.bytes();
  const Walked all(whole);
  ASSERT_NE(all.heap, nullptr);
  std::size_t most = 0;
  for (std::size_t size = 64; size < whole.size(); ++size) {
    try {
      const Walked cut(whole.substr(0, size));
      if (cut.heap == nullptr) continue;
      EXPECT_GT(cut.core_damage.count() + cut.damage.count(), 0U);
      std::size_t known = 0;
      for (const auto& [address, block] : cut.blocks) {
        const auto same = all.blocks.find(address);
        if (same == all.blocks.end()) {  // only the page map, which is cut, tells what descriptors are stale
          EXPECT_TRUE(GetParam()->keeps_stale_states && block.state == BlockState::free) << size;
          continue;
        }
        ++known;
        EXPECT_EQ(block.usable, same->second.usable);
        EXPECT_TRUE(block.state == same->second.state || same->second.state == BlockState::cached) << size;
      }
      EXPECT_GE(known, most) << size;  // a longer file knows no less
      most = known;
    } catch (const formats::InputError&) {  // cut within its headers
    }
  }
  EXPECT_EQ(most, all.blocks.size());
}

TEST_P(JemallocVersions, NoByteFlipBreaksTheWalk) {
  const std::string whole = every_kind().bytes();
  const std::size_t step = GetParam() == &formats::jemalloc::layouts[0] ? 1 : 7;  // of bytes that both have
  for (std::size_t i = 0; i < whole.size(); i += step) {
    for (const char flip : {'\x01', '\x80', '\xFF'}) {
      std::string flipped = whole;
      flipped[i] = static_cast<char>(flipped[i] ^ flip);
      try {
        const Walked walked(flipped);  // regions and blocks are checked in there
      } catch (const formats::InputError&) {
      }
    }
  }
}

// ---- real processes ----

std::filesystem::path real_cores() {
  const char* named = std::getenv("HEAPQL_DATA");
  return (named != nullptr ? std::filesystem::path(named)
                           : std::filesystem::path(HEAPQL_SOURCE_DIR) / "../shared/data") /
         "core/own";
}

class JemallocRealCores : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(real_cores())) GTEST_SKIP() << "no real cores here: set HEAPQL_DATA to their folder";
  }
  formats::Input open(const std::string& name) { return formats::Input::open((real_cores() / name).string(), damage); }
  DamageLog damage;
};

TEST_F(JemallocRealCores, UsedBlocksAreTheLiveOnes) {
  const formats::Input input = open("jemalloc.core.gz");
  const Walked walked(input.bytes());
  ASSERT_NE(walked.heap, nullptr);
  EXPECT_EQ(walked.damage.count(), 0U);
  EXPECT_EQ(walked.failed_checks(), "");
  EXPECT_EQ(walked.check("extents in the page map").found, 516U);
  EXPECT_GT(walked.check("page map entries read").found, 516U);
  EXPECT_EQ(walked.check("blocks in thread caches").found, 5387U);

  std::map<std::uint64_t, std::uint64_t> used;
  for (const std::uint64_t address : walked.in_state(BlockState::used)) used[address] = walked.block(address).usable;
  EXPECT_EQ(walked.heap->own_blocks().size(), 5U);
  for (const auto& [address, what] : walked.heap->own_blocks()) EXPECT_EQ(used.erase(address), 1U) << what;
  const formats::Input truth = open("jemalloc.live.gz");
  std::istringstream lines{std::string(formats::as_text(truth.bytes()))};
  std::size_t live = 0;
  for (std::uint64_t address = 0, requested = 0; lines >> std::hex >> address >> std::dec >> requested; ++live) {
    const auto found = used.find(address);
    ASSERT_NE(found, used.end()) << std::hex << address;
    EXPECT_GE(found->second, requested);
    used.erase(found);
  }
  EXPECT_EQ(live, 22'284U);
  EXPECT_TRUE(used.empty()) << used.size() << " used that are not live";
}

TEST_F(JemallocRealCores, OtherAllocatorsHeapsAreNotTaken) {
  for (const char* name : {"glibc.core.gz", "tcmalloc.core.gz", "mimalloc.core.gz", "py3k.core.gz"}) {
    const formats::Input input = open(name);
    const Walked walked(input.bytes());
    EXPECT_EQ(walked.heap, nullptr) << name;
    EXPECT_EQ(walked.damage.count(), 0U) << name;
  }
}

}  // namespace
}  // namespace tests

// Cores of real programs on glibc's malloc, with every live block known from an interposed malloc log, where a folder
// with them is at hand ($HEAPQL_DATA, or shared/data beside the project); skipped elsewhere.
#include <gtest/gtest.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "formats/glibc_heap.h"
#include "formats/input.h"

namespace tests {
namespace {

using formats::BlockState;
using formats::HeapBlock;

class GlibcRealCores : public testing::Test {
 protected:
  void SetUp() override {
    const char* named = std::getenv("HEAPQL_DATA");
    folder = (named != nullptr ? std::filesystem::path(named)
                               : std::filesystem::path(HEAPQL_SOURCE_DIR) / "../shared/data") /
             "core/own";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no real cores here: set HEAPQL_DATA to their folder";
  }

  void read(const std::string& name) {
    input = std::make_unique<formats::Input>(formats::Input::open((folder / name).string(), damage));
    core = formats::elf::read_core(input->bytes(), damage);
    image = std::make_unique<formats::ProcessImage>(core);
    heap = formats::find_glibc_heap(*image, damage);
  }

  /// Address → requested bytes, lines of "hex decimal".
  std::map<std::uint64_t, std::uint64_t> live_blocks(const std::string& name) {
    const formats::Input log = formats::Input::open((folder / name).string(), damage);
    std::map<std::uint64_t, std::uint64_t> live;
    const std::string_view text = formats::as_text(log.bytes());
    const char* at = text.data();
    const char* end = at + text.size();
    while (at < end) {
      std::uint64_t address = 0;
      std::uint64_t requested = 0;
      at = std::from_chars(at, end, address, 16).ptr + 1;
      at = std::from_chars(at, end, requested).ptr + 1;
      live[address] = requested;
    }
    return live;
  }

  void all_checks_hold() const {
    for (const formats::HeapCheck& check : heap->checks()) {
      EXPECT_EQ(check.expected, check.found) << check.name;
    }
  }

  /// Used blocks by address; every block lies in its region, behind the one before.
  [[nodiscard]] std::map<std::uint64_t, std::uint64_t> used_blocks() const {
    std::map<std::uint64_t, std::uint64_t> used;
    std::uint64_t behind = 0;
    for (std::size_t i = 0; i < heap->regions().size(); ++i) {
      heap->visit(i, [&](const HeapBlock& block) {
        EXPECT_GE(block.address, std::max(behind, heap->regions()[i].start));
        behind = block.address + block.usable;
        EXPECT_LE(behind, heap->regions()[i].end);
        if (block.state == BlockState::used) used[block.address] = block.usable;
      });
    }
    return used;
  }

  /// Used blocks are those of the log, and the allocator's own.
  void equals_log(const std::map<std::uint64_t, std::uint64_t>& live) const {
    std::map<std::uint64_t, std::uint64_t> used = used_blocks();
    for (const auto& [address, what] : heap->own_blocks()) EXPECT_EQ(used.erase(address), 1U) << what;
    for (const auto& [address, requested] : live) {
      const auto block = used.find(address);
      ASSERT_NE(block, used.end()) << std::hex << address << " is missing";
      EXPECT_GE(block->second, requested) << std::hex << address;
      used.erase(block);
    }
    EXPECT_EQ(used.size(), 0U) << "first: " << std::hex << (used.empty() ? 0 : used.begin()->first);
  }

  std::filesystem::path folder;
  formats::DamageLog damage;
  std::unique_ptr<formats::Input> input;
  formats::elf::Core core;
  std::unique_ptr<formats::ProcessImage> image;
  std::unique_ptr<formats::HeapWalk> heap;
};

TEST_F(GlibcRealCores, EveryBlockOfTheLogIsUsedAndNoOtherButTheThreadCaches) {
  read("glibc.core.gz");
  ASSERT_NE(heap, nullptr);
  all_checks_hold();
  EXPECT_EQ(damage.count(), 0U);
  EXPECT_EQ(heap->allocator(), "glibc malloc 2.35–2.41");
  EXPECT_EQ(heap->own_blocks().size(), 5U);
  const std::map<std::uint64_t, std::uint64_t> live = live_blocks("glibc.live.gz");
  EXPECT_EQ(live.size(), 22284U);
  equals_log(live);
}

TEST_F(GlibcRealCores, CutCoreLosesOnlyWhatIsBeyondTheCut) {
  std::map<std::uint64_t, std::uint64_t> live = live_blocks("glibc.live.gz");
  read("glibc_truncated_3MB.core.gz");
  ASSERT_NE(heap, nullptr);
  all_checks_hold();
  std::erase_if(live, [&](const auto& block) { return image->at(block.first).empty(); });
  EXPECT_EQ(live.size(), 22275U);
  equals_log(live);
}

TEST_F(GlibcRealCores, KernelCoreAndPythonWalkClean) {
  for (const char* name : {"kernel_nomlog.core.gz", "py3k.core.gz"}) {
    SCOPED_TRACE(name);
    read(name);
    ASSERT_NE(heap, nullptr);
    all_checks_hold();
    EXPECT_EQ(damage.count(), 0U);
    EXPECT_GT(used_blocks().size(), 700U);
  }
}

TEST_F(GlibcRealCores, ProcessesOfOtherAllocatorsHaveNoGlibcHeap) {
  for (const char* name : {"jemalloc.core.gz", "tcmalloc.core.gz", "mimalloc.core.gz"}) {
    SCOPED_TRACE(name);
    read(name);
    EXPECT_EQ(heap, nullptr);
  }
}

}  // namespace
}  // namespace tests

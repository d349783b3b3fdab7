// The runtime's own blocks: found by the structure that holds them, and by nothing less.
#include "importers/native_runtime_blocks.h"

#include <gtest/gtest.h>

#include "tests/support/native_process.h"

namespace tests {
namespace {

constexpr std::uint64_t pool_size = 72'704;

TEST(NativeRuntimeBlocks, TheEmergencyPoolIsKnownByItsStructure) {
  struct Case {
    const char* what;
    std::uint64_t first_free;  ///< offset in the pool
    std::uint64_t free_bytes;
    std::uint64_t size;
    bool is_pool;
  };
  const Case cases[] = {
      {"untouched", 0, pool_size, pool_size, true},
      {"an exception lies in front", 256, pool_size - 256, pool_size, true},
      {"more is free than there is", 256, pool_size, pool_size, false},
      {"its free entry lies outside", pool_size + 64, 64, pool_size, false},
      {"another size, in no library", 0, 70'000, 70'000, false},
  };
  for (const Case& one : cases) {
    NativeProcess process;
    const std::uint64_t pool = process.block(pool_size);
    const std::uint64_t other = process.block(pool_size);
    process.words(process.data + 0x60, {pool + one.first_free, pool, one.size});
    process.words(process.data + 0x100, {other, other});
    if (one.first_free < pool_size) process.words(pool + one.first_free, {one.free_bytes, 0});
    process.find();
    const auto found = importers::native::find_runtime_blocks(*process.image, *process.blocks, process.typed);
    ASSERT_EQ(found.size(), one.is_pool ? 1u : 0u) << one.what;
    if (!one.is_pool) continue;
    EXPECT_EQ(found[0].first, pool);
    EXPECT_EQ(process.type_name(pool), "libstdc++ emergency exception pool");
    EXPECT_NE(process.type_name(other), "libstdc++ emergency exception pool");
  }
}

}  // namespace
}  // namespace tests

// Several allocators' regions as one walk: side by side, and one that cuts up another's blocks.
#include "importers/native_heap.h"

#include <gtest/gtest.h>

namespace tests {
namespace {

using formats::BlockState;
using formats::HeapBlock;
using formats::HeapRegion;
using importers::native::NativeHeap;

/// Regions and their blocks as a test lists them.
class ListedWalk final : public formats::HeapWalk {
 public:
  explicit ListedWalk(std::string name) : name_(std::move(name)) {}
  void region(std::uint64_t start, std::uint64_t end, std::vector<HeapBlock> blocks) {
    regions_.push_back({start, end, "region", name_, 0});
    blocks_.push_back(std::move(blocks));
  }
  [[nodiscard]] std::string allocator() const override { return name_; }
  [[nodiscard]] const std::vector<HeapRegion>& regions() const override { return regions_; }
  [[nodiscard]] const std::vector<formats::HeapCheck>& checks() const override { return checks_; }
  [[nodiscard]] const std::vector<formats::AddressRange>& metadata() const override { return metadata_; }
  void visit(std::size_t region, const formats::BlockVisitor& block) const override {
    for (const HeapBlock& one : blocks_[region]) block(one);
  }
  [[nodiscard]] const std::vector<std::pair<std::uint64_t, std::string>>& own_blocks() const override { return own_; }

 private:
  std::string name_;
  std::vector<HeapRegion> regions_;
  std::vector<std::vector<HeapBlock>> blocks_;
  std::vector<formats::HeapCheck> checks_;
  std::vector<formats::AddressRange> metadata_;
  std::vector<std::pair<std::uint64_t, std::string>> own_;
};

struct Seen {
  std::uint64_t address, usable;
  BlockState state;
  bool operator==(const Seen&) const = default;
};

struct Walked {
  std::vector<Seen> blocks;
  std::vector<queries::RegionRow> regions;
  std::uint64_t damage = 0;
};

Walked walk(std::vector<std::unique_ptr<formats::HeapWalk>> walks) {
  formats::DamageLog damage;
  const NativeHeap heap(std::move(walks), damage);
  Walked walked;
  heap.for_each_block([&](const HeapBlock& block, std::size_t) {
    walked.blocks.push_back({block.address, block.usable, block.state});
  });
  queries::Snapshot snapshot;
  heap.fill(snapshot);
  walked.regions = snapshot.regions;
  walked.damage = damage.count();
  return walked;
}

std::unique_ptr<ListedWalk> outer_walk() {
  auto outer = std::make_unique<ListedWalk>("malloc");
  outer->region(0x1000, 0x3000,
                {{0x1010, 0x100, BlockState::used, -1},
                 {0x1200, 0x800, BlockState::used, -1},
                 {0x1b00, 0x400, BlockState::free, 3},
                 {0x2000, 0x800, BlockState::used, -1}});
  return outer;
}

TEST(NativeHeap, ABlockThatIsCutUpGivesWayToItsParts) {
  auto pool = std::make_unique<ListedWalk>("pool");
  pool->region(0x1240, 0x1600, {{0x1240, 0x40, BlockState::used, -1}, {0x1280, 0x40, BlockState::free, -1}});
  pool->region(0x1600, 0x1a00, {{0x1700, 0x80, BlockState::used, -1}});
  std::vector<std::unique_ptr<formats::HeapWalk>> walks;
  walks.push_back(outer_walk());
  walks.push_back(std::move(pool));
  const Walked walked = walk(std::move(walks));
  const std::vector<Seen> expected{
      {0x1010, 0x100, BlockState::used},  {0x1200, 0x40, BlockState::used}, {0x1240, 0x40, BlockState::used},
      {0x1280, 0x40, BlockState::cached}, {0x1700, 0x80, BlockState::used}, {0x1b00, 0x400, BlockState::free},
      {0x2000, 0x800, BlockState::used},
  };
  EXPECT_EQ(walked.blocks, expected);
  EXPECT_EQ(walked.damage, 0u);
  ASSERT_EQ(walked.regions.size(), 1u);
  const queries::RegionRow& row = walked.regions[0];
  EXPECT_EQ(row.live_bytes + row.free_bytes + row.cached_bytes + row.overhead_bytes, row.end - row.start);
  EXPECT_EQ(row.cached_bytes, 0x40u);
}

TEST(NativeHeap, WhatLiesInNoUsedBlockIsNotCut) {
  auto pool = std::make_unique<ListedWalk>("pool");
  pool->region(0x1b00, 0x1c00, {{0x1b00, 0x100, BlockState::used, -1}});  // in the free block
  pool->region(0x2700, 0x2900, {{0x2700, 0x100, BlockState::used, -1}});  // leaves its block
  std::vector<std::unique_ptr<formats::HeapWalk>> walks;
  walks.push_back(outer_walk());
  walks.push_back(std::move(pool));
  EXPECT_EQ(walk(std::move(walks)).blocks.size(), 4u);
}

TEST(NativeHeap, RegionsThatOverlapAreLeftOut) {
  auto other = std::make_unique<ListedWalk>("other");
  other->region(0x2800, 0x3800, {{0x2800, 0x100, BlockState::used, -1}});  // half in, half out
  other->region(0x4000, 0x5000, {{0x4000, 0x100, BlockState::used, -1}});
  std::vector<std::unique_ptr<formats::HeapWalk>> walks;
  walks.push_back(outer_walk());
  walks.push_back(std::move(other));
  const Walked walked = walk(std::move(walks));
  EXPECT_EQ(walked.blocks.size(), 5u);
  EXPECT_EQ(walked.damage, 1u);
}

}  // namespace
}  // namespace tests

// Live blocks of a trace by their addresses: open addressing in a power of two of slots, at most 7/10 in use. Slots by
// a secret factor (spread.h): no input can make look-ups slow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "importers/spread.h"
#include "queries/huge_pages.h"

namespace importers {

/// `Block` has an `address` and is_empty(), and is empty when it is made. Look-ups, insertions and removals are
/// amortized O(1). Memory: 1.4 to 2.9 blocks for each that lives.
template <typename Block>
class BlockTable {
 public:
  /// Of the block at `address`, or of the empty slot where it belongs. Valid until the next change.
  [[nodiscard]] std::size_t slot_of(std::uint64_t address) const {
    std::size_t slot = spread(address, blocks_.size());
    while (!blocks_[slot].is_empty() && blocks_[slot].address != address) slot = (slot + 1) & (blocks_.size() - 1);
    return slot;
  }
  [[nodiscard]] const Block& operator[](std::size_t slot) const { return blocks_[slot]; }
  /// Where a block lies is a cache miss in any large trace: asks for it ahead of time.
  void prefetch(std::uint64_t address) const { __builtin_prefetch(&blocks_[spread(address, blocks_.size())], 1); }

  /// `slot`: the empty one of the block's address.
  void insert(std::size_t slot, const Block& block) {
    if ((count_ + 1) * 10 >= blocks_.size() * 7) {
      grow();
      slot = slot_of(block.address);
    }
    blocks_[slot] = block;
    ++count_;
  }
  /// Blocks behind the slot that would not be found any more move up (Knuth 6.4, algorithm R): no tombstones.
  void erase(std::size_t slot) {
    const std::size_t mask = blocks_.size() - 1;
    std::size_t hole = slot;
    for (std::size_t at = (hole + 1) & mask; !blocks_[at].is_empty(); at = (at + 1) & mask) {
      const std::size_t home = spread(blocks_[at].address, blocks_.size());
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        blocks_[hole] = blocks_[at];
        hole = at;
      }
    }
    blocks_[hole] = Block{};
    --count_;
  }

 private:
  using Blocks = std::vector<Block, queries::HugePages<Block>>;

  void grow() {
    Blocks old(blocks_.size() * 2);
    old.swap(blocks_);
    for (const Block& block : old) {
      if (!block.is_empty()) blocks_[slot_of(block.address)] = block;
    }
  }

  Blocks blocks_ = Blocks(1024);
  std::size_t count_ = 0;
};

}  // namespace importers

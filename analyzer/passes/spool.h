// A sequence of 32-bit numbers that is written once and then read once or twice in order: large blocks instead of one
// vector, so that growing never copies and the last reading gives the memory back as it goes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "analyzer/passes/work_array.h"

namespace analyzer {

class Spool {
 public:
  /// Blocks of at most `block` numbers. The default is just above the size from which the C library maps (and unmaps)
  /// allocations one by one. Blocks hold an even number, so pairs are never torn.
  explicit Spool(std::size_t expected, std::size_t block = (std::size_t{8} << 20) + 4096)
      : block_size_((std::clamp<std::size_t>(expected, 64, block) + 1) / 2 * 2) {}

  void push(std::uint32_t value) {
    if (next_ == end_) grow();
    *next_++ = value;
  }
  [[nodiscard]] std::uint64_t size() const {
    return blocks_.empty() ? 0 : (blocks_.size() - 1) * block_size_ + used(blocks_.size() - 1);
  }
  /// Calls f(span) for each block in order.
  template <typename F>
  void for_each_block(F&& f) {
    for (std::size_t i = 0; i < blocks_.size(); ++i) f(blocks_[i].data(), used(i));
  }
  /// The same; each block is freed after its call.
  template <typename F>
  void drain(F&& f) {
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      f(blocks_[i].data(), used(i));
      blocks_[i].release();
    }
    blocks_.clear();
    next_ = end_ = nullptr;
  }

 private:
  [[nodiscard]] std::size_t used(std::size_t block) const {
    return block + 1 < blocks_.size() ? block_size_ : static_cast<std::size_t>(next_ - blocks_.back().data());
  }
  void grow() {
    blocks_.emplace_back(block_size_);
    next_ = blocks_.back().data();
    end_ = next_ + block_size_;
  }
  std::size_t block_size_;
  std::vector<WorkArray<std::uint32_t>> blocks_;
  std::uint32_t* next_ = nullptr;
  std::uint32_t* end_ = nullptr;
};

}  // namespace analyzer

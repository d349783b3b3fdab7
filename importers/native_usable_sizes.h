// How many bytes allocators make of a request, without asking which allocator it is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "importers/native_blocks.h"
#include "importers/native_content.h"

namespace importers::native {

/// What glibc's malloc makes of a request: a header of 8 bytes, multiples of 16, at least 32 with it.
[[nodiscard]] constexpr std::uint64_t glibc_usable(std::uint64_t size) {
  return std::max<std::uint64_t>((size + 8 + 15) & ~std::uint64_t{15}, 32) - 8;
}

/// How many bytes allocators make of a request, as far as this heap's blocks tell: the smallest that there is.
class UsableSizes {
 public:
  /// `is_glibc`: every block is glibc's, so that usable_for() need not look.
  explicit UsableSizes(const Blocks& blocks, bool is_glibc = false) : is_glibc_(is_glibc) {
    for (std::uint32_t i = 0; i < blocks.count(); ++i) {
      const std::uint64_t usable = blocks.usable(queries::ObjectId{i});
      if (!sizes_.empty() && usable == sizes_.back()) continue;
      sizes_.push_back(usable);
      if (sizes_.size() >= most_unsorted && sizes_.size() >= 2 * sorted_) sort();
    }
    sort();
  }
  /// What a request of `size` bytes gives: exact for glibc; else by the blocks that there are, perhaps too much, 0 =
  /// none is as large. O(log sizes).
  [[nodiscard]] std::uint64_t usable_for(std::uint64_t size) const {
    return is_glibc_ ? glibc_usable(size) : least_of(size);
  }
  /// Whether a request of `size` bytes gives blocks of `usable` ones, and none smaller.
  [[nodiscard]] bool is_for(std::uint64_t size, std::uint64_t usable) const {
    if (size == 0 || !fits_request(size, usable)) return false;
    return least_of(size) == usable;
  }

 private:
  [[nodiscard]] std::uint64_t least_of(std::uint64_t size) const {
    const auto least = std::lower_bound(sizes_.begin(), sizes_.end(), size);
    return least == sizes_.end() ? 0 : *least;
  }
  static constexpr std::size_t most_unsorted = 1 << 16;
  void sort() {
    std::sort(sizes_.begin(), sizes_.end());
    sizes_.erase(std::unique(sizes_.begin(), sizes_.end()), sizes_.end());
    sorted_ = sizes_.size();
  }
  std::vector<std::uint64_t> sizes_;
  std::size_t sorted_ = 0;
  bool is_glibc_ = false;
};

}  // namespace importers::native

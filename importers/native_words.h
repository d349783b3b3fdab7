// The words of a process that can be references: aligned, present, and not an allocator's own. One loop for blocks,
// roots and details, so that they agree on what a word is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "formats/process_image.h"
#include "importers/native_heap.h"

namespace importers::native {

/// Borrows both. Remembers the range of the last call: ascending calls cost O(words), others O(log ranges) more.
class Words {
 public:
  Words(const formats::ProcessImage& image, const AddressRanges& excluded) : image_(&image), excluded_(&excluded) {}

  /// Calls f(address, word), ascending, for the words in [start, end); an f that returns false ends it.
  template <typename F>
  void for_each(std::uint64_t start, std::uint64_t end, F&& f) {
    bool goes_on = true;
    excluded_->for_each_gap(start, end,
                            [&](std::uint64_t from, std::uint64_t to) { goes_on = goes_on && in_gap(from, to, f); });
  }

 private:
  using Range = formats::ProcessImage::Range;
  static constexpr std::uint64_t word_size = 8;

  template <typename F>
  bool in_gap(std::uint64_t from, std::uint64_t to, F& f) {
    const auto ranges = image_->ranges();
    seek(from);
    for (std::size_t i = range_; i < ranges.size() && ranges[i].start < to; ++i) {
      const Range& range = ranges[i];
      if (!range.present()) continue;
      const std::uint64_t first = std::max(from, range.start);
      const std::uint64_t stop = std::min(to, range.end);
      if (first > std::numeric_limits<std::uint64_t>::max() - word_size) return true;
      std::uint64_t at = (first + word_size - 1) & ~(word_size - 1);
      const std::byte* data = range.data + (at - range.start);
      for (; at < stop && stop - at >= word_size; at += word_size, data += word_size) {
        const auto word = formats::load_le<std::uint64_t>(data);
        if constexpr (std::is_void_v<decltype(f(at, word))>) {
          f(at, word);
        } else if (!f(at, word)) {
          return false;
        }
      }
    }
    return true;
  }

  /// To the first range that ends behind `address`.
  void seek(std::uint64_t address) {
    const auto ranges = image_->ranges();
    const auto ends_behind = [&](std::size_t i) { return i == ranges.size() || ranges[i].end > address; };
    if (ends_behind(range_) && (range_ == 0 || ranges[range_ - 1].end <= address)) return;
    if (range_ < ranges.size() && ends_behind(range_ + 1) && ranges[range_].end <= address) {
      ++range_;
      return;
    }
    const auto found =
        std::partition_point(ranges.begin(), ranges.end(), [&](const Range& range) { return range.end <= address; });
    range_ = static_cast<std::size_t>(found - ranges.begin());
  }

  const formats::ProcessImage* image_;
  const AddressRanges* excluded_;
  std::size_t range_ = 0;
};

}  // namespace importers::native

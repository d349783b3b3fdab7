// Places in writable memory as 32-bit numbers, and fast reads: what the typing of blocks needs of a process's memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "formats/process_image.h"

namespace importers::native {

/// 8-byte granules of the present writable memory, numbered from 1 by address: half of an address's bytes. Memory
/// beyond 32 GiB has no numbers. O(log ranges).
class Places {
 public:
  Places() = default;
  explicit Places(const formats::ProcessImage& image) {
    std::uint64_t next = 1;
    for (const formats::ProcessImage::Range& range : image.ranges()) {
      if (!range.present() || !range.writable) continue;
      runs_.push_back({range.start, range.end, next});
      next += (range.size() + 7) / 8;
    }
  }
  /// 0 when it is in no writable memory, or has no number.
  [[nodiscard]] std::uint32_t number(std::uint64_t address) const {
    const auto next = std::upper_bound(runs_.begin(), runs_.end(), address,
                                       [](std::uint64_t wanted, const Run& run) { return wanted < run.start; });
    if (next == runs_.begin() || address >= std::prev(next)->end) return 0;
    const std::uint64_t number = std::prev(next)->first + (address - std::prev(next)->start) / 8;
    return number > 0xFFFF'FFFF ? 0 : static_cast<std::uint32_t>(number);
  }
  /// The address of a number that was given out.
  [[nodiscard]] std::uint64_t address(std::uint32_t number) const {
    const auto next = std::upper_bound(runs_.begin(), runs_.end(), number,
                                       [](std::uint64_t wanted, const Run& run) { return wanted < run.first; });
    return next == runs_.begin() ? 0 : std::prev(next)->start + (number - std::prev(next)->first) * 8;
  }

 private:
  struct Run {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint64_t first = 0;
  };
  std::vector<Run> runs_;
};

/// Reads that remember the range of the last one. Borrows the image.
class Memory {
 public:
  explicit Memory(const formats::ProcessImage& image) : image_(image) {}
  /// `size` bytes when all of them are present in one range, else nullptr.
  [[nodiscard]] const std::byte* span(std::uint64_t address, std::uint64_t size) {
    if (last_ == nullptr || address < last_->start || address >= last_->end) {
      const formats::ProcessImage::Range* range = image_.find(address);
      if (range == nullptr || !range->present()) return nullptr;
      last_ = range;
    }
    return size <= last_->end - address ? last_->data + (address - last_->start) : nullptr;
  }
  /// False when absent. `to` is 0 then.
  bool word(std::uint64_t address, std::uint64_t& to) {
    const std::byte* at = span(address, 8);
    to = at != nullptr ? formats::load_le<std::uint64_t>(at) : 0;
    return at != nullptr;
  }
  [[nodiscard]] bool holds(std::uint64_t address, std::uint64_t wanted) {
    std::uint64_t found = 0;
    return word(address, found) && found == wanted;
  }
  [[nodiscard]] const formats::ProcessImage& image() const { return image_; }

 private:
  const formats::ProcessImage& image_;
  const formats::ProcessImage::Range* last_ = nullptr;
};

/// The distance at which the first word of [begin, begin + size) comes again, when it does so in every element up to
/// the end; 0 = it does not. O(size).
inline std::uint64_t repeat_of(Memory& memory, std::uint64_t begin, std::uint64_t size) {
  const std::byte* bytes = memory.span(begin, size);
  if (bytes == nullptr || size < 16) return 0;
  const auto first = formats::load_le<std::uint64_t>(bytes);
  std::uint64_t distance = 8;
  while (distance + 8 <= size && formats::load_le<std::uint64_t>(bytes + distance) != first) distance += 8;
  if (distance + 8 > size || size % distance != 0) return 0;
  for (std::uint64_t at = distance; at < size; at += distance) {
    if (formats::load_le<std::uint64_t>(bytes + at) != first) return 0;
  }
  return distance;
}

}  // namespace importers::native

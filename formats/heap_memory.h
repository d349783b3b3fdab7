// What heap walks share: words of the process by address, fast when near the last one, and damage told by address.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "formats/damage_log.h"
#include "formats/heap_walk.h"
#include "formats/process_image.h"

namespace formats {

[[nodiscard]] inline std::string hex_text(std::uint64_t address) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), address, 16).ptr;
  return "0x" + std::string(digits.data(), end);
}

/// Borrows the image. Not for two threads at once: it remembers the range of the last read.
class HeapMemory {
 public:
  explicit HeapMemory(const ProcessImage& image) : image_(&image) {}

  [[nodiscard]] const ProcessImage& image() const { return *image_; }
  template <typename T>
  [[nodiscard]] std::optional<T> load(std::uint64_t address) {
    if (address - start_ >= bytes_.size()) {
      const ProcessImage::Range* range = image_->find(address);
      if (range == nullptr || !range->present()) return std::nullopt;
      start_ = range->start;
      bytes_ = range->bytes();
    }
    const std::uint64_t offset = address - start_;
    if (bytes_.size() - offset < sizeof(T)) return image_->load<T>(address);  // crosses into the next range
    return load_le<T>(bytes_.data() + offset);
  }
  [[nodiscard]] std::optional<std::uint64_t> word(std::uint64_t address) { return load<std::uint64_t>(address); }

 private:
  const ProcessImage* image_;
  std::uint64_t start_ = 0;
  Bytes bytes_;
};

/// A finder's answer: the walk, when it finds its allocator in the process.
template <typename Walk>
[[nodiscard]] std::unique_ptr<HeapWalk> found_or_null(const ProcessImage& image, DamageLog& damage) {
  auto walk = std::make_unique<Walk>(image, damage);
  if (!walk->find()) return nullptr;
  return walk;
}

/// Puts damage at an address of the process: its offset in the core where that is known, else 0. Of the bytes, those
/// count that the core has there: what was cut off its end is counted by the reader, what it never had is no damage.
inline void add_damage_at(const ProcessImage& image, DamageLog& damage, std::uint64_t address, std::uint64_t bytes,
                          std::string what) {
  const auto& segments = image.core().segments;
  const auto next = std::upper_bound(segments.begin(), segments.end(), address,
                                     [](std::uint64_t wanted, const elf::Segment& s) { return wanted < s.address; });
  std::uint64_t offset = 0;
  std::uint64_t present = 0;
  const std::uint64_t end = address + std::min(bytes, ~std::uint64_t{0} - address);
  auto segment = next == segments.begin() ? next : std::prev(next);
  if (segment != segments.end() && address - segment->address < segment->bytes.size()) {
    offset = segment->file_offset + (address - segment->address);
  }
  for (; segment != segments.end() && segment->address < end; ++segment) {
    const std::uint64_t from = std::max(address, segment->address);
    const std::uint64_t to = std::min(end, segment->address + segment->bytes.size());
    present += from < to ? to - from : 0;
  }
  damage.add(offset, present, std::move(what));
}

}  // namespace formats

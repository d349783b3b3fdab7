// Compact columns: the struct-of-arrays that one snapshot is made of in memory. Each says what it costs per object;
// the sum is the memory budget of an import (design §4: 24 bytes per object, 5 bytes per reference at peak).
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "queries/ids.h"

namespace queries {

/// A fixed-size bit vector with optional rank support. 0.125 bytes per bit, +0.0625 after `index_ranks()`.
class Bitmap {
 public:
  Bitmap() = default;
  explicit Bitmap(std::uint64_t bits) : bits_(bits), words_((bits + 63) / 64, 0) {}

  [[nodiscard]] std::uint64_t size() const { return bits_; }
  [[nodiscard]] bool empty() const { return bits_ == 0; }
  [[nodiscard]] bool test(std::uint64_t bit) const { return (words_[bit >> 6] >> (bit & 63)) & 1; }
  void set(std::uint64_t bit) { words_[bit >> 6] |= std::uint64_t{1} << (bit & 63); }
  void reset(std::uint64_t bit) { words_[bit >> 6] &= ~(std::uint64_t{1} << (bit & 63)); }
  /// Sets the bit and tells whether it was clear before.
  bool set_if_clear(std::uint64_t bit) {
    std::uint64_t& word = words_[bit >> 6];
    const std::uint64_t mask = std::uint64_t{1} << (bit & 63);
    const bool was_clear = (word & mask) == 0;
    word |= mask;
    return was_clear;
  }
  void prefetch(std::uint64_t bit) const { __builtin_prefetch(&words_[bit >> 6]); }
  /// Grows (never shrinks) to hold `bits` bits; new bits are clear.
  void grow(std::uint64_t bits) {
    if (bits <= bits_) return;
    bits_ = bits;
    words_.resize((bits + 63) / 64, 0);
  }
  [[nodiscard]] std::uint64_t count() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t word : words_) sum += static_cast<std::uint64_t>(std::popcount(word));
    return sum;
  }
  /// Must be called after the last `set` and before the first `rank`. Counts are 32-bit: at most 2^32 set bits.
  void index_ranks() {
    ranks_.resize(words_.size() + 1);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < words_.size(); ++i) {
      ranks_[i] = sum;
      sum += static_cast<std::uint32_t>(std::popcount(words_[i]));
    }
    ranks_[words_.size()] = sum;
  }
  /// Number of set bits below `bit`. O(1).
  [[nodiscard]] std::uint32_t rank(std::uint64_t bit) const {
    const std::uint64_t below = words_[bit >> 6] & ((std::uint64_t{1} << (bit & 63)) - 1);
    return ranks_[bit >> 6] + static_cast<std::uint32_t>(std::popcount(below));
  }
  [[nodiscard]] const std::vector<std::uint64_t>& words() const { return words_; }
  [[nodiscard]] std::size_t bytes() const { return words_.size() * 8 + ranks_.size() * 4; }

 private:
  std::uint64_t bits_ = 0;
  std::vector<std::uint64_t> words_;
  std::vector<std::uint32_t> ranks_;
};

/// Class of each object. 2 bytes per object up to 65 536 classes, 4 beyond: the high half appears with the first class
/// that needs it.
class ClassColumn {
 public:
  void resize(std::size_t objects) {
    low_.resize(objects);
    if (!high_.empty()) high_.resize(objects);
  }
  void reserve(std::size_t objects) { low_.reserve(objects); }
  void push_back(ClassId id) {
    low_.push_back(0);
    if (!high_.empty()) high_.push_back(0);
    set(low_.size() - 1, id);
  }
  void set(std::size_t at, ClassId id) {
    low_[at] = static_cast<std::uint16_t>(index(id));
    const auto high = static_cast<std::uint16_t>(index(id) >> 16);
    if (high_.empty()) {
      if (high == 0) return;
      high_.resize(low_.size());
    }
    high_[at] = high;
  }
  [[nodiscard]] ClassId operator[](std::size_t at) const {
    const std::uint32_t low = low_[at];
    return ClassId{high_.empty() ? low : low | (std::uint32_t{high_[at]} << 16)};
  }
  [[nodiscard]] ClassId operator[](ObjectId id) const { return (*this)[std::size_t{index(id)}]; }
  [[nodiscard]] std::size_t size() const { return low_.size(); }
  [[nodiscard]] std::size_t bytes() const { return (low_.size() + high_.size()) * 2; }
  void prefetch(ObjectId id) const { __builtin_prefetch(&low_[index(id)]); }

 private:
  std::vector<std::uint16_t> low_;
  std::vector<std::uint16_t> high_;
};

/// The value of `at` in a side list sorted by its first members; `at` must be in it. O(log n).
template <typename Value>
[[nodiscard]] Value side_value(const std::vector<std::pair<std::uint32_t, Value>>& list, std::uint32_t at) {
  const auto found = std::lower_bound(list.begin(), list.end(), at,
                                      [](const auto& entry, std::uint32_t wanted) { return entry.first < wanted; });
  assert(found != list.end() && found->first == at);
  return found->second;
}

/// Sizes in bytes. 1 byte per object: multiples of 8 up to 2,032 are stored in it, all others in a side list (16 bytes
/// each), of which a heap has about one in a hundred. O(1), O(log n) for those in the side list.
class SizeColumn {
 public:
  void reserve(std::size_t objects) { small_.reserve(objects); }
  /// Appends the size of the next object; objects come in id order.
  void push_back(std::uint64_t size) {
    const bool fits = size < escape * 8 && size % 8 == 0;
    if (!fits) large_.emplace_back(static_cast<std::uint32_t>(small_.size()), size);
    small_.push_back(fits ? static_cast<std::uint8_t>(size / 8) : escape);
  }
  [[nodiscard]] std::uint64_t operator[](ObjectId id) const {
    const std::uint8_t size = small_[index(id)];
    return size != escape ? std::uint64_t{size} * 8 : side_value(large_, index(id));
  }
  [[nodiscard]] std::size_t size() const { return small_.size(); }
  [[nodiscard]] std::size_t bytes() const { return small_.size() + large_.size() * sizeof(large_[0]); }
  void clear() {
    small_.clear();
    large_.clear();
  }

 private:
  static constexpr std::uint8_t escape = 0xFF;
  std::vector<std::uint8_t> small_;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> large_;
};

/// Where each object's references begin: the offsets of a CSR in 1.5 bytes per object instead of 4. A byte holds how
/// many references an object has (255: see the side list), a base per eight objects the sum before them. Small enough
/// for the cache where plain offsets are not. O(1).
class EdgeOffsets {
 public:
  void reserve(std::size_t objects) {
    counts_.reserve(objects + 8);
    bases_.reserve(objects / 8 + 1);
  }
  /// Appends an offset, not below the one before; the first must be 0. n + 1 offsets describe n objects.
  void push_back(std::uint32_t offset) {
    if (!started_) {
      assert(offset == 0);
      started_ = true;
      return;
    }
    const std::uint32_t count = offset - last_;
    if (counts_.size() % 8 == 0) bases_.push_back(last_);
    if (count >= many) long_counts_.emplace_back(static_cast<std::uint32_t>(counts_.size()), count);
    counts_.push_back(count < many ? static_cast<std::uint8_t>(count) : many);
    last_ = offset;
  }
  template <typename Offsets>
  void assign(const Offsets& offsets) {
    clear();
    for (const std::uint32_t offset : offsets) push_back(offset);
  }
  void clear() {
    counts_.clear();
    bases_.clear();
    long_counts_.clear();
    last_ = 0;
    started_ = false;
  }
  /// Number of offsets: one more than objects, 0 when nothing was appended.
  [[nodiscard]] std::size_t size() const { return started_ ? counts_.size() + 1 : 0; }
  /// First reference of object `at`; at = number of objects: the number of references.
  [[nodiscard]] std::uint32_t operator[](std::size_t at) const {
    if (at >= counts_.size()) return last_;
    const std::size_t group = at / 8 * 8;
    if (group + 8 > counts_.size()) return slow(group, at);
    std::uint64_t counts;
    std::memcpy(&counts, &counts_[group], 8);  // little-endian: the first object is the lowest byte
    counts &= (std::uint64_t{1} << (8 * (at - group))) - 1;
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
    if (((~counts - ones) & counts & (ones << 7)) != 0) return slow(group, at);  // some byte is 255
    constexpr std::uint64_t even = 0x00FF'00FF'00FF'00FF;
    const std::uint64_t pairs = (counts & even) + ((counts >> 8) & even);
    return bases_[at / 8] + static_cast<std::uint32_t>((pairs * 0x0001'0001'0001'0001) >> 48);
  }
  /// How many references object `at` has.
  [[nodiscard]] std::uint32_t count(std::size_t at) const {
    const std::uint8_t count = counts_[at];
    return count != many ? count : side_value(long_counts_, static_cast<std::uint32_t>(at));
  }
  void prefetch(std::size_t at) const {
    __builtin_prefetch(&counts_[at]);
    __builtin_prefetch(&bases_[at / 8]);
  }
  [[nodiscard]] std::size_t bytes() const {
    return counts_.size() + bases_.size() * 4 + long_counts_.size() * sizeof(long_counts_[0]);
  }

 private:
  static constexpr std::uint8_t many = 0xFF;
  [[nodiscard]] std::uint32_t slow(std::size_t group, std::size_t at) const {
    std::uint32_t sum = bases_[group / 8];
    for (; group < at; ++group) sum += count(group);
    return sum;
  }
  bool started_ = false;
  std::uint32_t last_ = 0;
  std::vector<std::uint8_t> counts_;
  std::vector<std::uint32_t> bases_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> long_counts_;
};
static_assert(std::endian::native == std::endian::little, "EdgeOffsets reads eight counts as one word");

/// Values that only some objects have (the length of an array): a bitmap and the values of the objects in it, in id
/// order. 0.19 bytes per object + sizeof(T) per object that has one.
template <typename T>
class SparseColumn {
 public:
  void reserve(std::size_t objects) { present_.grow(objects); }
  /// Objects come in ascending id order; an object without a value is just not mentioned.
  void append(ObjectId id, T value) {
    present_.grow(std::uint64_t{index(id)} + 1);
    present_.set(index(id));
    values_.push_back(value);
  }
  void freeze(std::size_t objects) {
    present_.grow(objects);
    present_.index_ranks();
    values_.shrink_to_fit();
  }
  [[nodiscard]] bool has(ObjectId id) const { return index(id) < present_.size() && present_.test(index(id)); }
  /// Position of the object's value in `values()`. Needs `freeze()`, and an object that has a value.
  [[nodiscard]] std::size_t position(ObjectId id) const { return present_.rank(index(id)); }
  [[nodiscard]] const T& operator[](ObjectId id) const { return values_[position(id)]; }
  [[nodiscard]] const std::vector<T>& values() const { return values_; }
  [[nodiscard]] const Bitmap& present() const { return present_; }
  [[nodiscard]] std::size_t bytes() const { return present_.bytes() + values_.size() * sizeof(T); }

 private:
  Bitmap present_;
  std::vector<T> values_;
};

}  // namespace queries

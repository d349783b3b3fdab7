// What of an input could not be used. Damage is data: reading goes on, reports say what was lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace formats {

struct Damage {
  std::uint64_t offset = 0;  ///< in the (inflated) input
  std::uint64_t bytes = 0;   ///< unusable bytes from there on
  std::string what;          ///< "instance dump cut short", …
};

/// Keeps the first `capacity` entries and the true totals.
class DamageLog {
 public:
  explicit DamageLog(std::size_t capacity = 1000) : capacity_(capacity) {}
  void add(std::uint64_t offset, std::uint64_t bytes, std::string what) {
    ++count_;
    bytes_ += bytes;
    if (entries_.size() < capacity_) entries_.push_back({offset, bytes, std::move(what)});
  }
  [[nodiscard]] const std::vector<Damage>& entries() const { return entries_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  std::size_t capacity_;
  std::vector<Damage> entries_;
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace formats

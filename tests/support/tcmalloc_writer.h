// Writes cores of processes with a gperftools tcmalloc heap: page map, spans, thread caches, central cache. What it
// writes is what a test says, sound or not.
//
//   tests::TcmallocWriter heap;                                      // pages of 8 KiB
//   const auto first = heap.span({.size_class = 4, .free = {2, 5}});  // 48-byte objects
//   heap.thread_cache({{4, {first}}});
//   const std::string core = heap.bytes();
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tests {

class TcmallocWriter {
 public:
  static constexpr std::array<std::int32_t, 17> sizes{0,   8,   16,  32,   48,   64,    80,     96,    112,
                                                      128, 256, 512, 1024, 4096, 32768, 131072, 262144};
  enum class Location { in_use, free, returned };

  /// The heap has 2 MiB at `heap`; spans begin `spans_at` bytes into it.
  explicit TcmallocWriter(unsigned page_shift = 13, std::uint64_t heap = 0x5564'c4d6'0000, std::uint64_t spans_at = 0);

  struct Span {
    std::uint8_t size_class = 0;  ///< 0 = one block
    std::uint64_t pages = 1;
    std::vector<std::uint64_t> free = {};  ///< object numbers, in the list's order
    int referenced = -1;                   ///< -1 = as the list says
    Location location = Location::in_use;
  };
  /// Spans lie one behind the other; returns the address of the first object.
  std::uint64_t span(const Span& span);
  /// A thread's cache: objects by class, in the list's order. Returns its address.
  std::uint64_t thread_cache(const std::map<unsigned, std::vector<std::uint64_t>>& lists);
  /// A batch of objects in a transfer slot of the central cache.
  void transfer(unsigned size_class, const std::vector<std::uint64_t>& objects);

  TcmallocWriter& word(std::uint64_t address, std::uint64_t value);
  [[nodiscard]] std::uint64_t word(std::uint64_t address) const;
  [[nodiscard]] std::uint64_t page_size() const { return std::uint64_t{1} << shift_; }
  /// Where the span's structure lies.
  [[nodiscard]] std::uint64_t header_of(std::uint64_t first_object) const { return headers_.at(first_object); }
  [[nodiscard]] std::uint64_t size_table() const;
  [[nodiscard]] std::uint64_t central_list(unsigned size_class) const;
  /// Where the page map has the span of an address.
  [[nodiscard]] std::uint64_t page_map_entry(std::uint64_t address) const;

  [[nodiscard]] std::string bytes() const;
  /// How many of them, at the end, are the data of the library.
  [[nodiscard]] std::size_t library_bytes() const;

 private:
  template <typename T>
  void put(std::uint64_t address, T value);
  [[nodiscard]] unsigned leaf_bits() const { return (48 - shift_ + 1) / 2; }

  unsigned shift_;
  std::map<std::uint64_t, std::string> memory_;  ///< dumped bytes by address
  std::map<std::uint64_t, std::uint64_t> headers_;
  std::uint64_t next_page_;
  std::uint64_t next_header_;
  std::uint64_t next_cache_;
};

}  // namespace tests

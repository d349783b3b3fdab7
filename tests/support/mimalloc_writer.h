// Writes cores of processes with a mimalloc heap: segments, pages, their lists, heaps. What it writes is what a test
// says, sound or not.
//
//   tests::MimallocWriter heap;                                   // laid out as 2.0.9
//   const auto segment = heap.segment();
//   const auto first = heap.page(segment, {.block_size = 48, .capacity = 10, .free = {2, 5}});
//   const std::string core = heap.bytes();
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tests {

class MimallocWriter {
 public:
  enum class Version { v2_0, v2_2 };  ///< 2.2: other header and page fields, the page's start is stored
  static constexpr std::uint64_t slice = 64 << 10, segment_size = 32 << 20;
  static constexpr std::uint64_t dumped_slices = 16;  ///< of each segment; the others are not committed
  static constexpr std::uint64_t secret = 0x8568'5BC0'DE42'CDFD;

  explicit MimallocWriter(Version version = Version::v2_0);

  /// An empty segment; returns its address. `thread` owns it (0 = the heap made with it).
  std::uint64_t segment();
  /// A segment with one block of `bytes`; returns the block. Only its first slices are dumped.
  std::uint64_t huge(std::uint64_t bytes);

  struct Page {
    std::uint64_t block_size = 16;
    std::uint16_t capacity = 1;
    std::vector<std::uint64_t> free = {};  ///< block numbers, in the list's order
    std::vector<std::uint64_t> local_free = {};
    std::vector<std::uint64_t> thread_free = {};  ///< counted as used
    int used = -1;                                ///< -1 = as the lists say
    std::uint64_t slices = 1;
  };
  /// The next page of a segment; returns its first block.
  std::uint64_t page(std::uint64_t segment, const Page& page);
  /// Blocks that other threads freed while their page was full, in the list's order.
  void delayed(const std::vector<std::uint64_t>& blocks);
  [[nodiscard]] std::uint64_t heap_address() const;

  MimallocWriter& word(std::uint64_t address, std::uint64_t value);
  [[nodiscard]] std::uint64_t word(std::uint64_t address) const;
  /// Where the mi_page_t of the page with this block lies.
  [[nodiscard]] std::uint64_t header_of(std::uint64_t block) const;
  [[nodiscard]] std::uint64_t cookie_of(std::uint64_t segment) const;

  [[nodiscard]] std::string bytes() const;

 private:
  struct Fields;
  struct Segment {
    std::uint64_t slices = 512;
    std::uint64_t next_slice = 1;
    std::uint64_t pages = 0;
  };
  template <typename T>
  void put(std::uint64_t address, T value);
  void finish_slices(std::uint64_t base);
  std::uint64_t make_segment(std::uint64_t slices, std::uint32_t kind);

  const Fields* fields_;
  std::map<std::uint64_t, std::string> memory_;  ///< dumped bytes by address
  std::map<std::uint64_t, Segment> segments_;
  std::uint64_t next_segment_ = 0x4a6'f400'0000;
};

}  // namespace tests

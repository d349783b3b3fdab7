// Writes cores of processes that use jemalloc 5, as far as heap walks look at them: base blocks with edata_t, the
// page map, slabs' bitmaps, thread caches. What the program had in its blocks is left out, which keeps the cores small.
//
//   tests::JemallocWriter heap;
//   const auto slab = heap.slab({.size_class = 2, .region = 32, .size = 4096, .free = {0, 3}});
//   heap.large({.size_class = 36, .usable = 16384, .offset = 0x40});
//   heap.thread_cache(7, {{2, {slab + 32}}});
//   const std::string bytes = heap.core().bytes();
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core_writer.h"
#include "formats/jemalloc_layout.h"

namespace tests {

class JemallocWriter {
 public:
  static constexpr std::uint64_t base = 0x7f00'0000'0000;      ///< of the first base block
  static constexpr std::uint64_t base_size = 2 << 20;          ///< as jemalloc makes the first ones
  static constexpr std::uint64_t heap = 0x7f00'4000'0000;      ///< of the first extent
  static constexpr std::uint64_t next_gib = 0x7f00'8000'0000;  ///< where another leaf of the page map begins
  /// Of the page map: what it has no entries for is not in the core.
  static constexpr std::uint64_t first_leaf = base + 4096;
  static constexpr std::uint64_t root_word =
      0x7f20'0000'0000 + (heap >> 30) * 8;                ///< for `heap`; the next for next_gib
  static constexpr std::uint64_t tls = 0x7f10'0000'0000;  ///< of the first thread; the others' 64 KiB apart
  enum State : unsigned { active, dirty, muzzy, retained, transition, merging };

  /// 232 size classes go with an alignment of 16 bytes, 235 with 8.
  explicit JemallocWriter(unsigned class_count = 232,
                          const formats::jemalloc::Layout& layout = formats::jemalloc::layouts[0])
      : layout_(layout), class_count_(class_count) {}
  [[nodiscard]] static JemallocWriter older() { return JemallocWriter(232, formats::jemalloc::layouts[1]); }

  struct Slab {
    unsigned size_class = 0;
    std::uint64_t region = 0;  ///< bytes
    std::uint64_t size = 0;
    std::vector<unsigned> free = {};
    int counted_free = -1;  ///< what the edata_t counts, if not as many
    unsigned arena = 0;
  };
  /// Returns the first region's address.
  std::uint64_t slab(const Slab& slab);
  struct Large {
    unsigned size_class = 0;
    std::uint64_t usable = 0;
    std::uint64_t offset = 0;  ///< in the first page: a multiple of 64
    std::uint64_t pad = 4096;  ///< 0 without cache_oblivious
    unsigned arena = 0;
  };
  /// Returns the block's address.
  std::uint64_t large(const Large& large);
  /// An extent of no size class: kept for later, or, when active, on its way.
  std::uint64_t kept(State state, std::uint64_t size, unsigned arena = 0);
  /// An edata_t of words as they are; `address` has to be where the next extent would be for the page map to have it.
  void descriptor(std::uint64_t bits, std::uint64_t address, std::uint64_t size, bool in_page_map);
  /// Where the next extent goes.
  JemallocWriter& at(std::uint64_t address) {
    next_ = address;
    return *this;
  }
  /// Where the edata_t of the extent is that was made as the index-th. That of older ones is 64-aligned.
  [[nodiscard]] std::uint64_t descriptor_address(std::size_t index) const {
    return base + 256 + (layout_.descriptor_alignment == 64 ? 64 : 0) + index * 128;
  }

  using Entries = std::map<unsigned, std::vector<std::uint64_t>>;  ///< size class → cached addresses
  /// A cache in a large block of its own, which is returned; its bins are in the thread's TLS.
  std::uint64_t thread_cache(std::int64_t os_id, const Entries& entries, unsigned places = 4);
  /// As tcache.create makes one: the bins lie behind the stacks.
  std::uint64_t program_cache(const Entries& entries, unsigned places);
  void thread_without_cache(std::int64_t os_id);
  void without_page_map() { page_map_ = false; }
  /// Of the caches made from now on: 36 of slabs and 5 of large blocks, up to 32 KiB, if not said.
  void bin_count(unsigned count) { bin_count_ = count; }

  /// Segments by address: base block, extents, threads' TLS, the module's data with the page map's root.
  [[nodiscard]] CoreWriter core() const;

 private:
  struct Descriptor {
    std::uint64_t bits = 0, address = 0, size = 0;
    std::uint64_t bitmap[8] = {};
    bool in_page_map = true;
  };
  struct Memory {
    std::uint64_t address = 0, size = 0;
    std::string bytes;  ///< the first of them
  };
  struct Thread {
    std::int64_t os_id = 0;
    std::string bins;
  };
  std::uint64_t place(std::uint64_t size);
  [[nodiscard]] std::uint64_t bits_of(unsigned arena, bool slab, unsigned state, unsigned size_class,
                                      unsigned free_regions) const;
  [[nodiscard]] std::string bins_and_stacks(std::uint64_t block, const Entries& entries, unsigned places,
                                            std::string& stacks) const;
  /// A base block of which nothing but the header is written.
  [[nodiscard]] std::string base_header(std::uint64_t address, std::uint64_t next, std::uint64_t used_size) const;

  formats::jemalloc::Layout layout_;
  unsigned class_count_;
  std::uint64_t next_ = heap;
  std::vector<Descriptor> descriptors_;
  std::vector<Memory> memory_;
  std::vector<Thread> threads_;
  bool page_map_ = true;
  unsigned bin_count_ = 41;
};

}  // namespace tests

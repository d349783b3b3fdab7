// Where gperftools tcmalloc keeps its account of a process, found by shape: the size classes and the page map. Of a
// core whose end is missing, and with it the library's data, from thread caches and spans.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "formats/heap_memory.h"
#include "formats/heap_walk.h"

namespace formats::tcmalloc {

/// Page numbers and how the page map splits them: root 2^root_bits pointers to leaves of 2^leaf_bits.
struct PageSize {
  static constexpr unsigned address_bits = 48;
  unsigned shift = 0;
  [[nodiscard]] unsigned bits() const { return address_bits - shift; }
  [[nodiscard]] unsigned leaf_bits() const { return (bits() + 1) / 2; }
  [[nodiscard]] std::uint64_t leaf_entries() const { return std::uint64_t{1} << leaf_bits(); }
  [[nodiscard]] std::uint64_t root_entries() const { return std::uint64_t{1} << (bits() - leaf_bits()); }
};

// ThreadCache::FreeList: list 0, length u32 8, size i32 24.
inline constexpr unsigned list_bytes = 32, list_length_at = 8, list_size_at = 24;

struct Statics {
  std::vector<AddressRange> modules;  ///< writable data; of the allocator alone once its size classes are found
  std::vector<std::int32_t> sizes;    ///< by size class; class 0 is none
  std::uint64_t page_map = 0;         ///< its root; 0 = beyond the core's end
  PageSize page_size;
  std::map<std::uint64_t, std::uint64_t> leaves;  ///< by root entry; each wholly in the image
};

/// Nothing when there is no tcmalloc here. O(data of modules), and O(writable memory) per page size when the core's end
/// is missing.
[[nodiscard]] std::optional<Statics> find_statics(const ProcessImage& image);

/// The page that entry `index` of a leaf stands for, when the entry is a span that holds such a page.
[[nodiscard]] std::optional<std::uint64_t> page_of_entry(HeapMemory& memory, std::uint64_t span, std::uint64_t index,
                                                         PageSize size);

}  // namespace formats::tcmalloc

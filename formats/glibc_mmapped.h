// Blocks that glibc's malloc gave a mapping of their own: at a page's start a chunk header with prev_size 0 and size
// and IS_MMAPPED, in anonymous writable memory outside the heaps. memalign() moves the header up and leaves the first
// one stale: the one that counts says how far it was moved.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "formats/glibc_layout.h"
#include "formats/heap_walk.h"
#include "formats/process_image.h"

namespace formats::glibc {

struct MmappedChunk {
  std::uint64_t start = 0;  ///< of the mapping
  std::uint64_t end = 0;
  std::uint64_t block = 0;  ///< what malloc returned
  std::uint64_t usable = 0;
};

/// `taken`: ranges that are heaps, by start. By address, none overlaps another. O(pages).
[[nodiscard]] std::vector<MmappedChunk> find_mmapped_chunks(const ProcessImage& image, const ArenaLayout& layout,
                                                            std::span<const AddressRange> taken);

}  // namespace formats::glibc

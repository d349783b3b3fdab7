// What differs between the versions of jemalloc 5, as rows.
//
// Facts from extent_structs.h, base_structs.h, rtree.h, cache_bin.h and tcache_structs.h of 5.0–5.2 and edata.h,
// cache_bin.h of 5.3. 5.3.0 measured on real cores; 5.0–5.2 read in the source and tested on written heaps.
#pragma once

#include <array>
#include <cstdint>

namespace formats::jemalloc {

struct Layout {
  const char* versions;
  // The first word of an edata_t (extent_t before 5.3), by bit. Both begin with arena 0–11, slab 12, committed 13.
  unsigned state_at;
  unsigned state_bits;
  unsigned class_at;                   ///< 8 bits
  unsigned free_at;                    ///< 10 bits
  unsigned end;                        ///< bits from here on are 0; 64 = a serial number fills them
  std::uint64_t descriptor_alignment;  ///< where descriptors lie in base blocks
  /// Descriptors that nobody uses keep the state of the last extent that they described, also one that was merged into
  /// its neighbour: only those count that the page map has.
  bool keeps_stale_states;
  /// Bins of thread caches: count of cached blocks u32 @4, end of the stack @16; the stack's top is as far below its
  /// end (5.0–5.2). Else: top of the stack @0, low 16 bits of its places behind (jemalloc_tcache.h).
  bool counting_bins;
};

inline constexpr std::array<Layout, 2> layouts{{
    {"5.3", 17, 3, 20, 28, 45, 128, false, false},
    {"5.0–5.2", 16, 2, 18, 26, 64, 64, true, true},
}};

}  // namespace formats::jemalloc

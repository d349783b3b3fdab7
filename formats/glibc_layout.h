// What differs between the versions of glibc's malloc on x86-64 and AArch64 (the same on both), as rows, and the
// chunk's constants.
//
// Facts from glibc's malloc/malloc.c and malloc/arena.c (struct malloc_state, malloc_par, heap_info,
// tcache_perthread_struct, malloc_chunk); 2.36 measured on real cores, 2.17 seen on some, 2.42 and later read in the
// source.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace formats::glibc {

/// A chunk: prev_size @0 (only when the chunk before is free), size and flags @8, what malloc returns @16.
inline constexpr std::uint64_t prev_in_use = 1;
inline constexpr std::uint64_t is_mmapped = 2;
inline constexpr std::uint64_t non_main_arena = 4;
inline constexpr std::uint64_t size_mask = ~std::uint64_t{7};
inline constexpr std::uint64_t alignment = 16;
inline constexpr std::uint64_t header_bytes = 16;
inline constexpr std::uint64_t smallest_chunk = 32;
inline constexpr std::uint64_t page = 4096;
inline constexpr std::uint64_t heap_alignment = 64 << 20;  ///< of heaps of arenas other than the main one

inline constexpr unsigned bin_count = 128;  ///< 1 = unsorted, 2–63 small, 64–126 large; 0 and 127 hold nothing
inline constexpr unsigned fastbin_count = 10;
inline constexpr unsigned tcache_small_bins = 64;

/// malloc_state, by offset.
struct ArenaLayout {
  int first_version;  ///< minor: 27 = 2.27
  int last_version;
  std::uint64_t fastbins;  ///< 0 = there are none; right behind the flags before 2.27
  std::uint64_t top;
  std::uint64_t bins;
  std::uint64_t next;
  std::uint64_t system_mem;
  std::uint64_t size;
  std::uint64_t mmapped_extra;  ///< bytes of an mmapped chunk that its size leaves out
};
/// Tried in this order; the newest is the last.
inline constexpr std::array<ArenaLayout, 4> arena_layouts{{
    {27, 42, 16, 96, 112, 2160, 2184, 2200, 0},
    {12, 22, 8, 88, 104, 2152, 2168, 2184, 0},  // no have_fastchunks, no attached_threads
    {23, 26, 8, 88, 104, 2152, 2176, 2192, 0},
    {43, 43, 0, 8, 24, 2072, 2096, 2112, 16},  // no fastbins
}};
inline constexpr int oldest_version = 12;
inline constexpr std::uint64_t arena_flags = 4;
inline constexpr std::uint32_t noncontiguous = 2;

/// mp_, the one malloc_par, by offset.
struct ParametersLayout {
  int first_version;
  int last_version;
  std::uint64_t n_mmaps;  ///< int; n_mmaps_max is the int behind it
  std::uint64_t mmapped_mem;
  std::uint64_t sbrk_base;
  std::uint64_t tcache_bins;  ///< followed by tcache_max_bytes and tcache_count
};
inline constexpr std::array<ParametersLayout, 4> parameters_layouts{{
    {17, 23, 40, 56, 80, 88},  // max_total_mem went after; what is where the tcache's fields are later says nothing
    {24, 34, 40, 56, 72, 80},
    {35, 42, 60, 80, 96, 104},   // thp_pagesize, hp_pagesize and hp_flags came
    {43, 43, 68, 88, 104, 112},  // thp_mode came
}};
inline constexpr std::uint32_t default_n_mmaps_max = 65536;

/// heap_info at the start of each heap of a non-main arena: ar_ptr 0, prev 8, size 16, mprotect_size 24.
struct HeapInfoLayout {
  int first_version;
  int last_version;
  std::uint64_t size;
};
inline constexpr std::array<HeapInfoLayout, 2> heap_info_layouts{{{35, 43, 48}, {oldest_version, 34, 32}}};

/// A thread's cache: counts, then list heads. Bin i < 64 holds chunks of 32 + 16 i bytes, later ones larger chunks.
struct TcacheLayout {
  int first_version;
  int last_version;
  std::uint64_t chunk_size;
  unsigned bins;
  unsigned count_bytes;
  bool counts_down;  ///< num_slots: what a bin can still take
  [[nodiscard]] constexpr std::uint64_t entries() const { return std::uint64_t{bins} * count_bytes; }
  [[nodiscard]] constexpr std::uint64_t bytes() const { return entries() + std::uint64_t{bins} * 8; }
};
inline constexpr std::array<TcacheLayout, 3> tcache_layouts{{
    {30, 41, 0x290, 64, 2, false},
    {26, 29, 0x250, 64, 1, false},
    {42, 43, 0x300, 76, 2, true},
}};

}  // namespace formats::glibc

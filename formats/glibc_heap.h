// glibc's malloc (ptmalloc) 2.12 to 2.43 on x86-64 and AArch64: every chunk of a process, found without symbols.
//
// What comes from where: main_arena and the other arenas (glibc_arena), their chunks and what happens when one is
// corrupted (glibc_chunks), bins and fastbins (glibc_bins), threads' caches (glibc_tcache), blocks with a mapping of
// their own (glibc_mmapped). Facts: glibc's malloc/malloc.c, malloc/arena.c; offsets in glibc_layout.h.
//
// Without main_arena (a core cut before libc's data) the main heap is found by its first chunk, which is the first
// thread's cache; arenas by their heaps. Free lists of main_arena are then unknown: fastbin chunks count as used.
//
// Bytes of a region: usable bytes of its blocks, and overhead. Overhead is 8 bytes a chunk (its size; the other half of
// the header belongs to the block before, when that is in use), 16 for the top chunk and for mmapped ones, heap_info
// and malloc_state at the start of a heap, fenceposts, memory that others took by sbrk(), and absent bytes.
#pragma once

#include <memory>

#include "formats/damage_log.h"
#include "formats/heap_walk.h"
#include "formats/process_image.h"

namespace formats {

namespace glibc {
/// HeapBlock::bin of free blocks is glibc's bin: 1 unsorted, 2–63 small, 64–126 large; and these. Of cached blocks it
/// is the cache's bin.
inline constexpr std::int32_t top_bin = 0;          ///< the top chunk
inline constexpr std::int32_t first_fastbin = 128;  ///< + i: fastbin of chunks of 32 + 16 i bytes
}  // namespace glibc

/// Regions: "main arena", "arena" (one heap of another arena), "mmapped chunk"; mmapped ones share an arena number. See
/// heap_walk.h. Finding costs one walk over the chunks and a sort of those on free lists, 8 bytes each.
[[nodiscard]] std::unique_ptr<HeapWalk> find_glibc_heap(const ProcessImage& image, DamageLog& damage);

}  // namespace formats

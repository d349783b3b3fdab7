// jemalloc's thread caches in a core: freed blocks that a thread keeps for its next allocations. To jemalloc's slabs
// they are in use; to the program they are not.
//
// A cache is a row of bins, one per size class, each a stack of addresses that grows down. All its stacks lie in one
// block that jemalloc allocated for itself, one behind the other, which is what the bins are known by. Bins of threads
// lie in thread-local storage, at the same distance from every thread's thread pointer; those that a program asked for
// (tcache.create) lie behind the stacks in their own block, or before them (5.0–5.2). Offsets, of bins of 24 bytes:
//
//   5.3      top of the stack 0 · … · low 16 bits of three places in it: low water 16, full 18, empty 20 (checked
//            against cores)
//   5.0–5.2  low water i32 0 · cached blocks u32 4 · … · end of the stack 16; a few other fields stand between the bins
//            of slabs and those of large blocks
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "formats/damage_log.h"
#include "formats/jemalloc_extents.h"
#include "formats/process_image.h"

namespace formats::jemalloc {

struct ThreadCache {
  std::int64_t thread = 0;  ///< the thread's os_id; 0 = made by the program, of no thread
  std::uint64_t bins = 0;   ///< address of the first bin
  std::uint64_t bins_end = 0;
  std::uint64_t stacks = 0;  ///< from the first stack's end to the last one's: what lies there is stale or cached
  std::uint64_t stacks_end = 0;
  std::uint64_t block = 0;  ///< the used block that the stacks are in
};

struct ThreadCaches {
  std::vector<ThreadCache> caches;    ///< as the threads in the core, then the program's
  std::vector<std::uint64_t> cached;  ///< addresses of blocks, ascending, each once
  std::uint64_t entries = 0;          ///< cached addresses, and how many of them
  std::uint64_t entries_right = 0;    ///< are blocks of their bin's size, allocated, and cached once
};

/// The block that begins at `address`: its extent, or nullptr. Free regions of slabs are none.
[[nodiscard]] const Extent* block_at(const ProcessImage& image, const Extents& extents, const SizeClasses& classes,
                                     std::uint64_t address);

/// O(threads + cached blocks · log extents), and up to 1 MiB beside the thread pointer of up to 16 threads until the
/// first cache is found. Entries that are no blocks are damage.
[[nodiscard]] ThreadCaches find_thread_caches(const ProcessImage& image, const Extents& extents,
                                              const SizeClasses& classes, DamageLog& damage);

}  // namespace formats::jemalloc

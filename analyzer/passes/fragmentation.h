// How the free memory of a heap lies: external and internal fragmentation, what a request of some size can get, which
// used blocks keep free memory from going back to the system, and a map of each arena. Of snapshots that have regions
// (native cores); others give nothing, not zeros.
//
// Definitions:
// - External: 1 − largest free block / free bytes; 0 when nothing is free.
// - Unusable-free-space index for requests of s bytes: (F − Σ floor(b / s) · s) / F over the free blocks b, F their
// sum;
//   1 when nothing is free (Linux mm/vmstat.c unusable_index; Gorman & Whitcroft). A split costs no header here.
// - Internal: (usable − requested) / usable, over the blocks whose request is known (Snapshot::slack,
//   ClassRow::requested_size). Absent when it is known of none.
// - Pinned: an arena goes back to the system from its top, so the free bytes below its highest used block stay; that
//   block pins them. A slab or span goes back as a whole: its highest used block, or a cached one, stands for all of
//   its free bytes. What is not pinned is returnable; the two sum to the free bytes. Cached blocks pin an arena as
//   well, but where they lie in it is not known here: pinned is a lower bound.
// - Released: an allocator may keep address space of which it gave the memory back (jemalloc's retained extents,
//   tcmalloc's returned spans). That is neither free nor in any other number here.
// - Whole pages inside free blocks can be given back in place (malloc_trim, decay): counted apart, whatever is pinned.
// - Pages of 4 KiB: sparse = some of the page's bytes in the region are used, but less than a tenth.
#pragma once

#include <cstddef>
#include <vector>

#include "queries/results.h"
#include "queries/snapshot.h"

namespace analyzer {

struct Fragmentation {
  std::vector<queries::ArenaRow> arenas;
  std::vector<queries::UnusableFreeRow> unusable_free;
  std::vector<queries::PinRow> pins;
  std::vector<queries::PinStatRow> pin_stats;
  std::vector<queries::RequestedStatRow> requested_stats;
  std::vector<queries::MetricRow> metrics;
};

inline constexpr std::size_t map_cells = 64;         ///< width of an arena's map
inline constexpr std::size_t most_arena_maps = 256;  ///< arenas that get a map and an index of their own

/// `row_limit`: rows of arenas and of pins; totals are of all. O(n + regions + free blocks); work memory about 70 bytes
/// per region, nothing per object.
[[nodiscard]] Fragmentation find_fragmentation(const queries::Snapshot& snapshot, std::size_t row_limit);

}  // namespace analyzer

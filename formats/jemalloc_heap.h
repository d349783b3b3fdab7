// The heap of a process that uses jemalloc 5 (jemalloc_extents.h says which builds): every slab and large allocation,
// and the memory that jemalloc keeps for later. Older ones, and forks that keep other structures, are not seen.
//
// Regions: "slab" (blocks of one size), "large" (one block), "dirty extent", "muzzy extent" and "retained extent" (one
// free block each: freed and still resident, freed and lazily given back, address space without memory), "idle extent"
// (active but nobody's, on its way between them). Metadata: jemalloc's base blocks – edata_t hold the address of every
// slab's first block and of every large one, which would keep them all reachable – and the thread caches' bins and
// stacks, whose popped entries stay behind.
#pragma once

#include <memory>

#include "formats/heap_walk.h"

namespace formats {

/// See FindHeap. O(writable memory / 2 MiB + metadata + extents · log extents); about 200 bytes per extent stay.
[[nodiscard]] std::unique_ptr<HeapWalk> find_jemalloc_heap(const ProcessImage& image, DamageLog& damage);

}  // namespace formats

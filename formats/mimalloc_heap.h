// mimalloc 2.x: segments of 64 KiB slices, pages of equal blocks in them, found without symbols.
//
// A segment is aligned to 32 MiB and carries a cookie; cookie XOR the segment's address is one number for the whole
// process. Where its fields lie differs between versions and is derived from the segments themselves: the slices have
// to tile the segment exactly, and every page has to make sense under the layout that is taken. Builds that encode
// their free lists (MI_SECURE ≥ 3, debug builds) are refused, with a line in the DamageLog.
//
// A block on any of a page's three lists is free: `free`, `local_free` (freed by the owner, not yet handed out again)
// and `thread_free` (freed by others, not yet collected) all belong to the page, not to a cache, and go back with it.
// So is a block on a heap's list of delayed frees. What was never carved (behind `capacity`) is no block.
//
// An aligned allocation can begin inside its block; the block's own start is reported.
//
// Source: the structures of microsoft/mimalloc (types.h, segment.c, page.c), versions 2.0.9 to 2.2.
#pragma once

#include <memory>

#include "formats/heap_walk.h"

namespace formats {

/// Regions: "segment page", "huge page", "free span" (the committed part of one, as one free block). An arena is a
/// segment. O(pages + free blocks + ranges of the image).
[[nodiscard]] std::unique_ptr<HeapWalk> find_mimalloc_heap(const ProcessImage& image, DamageLog& damage);

}  // namespace formats

// How many bytes the program asked for, of the blocks whose container tells (a vector's capacity, a string's capacity
// and its NUL), or whose type: an object of a known size, new T[n]. What the allocator gave beyond is internal
// fragmentation.
#pragma once

#include "formats/process_image.h"
#include "importers/native_blocks.h"
#include "importers/native_types.h"
#include "queries/snapshot.h"

namespace importers::native {

/// Fills Snapshot::slack. Of libstdc++'s headers {begin, end, end of capacity} and {begin, size, capacity}; a header
/// that does not begin with the block's address, or tells more than the block has, tells nothing. O(blocks).
void find_requested_sizes(const formats::ProcessImage& image, const Blocks& blocks, const TypedBlocks& types,
                          queries::Snapshot& snapshot);

}  // namespace importers::native

// References of a native heap: words of used blocks that point into used blocks, exactly or inside.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "formats/process_image.h"
#include "importers/import_job.h"
#include "importers/native_blocks.h"
#include "importers/native_doubts.h"
#include "importers/native_heap.h"
#include "importers/native_types.h"

namespace importers::native {

/// Words that look like references and are none, as (block, slot), ascending: the end of a vector's full body where the
/// next block begins.
using LeftOutWords = std::vector<std::pair<queries::ObjectId, std::uint32_t>>;

/// The slot of a word at an offset of its block; those beyond 32 GiB share the last.
[[nodiscard]] constexpr std::uint32_t slot_of(std::uint64_t offset) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(offset / 8, 0xFFFF'FFFF));
}

/// Fills Snapshot::references and sends a row for each to job.rows. A word counts when it is 8-aligned, in the live
/// part of its block (TypedBlocks::live_prefix), outside the allocators' metadata, and points into a used block other
/// than its own. Slot: its index in the block; name: that of the member, else "+0x18"; strength: weak when it only
/// leads back (native_links.h), uncertain when there is a doubt. Shows `known` every other word. O(bytes of the used
/// blocks). Throws InputError at 2^32 references. The words that it leaves out are returned when details are asked for.
[[nodiscard]] LeftOutWords make_references(ImportJob& job, const formats::ProcessImage& image, const NativeHeap& heap,
                                           const Blocks& blocks, const TypedBlocks& types, const Doubts& doubts,
                                           KnownMemory& known);

}  // namespace importers::native

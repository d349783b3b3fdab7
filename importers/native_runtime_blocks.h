// Blocks that a runtime library keeps for itself, whatever the program does: known by name, never a fault of the
// program.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "formats/process_image.h"
#include "importers/native_blocks.h"
#include "importers/native_types.h"

namespace importers::native {

/// The blocks' addresses and what they are. Today: libstdc++'s memory for exceptions that are thrown when there is no
/// other left, 72,704 bytes taken when a program starts (libsupc++ eh_alloc.cc: a pool has the first free entry, the
/// memory and its size; an entry has its size and the next one). Their types are set in `typed`. O(static data).
[[nodiscard]] std::vector<std::pair<std::uint64_t, std::string>> find_runtime_blocks(const formats::ProcessImage& image,
                                                                                     const Blocks& blocks,
                                                                                     TypedBlocks& typed);

}  // namespace importers::native

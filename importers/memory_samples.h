// What perf measured of memory accesses (perf c2c, perf mem, perf script) joined with a core of the same process:
// address → block → type → member. Lines that processors took from each other become measured false sharing.
#pragma once

#include <string>
#include <vector>

#include "importers/native_blocks.h"
#include "importers/native_code.h"
#include "importers/native_types.h"
#include "queries/snapshot.h"

namespace importers::native {

/// Fills rows of memory_sample, at most 100,000; raises the confidence of Snapshot::shared_lines and adds those that
/// only the measurement knows. Samples of other processes are counted in a warning, and so are those of another run,
/// whose addresses are not here. Throws formats::InputError when a file is none of these texts. O(bytes of the files).
void join_memory_samples(const std::vector<std::string>& files, const Process& process, const Blocks& blocks,
                         const TypedBlocks& types, const NativeCode& code, queries::Snapshot& snapshot);

/// "consumed", "[3].next", "+0x18" of a block; a variable's name elsewhere.
[[nodiscard]] std::string member_at(std::uint64_t address, const Blocks& blocks, const TypedBlocks& types,
                                    const NativeCode& code);

}  // namespace importers::native

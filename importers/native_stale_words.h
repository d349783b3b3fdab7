// Words in the dead part of stacks that still point to blocks: leftovers of calls that have returned. They hold
// nothing, but they tell who had a leaked block last.
//
// Whose they are: the nearest word above that is a return address (it points into code, right behind a call) was pushed
// by the call in whose frame the leftover lies. Later calls overwrite parts of it: a hint.
#pragma once

#include <vector>

#include "importers/native_blocks.h"
#include "importers/native_mappings.h"
#include "importers/native_modules.h"
#include "queries/snapshot.h"

namespace importers::native {

/// Rows of stale_word: words below the live stacks that equal the address of a block, at most 10,000. `memory`: by
/// thread. O(words of the dead stacks).
void find_stale_words(const Process& process, const std::vector<ThreadMemory>& memory, const Blocks& blocks,
                      queries::Snapshot& snapshot);

}  // namespace importers::native

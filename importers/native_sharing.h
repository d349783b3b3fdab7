// False sharing: cache lines in which one thread writes what another thread does not want. Found in a core, without
// running anything: from the threads' stacks and registers, which say what each thread works on, and from the code of
// the functions that are on the stacks, which says what they write.
//
//   high    two threads are in functions that write different words of the line, in loops or locked
//   medium  the same, outside of loops; or variables that functions of different threads' entry points write
//   low     two threads hold pointers to different words of the line, nothing is known of writes
//
// What a function does with its first argument is applied to the pointers in its frame (registers and stack): a pointer
// that is another argument may be taken for it. All of these are hints; `perf c2c` measures.
#pragma once

#include <vector>

#include "formats/unwind.h"
#include "importers/native_blocks.h"
#include "importers/native_code.h"
#include "importers/native_types.h"
#include "queries/snapshot.h"

namespace importers::native {

/// Fills Snapshot::shared_lines, surest first, at most 1,000 of which 100 are of low confidence. O(words of live stacks
/// · log blocks + code of functions on stacks and what they call).
void find_shared_lines(const Process& process, const Blocks& blocks, const TypedBlocks& types, const NativeCode& code,
                       const std::vector<formats::CallStack>& stacks, queries::Snapshot& snapshot);

}  // namespace importers::native

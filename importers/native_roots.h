// Roots of a native process: registers, live stacks, thread-local data, writable data of programs and libraries (and
// what of it is protected once it is relocated), and other writable memory that no allocator owns.
//
// Not roots: stack below the stack pointer (but for the red zone of 128 bytes), stacks of threads that have ended and
// that the C library keeps for reuse, the allocators' regions and metadata. What is wrongly taken for a root hides a
// leak; what is wrongly left out invents one.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/process_image.h"
#include "formats/unwind.h"
#include "importers/import_job.h"
#include "importers/native_blocks.h"
#include "importers/native_doubts.h"
#include "importers/native_heap.h"
#include "importers/native_mappings.h"
#include "importers/native_types.h"

namespace importers::native {

/// What the search for roots asks. Borrows everything.
struct RootEvidence {
  const TypedBlocks& types;
  const Doubts& doubts;
  KnownMemory& known;                             ///< has seen the words of all blocks
  const std::vector<formats::CallStack>& stacks;  ///< of each thread of the core, or empty
  const std::vector<ThreadMemory>& memory;        ///< of each thread of the core
  const NameSource* names;                        ///< may be nullptr
  /// Blocks that a runtime library keeps for itself: held like those that an allocator took.
  const std::vector<std::pair<std::uint64_t, std::string>>& runtime_blocks;
};

/// Fills threads, frames, roots (one per object, kind and thread: the first without a doubt that was found, else the
/// first, with its place as name, and its frame on a stack), direct_roots and uncertain_roots. O(writable bytes).
void make_roots(const formats::ProcessImage& image, const NativeHeap& heap, const Blocks& blocks,
                const RootEvidence& evidence, queries::Snapshot& snapshot);

}  // namespace importers::native

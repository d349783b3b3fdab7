// Roots of a native process: registers, live stacks, thread-local data, writable data of programs and libraries (and
// what of it is protected once it is relocated), and other writable memory that no allocator owns.
//
// Not roots: stack below the stack pointer (but for the red zone of 128 bytes), stacks of threads that have ended and
// that the C library keeps for reuse, the allocators' regions and metadata. What is wrongly taken for a root hides a
// leak; what is wrongly left out invents one.
#pragma once

#include "formats/process_image.h"
#include "formats/unwind.h"
#include "importers/import_job.h"
#include "importers/native_blocks.h"
#include "importers/native_heap.h"
#include "importers/native_types.h"

namespace importers::native {

/// Fills threads, frames, roots (one per object, kind and thread: the first that was found, with its place as name, and
/// its frame on a stack) and direct_roots. `stacks`: of each thread of the core, or empty. `names` may be nullptr.
/// O(writable bytes).
void make_roots(const formats::ProcessImage& image, const NativeHeap& heap, const Blocks& blocks,
                const TypedBlocks& types, const std::vector<formats::CallStack>& stacks, const NameSource* names,
                queries::Snapshot& snapshot);

}  // namespace importers::native

// What each part of a process's address space is for: files, their data, heaps, stacks, thread-local data, and the
// rest.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/process_image.h"
#include "importers/native_heap.h"
#include "importers/native_modules.h"
#include "queries/snapshot.h"

namespace importers::native {

/// By range of the image: the file (index into Core::files) that it was mapped from, or whose .bss it is: anonymous
/// memory right behind a file's data. -1 = neither. O(ranges).
[[nodiscard]] std::vector<std::int32_t> backing_files(const formats::ProcessImage& image);

/// Writable memory that is no file's data and no allocator's; stacks are in it. By address. O(ranges).
[[nodiscard]] std::vector<formats::AddressRange> memory_of_unknown_use(const formats::ProcessImage& image,
                                                                       const NativeHeap& heap);

/// Where a thread has its own memory. Empty ranges: not known.
struct ThreadMemory {
  formats::AddressRange stack;          ///< the whole of it; what lies below `live` is not in use
  std::uint64_t live = 0;               ///< the stack pointer
  std::uint64_t red_zone = 0;           ///< bytes below it that a leaf function may use
  formats::AddressRange thread_local_;  ///< variables below the thread pointer, and the C library's descriptor above
};
/// By thread of the core. The C library puts the thread-local data of all but the first thread on top of their stacks.
/// O(threads · log ranges + modules).
[[nodiscard]] std::vector<ThreadMemory> find_thread_memory(const Process& process);

/// What a thread that has ended left, for the C library to give to the next one.
struct EndedThread {
  std::uint64_t control_block = 0;  ///< points to itself at 0 and 16; at 8, to its table of thread-local data
  formats::AddressRange stack;      ///< empty where no guard shows its beginning: it may be other memory as well
};
/// Writable memory with a control block near its top that is no living thread's. O(ranges).
[[nodiscard]] std::vector<EndedThread> ended_threads(const formats::ProcessImage& image);

/// Rows of `mapping`, by address: every byte of every range of the image is in one of them. Stack depths of the rows of
/// `thread`. O(ranges + regions).
void make_mappings(const Process& process, const NativeHeap& heap, queries::Snapshot& snapshot);

}  // namespace importers::native

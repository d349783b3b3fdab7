// Allocators that a process has by the names of its libraries, whether heapql walks their heaps or not: a heap that was
// not found is said to be missing, never silently left out.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/heap_walk.h"

namespace importers::native {

/// "libtcmalloc.so.4.5.9": tcmalloc is mapped, but …; one sentence for each library whose heap is not among `walks`, in
/// the order of the mapped files. O(mapped files).
[[nodiscard]] std::vector<std::string> missing_heaps(const formats::elf::Core& core,
                                                     std::span<const std::unique_ptr<formats::HeapWalk>> walks);

}  // namespace importers::native

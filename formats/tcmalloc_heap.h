// gperftools tcmalloc 2.x: spans of pages, the objects in them and the caches that hold some, found without symbols.
//
// The size classes are found by the shape of their table, the page map by leaves whose spans say that they are where
// the leaf has them (which also gives the page size), thread caches by a list per class that names the class's size,
// the central cache by its class numbers. When one of them is not there, the version is not read: refused, with a line
// in the DamageLog. Google's later tcmalloc (per-CPU caches) is another allocator and is not found.
//
// An object on its span's list is free. An object in a thread's cache, or in the transfer slots of the central cache,
// is cached: its span counts it as handed out.
//
// Source: the structures of gperftools/gperftools (span.h, pagemap.h, thread_cache.h, central_freelist.h), 2.10.
#pragma once

#include <memory>

#include "formats/heap_walk.h"

namespace formats {

/// Regions: "span" (objects of one class), "large span" (one block), "free span", "returned span" (given back to the
/// kernel, address space kept), the last two with one free block. Arena 0. O(spans + free and cached objects + writable
/// memory that is no span).
[[nodiscard]] std::unique_ptr<HeapWalk> find_tcmalloc_heap(const ProcessImage& image, DamageLog& damage);

}  // namespace formats

// What tcmalloc writes of itself (MALLOCSTATS=1, MallocExtension::GetStats), once or again and again in one file, with
// other lines before, behind and between. Only the totals: size classes are left alone. Source: gperftools
// src/tcmalloc.cc (DumpStats); Google's tcmalloc has the same lines and more (docs/stats.md).
#pragma once

#include <cstdint>
#include <optional>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/text_lines.h"
#include "formats/timestamps.h"

namespace formats::tcmalloc_stats {

struct Sample {
  std::uint64_t offset = 0;
  std::optional<Timestamp> time;      ///< of a line with nothing else, before it
  std::uint64_t in_use_bytes = 0;     ///< by the program, rounded up to size classes
  std::uint64_t page_free_bytes = 0;  ///< free pages
  std::uint64_t cached_bytes = 0;     ///< free blocks in the caches: central, of transfer, of threads, of CPUs
  std::uint64_t metadata_bytes = 0;   ///< the allocator's own
  std::uint64_t resident_bytes = 0;   ///< all of the above: memory and swap
  std::uint64_t retained_bytes = 0;   ///< address space kept, memory given back
  std::uint64_t mapped_bytes = 0;     ///< address space
};

[[nodiscard]] bool looks_like(Bytes head);

/// One that is cut before its last total is damage. O(bytes).
class Reader {
 public:
  Reader(Bytes bytes, DamageLog& damage) : lines_(bytes), damage_(damage), size_(bytes.size()) {}
  std::optional<Sample> next();

 private:
  TextLines lines_;
  DamageLog& damage_;
  std::uint64_t size_;
};

}  // namespace formats::tcmalloc_stats

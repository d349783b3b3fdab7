// What jemalloc 5's malloc_stats_print writes, as JSON (opts "J") or text, once or again and again in one file, with
// other lines before, behind and between. Only the totals of the process: `arenas` and `bins` are left alone.
// Source: jemalloc(3), src/stats.c.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/timestamps.h"

namespace formats::jemalloc_stats {

struct Sample {
  std::uint64_t offset = 0;
  std::optional<Timestamp> time;      ///< of a line with nothing else, before it
  std::uint64_t allocated_bytes = 0;  ///< in use by the program, rounded up to size classes
  std::uint64_t active_bytes = 0;     ///< of pages that hold any of them
  std::uint64_t metadata_bytes = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t mapped_bytes = 0;
  std::uint64_t retained_bytes = 0;  ///< address space kept, memory given back
};

[[nodiscard]] bool looks_like(Bytes head);

/// One that is cut before its totals is damage. O(bytes).
class Reader {
 public:
  Reader(Bytes bytes, DamageLog& damage) : text_(as_text(bytes)), damage_(damage) {}
  std::optional<Sample> next();

 private:
  std::string_view text_;
  DamageLog& damage_;
  std::size_t at_ = 0;
};

}  // namespace formats::jemalloc_stats

// What glibc's malloc_info(0, file) writes, once or again and again in one file, with or without a line that tells the
// time before each. Source: glibc malloc/malloc.c (__malloc_info), malloc_info(3).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/text_lines.h"
#include "formats/timestamps.h"

namespace formats::malloc_info {

struct Sample {
  std::uint64_t offset = 0;
  std::optional<Timestamp> time;
  std::uint64_t heap_count = 0;    ///< arenas
  std::uint64_t system_bytes = 0;  ///< got from the system by brk and arena heaps
  std::uint64_t system_max_bytes = 0;
  /// fast + rest, without the flags of chunks that glibc counts as bytes; blocks in threads' caches count as used
  std::uint64_t free_bytes = 0;
  std::uint64_t free_count = 0;
  std::uint64_t mapped_bytes = 0;  ///< blocks with a mapping of their own
  std::uint64_t mapped_count = 0;
  std::uint64_t largest_free_bytes = 0;  ///< chunk size, of the largest bin that holds any
};

[[nodiscard]] bool looks_like(Bytes head);

/// Documents one by one; one that is cut before its totals is damage.
class Reader {
 public:
  Reader(Bytes bytes, DamageLog& damage) : lines_(bytes), damage_(damage), size_(bytes.size()) {}
  std::optional<Sample> next();

 private:
  TextLines lines_;
  DamageLog& damage_;
  std::uint64_t size_;
};

}  // namespace formats::malloc_info

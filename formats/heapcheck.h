// The report of gperftools' heap leak checker (HEAPCHECK=normal), as it comes on standard error among other lines:
// "Leak check NAME detected leaks of B bytes in N objects", then the largest leaks with their call paths.
//
// Source: gperftools' heap-checker.cc. O(bytes).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"

namespace formats::heapcheck {

/// Accepts text that has the checker's own lines in it.
[[nodiscard]] bool looks_like(Bytes head);

struct Frame {
  std::uint64_t address = 0;
  std::string_view function;  ///< "" where the checker could not find pprof
};

struct Leak {
  std::int64_t bytes = 0;
  std::int64_t object_count = 0;
  std::vector<Frame> frames;  ///< innermost first
};

struct Report {
  std::string_view name;  ///< of the check, "_main_" for the whole program
  std::int64_t bytes = 0;
  std::int64_t object_count = 0;
  bool is_complete = false;  ///< false: the line of totals is missing
  std::vector<Leak> leaks;   ///< the largest ones
};

/// The last check in the text. Lines of leaks that make no sense are damage, others are somebody else's.
[[nodiscard]] Report read(Bytes file, DamageLog& damage);

}  // namespace formats::heapcheck

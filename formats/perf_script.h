// The text of `perf script` of what `perf mem record` or `perf c2c record` have recorded: one line a sample, with the
// fields that perf prints by default or any that -F selects, as long as data_src is one of them. Specification: perf's
// manual page and builtin-script.c.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/memory_access.h"
#include "formats/text_lines.h"

namespace formats::perf_script {

/// A line of a sample with data_src somewhere in the head.
[[nodiscard]] bool looks_like(Bytes head);

/// "app 5412/5415 [000] 344.632: 1 cpu/mem-loads/P: 55c8971f0080 2669808042 |OP LOAD|LVL … 601 56341cfcf181 f+0x18
/// (/app)". Nothing: no sample, or one without data_src. A single number before the CPU is the thread's, as by default.
/// Counts are 0 and 1; what kind of access it is says the number of data_src, not its text, which perf cuts.
[[nodiscard]] std::optional<MemoryAccess> parse_sample(std::string_view line);

/// Where perf writes no place behind a sample but a callchain below it, function and module are the innermost frame's;
/// the code address is not: perf prints those of chains relative to their module. Samples without data_src (of other
/// events) and other text are passed over. O(bytes).
class Reader {
 public:
  Reader(Bytes bytes, DamageLog& damage) : lines_(bytes), damage_(damage) {}
  std::optional<MemoryAccess> next();

 private:
  void read_innermost_frame(MemoryAccess& access);

  TextLines lines_;
  DamageLog& damage_;
};

}  // namespace formats::perf_script

// What `valgrind --trace-malloc=yes` prints between its messages: every call of an allocation function, without call
// paths. Written by MALLOC_TRACE in valgrind's coregrind/m_replacemalloc/vg_replace_malloc.c:
//
//   --PID-- malloc(163) = 0x4A44040          calloc(2,8) = 0x…    _Znwm(24) = 0x…    memalign(al 64, size 100) = 0x…
//   --PID-- realloc(0x4A44040,4096) = 0x…    realloc(0x0,16)malloc(16) = 0x…         realloc(0x…,0)free(0x…) = 0
//   --PID-- free(0x4A44040)                  _ZdlPv(0x…)          malloc_usable_size(0x…) = 24
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "formats/bytes.h"

namespace formats::valgrind_trace {

[[nodiscard]] bool looks_like(Bytes head);

/// What a line did: first a block ended, then another began.
struct Event {
  std::string_view function;     ///< "malloc", "_Znwm": the outer one
  std::uint64_t process_id = 0;  ///< a process that was forked writes to the same file
  std::uint64_t freed = 0;       ///< address, 0 = none
  std::uint64_t allocated = 0;   ///< address, 0 = none
  std::uint64_t size = 0;        ///< of what was allocated
};
/// A line without its end. Nothing when it traces no call; messages of valgrind's and output of the program do not.
[[nodiscard]] std::optional<Event> parse_event(std::string_view line);

}  // namespace formats::valgrind_trace

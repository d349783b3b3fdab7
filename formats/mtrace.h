// glibc's mtrace: a line for each event, the caller before it. Written by mtrace() in glibc's malloc/mtrace.c and
// malloc/mtrace-impl.c; glibc 2.34 and later need LD_PRELOAD=libc_malloc_debug.so.0 for it.
//
//   = Start                                  = End
//   @ CALLER + address size                  allocated
//   @ CALLER - address                       freed
//   @ CALLER < address                       realloc: the old block, and in the next line
//   @ CALLER > address size                  the new one
//   @ CALLER ! address size                  realloc failed: the block stays as it is
//
//   CALLER: path:[0xaddress] · path:(symbol+offset)[0xaddress] · [0xaddress] · nothing. The path may have blanks. The
//   address is relative to the module since glibc 2.34.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "formats/bytes.h"

namespace formats::mtrace {

[[nodiscard]] bool looks_like(Bytes head);

enum class Op : std::uint8_t { allocated, freed, failed, mark };

struct Event {
  Op op = Op::mark;           ///< mark: "= Start", "= End"
  bool is_realloc = false;    ///< '<', '>' and '!': an old block of realloc, its new one, or its failure
  std::string_view caller;    ///< "" = not said
  std::uint64_t address = 0;  ///< 0 = "(nil)": an allocation that failed
  std::uint64_t size = 0;     ///< allocated and failed ones
};
/// A line without its end. Nothing when it is no line of mtrace's.
[[nodiscard]] std::optional<Event> parse_event(std::string_view line);

struct Caller {
  std::string_view module;    ///< path, "" = not known
  std::string_view function;  ///< as in the symbol table, "" = not known
  std::uint64_t address = 0;  ///< in the module, or (old glibc, no module) in the process
};
[[nodiscard]] std::optional<Caller> parse_caller(std::string_view caller);

}  // namespace formats::mtrace

// A frame of a call path as Valgrind's tools print it: massif's trees, DHAT's frame table, memcheck's text, xtree. The
// grammar is that of VG_(describe_IP) (coregrind/m_debuginfo/debuginfo.c); heaptrack and dhat-rs write it too.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "formats/bytes.h"

namespace formats {

/// Views of the line. What the line does not say is empty or 0.
struct ValgrindFrame {
  std::string_view address;   ///< "0x109208", as printed
  std::string_view function;  ///< "" for "???"
  std::string_view file;
  std::int32_t line = 0;
  std::string_view module;
};

/// "0x109208: x_alloc(unsigned long) (server.cc:15)", "0x48417B4: malloc (in /usr/lib/x.so)", "0x1: ???". Nothing when
/// there is no address in front. Names may contain '#', ':' and " (": the location is what the last " (" begins, unless
/// it cannot be one. A column behind the line (dhat-rs) is passed over.
[[nodiscard]] std::optional<ValgrindFrame> parse_valgrind_frame(std::string_view text);

}  // namespace formats

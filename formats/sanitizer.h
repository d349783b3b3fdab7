// What LeakSanitizer and AddressSanitizer print (compiler-rt lib/lsan/lsan_common.cpp, lib/asan/asan_report.cpp; the
// same of GCC and Clang): leaks with stacks, other errors, used suppressions. Colours are taken off; the program's own
// output may stand between.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"

namespace formats::sanitizer {

/// A line "==PID==ERROR: …Sanitizer: …" or "Suppressions used:" (all was suppressed), anywhere in the head.
[[nodiscard]] bool looks_like(Bytes head);

struct Frame {
  std::string address;   ///< "0x55d7c9c12208"
  std::string function;  ///< "" = not known
  std::string file;
  std::int32_t line = 0;
  std::string module;    ///< where there is no file
  std::string offset;    ///< in the module, "0xa418e": of the call itself, not of what it returns to
  std::string build_id;  ///< of the module, "" = not said
};

struct LeakedObject {
  std::uint64_t address = 0, size = 0;
};

struct Leak {
  bool is_direct = true;
  std::uint64_t bytes = 0, objects = 0;
  std::vector<Frame> stack{};                  ///< innermost first
  std::vector<LeakedObject> leaked_objects{};  ///< with report_objects=1
};

/// Of a run: what came between its "==PID==ERROR" and its SUMMARY.
struct Run {
  std::uint64_t process_id = 0;
  std::string tool;   ///< "LeakSanitizer", "AddressSanitizer"
  std::string error;  ///< "detected memory leaks", "heap-use-after-free on address …"
  std::vector<Leak> leaks{};
  bool has_summary = false;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> summed_leaks{};  ///< bytes, allocations of the summary
};

struct Suppression {
  std::string pattern;
  std::uint64_t count = 0, bytes = 0;
};

struct Report {
  std::vector<Run> runs;
  std::vector<Suppression> suppressions;  ///< that matched
};

/// Linear; a run without a summary breaks off and is damage, what it holds is kept.
[[nodiscard]] Report read_report(Bytes bytes, DamageLog& damage);

/// "#1 0x55d7 in f(unsigned long) /src/a.cc:15:61", "#0 0x55d7 in malloc (/bin/x+0xa418e) (BuildId: b4cd)".
[[nodiscard]] std::optional<Frame> parse_frame(std::string_view text);

}  // namespace formats::sanitizer

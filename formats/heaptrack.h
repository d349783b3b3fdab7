// heaptrack's recordings, text of one-letter lines with hexadecimal numbers: interpreted ones (what `heaptrack` leaves)
// and raw ones (`heaptrack --raw`), file formats 0 to 3. Layouts: heaptrack's src/track/libheaptrack.cpp (raw) and
// src/interpret/heaptrack_interpret.cpp, src/analyze/accumulatedtracedata.cpp (what is read back).
//
//   v VERSION [FORMAT]    of heaptrack, hexadecimal 0xMMmmpp; no FORMAT = 1, no line at all = 0
//   X command line        x program            I page-size pages     S suppression    A (attached)
//                         a command of several lines goes on until I
//   s string              strings, numbered from 1; format 3 has the length before it
//   i ip module (function file line)*          instruction pointers, numbered from 1; innermost first when inlined
//   t ip parent           call path nodes, numbered from 1; raw files have an address here, others a number
//   a size trace          kinds of allocations, numbered from 0
//   m - | m path base (address size)*          raw: loaded modules; '-' forgets them
//   + kind | + size trace address              - kind | - address
//   c milliseconds        R resident pages     # comment
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/line_windows.h"

namespace formats::heaptrack {

[[nodiscard]] bool looks_like(Bytes head);

/// A line that is no comment. Numbers are what follows the tag, as far as they are numbers.
struct Line {
  char tag = 0;
  unsigned count = 0;                      ///< of numbers
  std::array<std::uint64_t, 3> numbers{};  ///< those of + - a c t R I
  std::string_view text;                   ///< of other tags: all behind the tag and its blank
  std::uint64_t offset = 0;
};

/// Lines one after another, at about 2 ns each. What is no line of the format is damage, and so is a last line without
/// its end.
class Reader {
 public:
  Reader(const Input& input, DamageLog& damage) : windows_(input, damage), damage_(damage) {}

  /// false at the end.
  bool next(Line& line) {
    for (;;) {
      if (at_ == end_ && !refill()) return false;
      line.tag = *at_;
      if (line.tag == '+' || line.tag == '-') {
        if (read_numbers(line)) return true;
      } else if (read_other(line)) {
        return true;
      }
    }
  }
  /// The line that next() gave last makes no sense.
  void reject(const Line& line, std::string what);

  [[nodiscard]] const LineWindows& windows() const { return windows_; }
  /// Whether the interpreter wrote its closing comments ("# strings: 669").
  [[nodiscard]] bool has_end_mark() const { return has_end_mark_; }

 private:
  bool refill();
  bool read_other(Line& line);
  void damaged_line(const char* start, std::string what);
  [[nodiscard]] std::uint64_t offset_of(const char* at) const {
    return windows_.offset() + static_cast<std::uint64_t>(at - begin_);
  }

  /// "+ 1f 3 7f00" and the end of the line. Every window ends with '\n', so no digit is read beyond it.
  bool read_numbers(Line& line) {
    const char* const start = at_;
    const char* at = at_ + 1;
    line.count = 0;
    while (*at == ' ' && line.count < line.numbers.size()) {
      ++at;
      std::uint64_t value = 0;
      const char* const first = at;
      for (unsigned digit = digit_of(*at); digit < 16; digit = digit_of(*++at)) value = (value << 4) | digit;
      if (at == first) break;
      if (at - first > 16) {
        at = first;  // no number of 64 bits
        break;
      }
      line.numbers[line.count++] = value;
    }
    if (*at == '\n') {
      line.offset = offset_of(start);
      at_ = at + 1;
      return true;
    }
    damaged_line(start, "heaptrack line with something else than numbers");
    return false;
  }
  static unsigned digit_of(char c) { return digits[static_cast<unsigned char>(c)]; }
  static const std::array<std::uint8_t, 256> digits;

  LineWindows windows_;
  DamageLog& damage_;
  const char* begin_ = nullptr;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  bool has_end_mark_ = false;
};

/// `v`: VERSION and FORMAT.
struct Version {
  std::uint32_t heaptrack = 0;  ///< 0x010400 = 1.4.0
  unsigned format = 1;

  [[nodiscard]] std::string text() const;  ///< "1.4.0"
};
[[nodiscard]] std::optional<Version> parse_version(std::string_view text);

/// The text of `s`, `x` and `S` lines. Format 3 has its length before it ("13 /usr/bin/python3.11"); S lines were
/// written without it as well. Nothing when the length is wrong.
[[nodiscard]] std::optional<std::string_view> parse_string(std::string_view text, unsigned format);
/// The pattern of an `S` line, with or without length, without "leak:".
[[nodiscard]] std::string_view parse_suppression(std::string_view text);

/// A function at an instruction pointer. Numbers of strings, 0 = not known.
struct Frame {
  std::uint32_t function = 0;
  std::uint32_t file = 0;
  std::int32_t line = 0;
};
struct InstructionPointer {
  std::uint64_t address = 0;
  std::uint32_t module = 0;   ///< number of a string, 0 = not known
  std::vector<Frame> frames;  ///< innermost first; all but the last are inlined into the next
};
/// The text of an `i` line.
[[nodiscard]] std::optional<InstructionPointer> parse_instruction_pointer(std::string_view text);

/// The text of an `m` line.
struct ModuleLine {
  bool clears = false;    ///< "-": no module is loaded any more
  std::string_view path;  ///< "x" = the program's own (the `x` line)
  std::uint64_t base = 0;
  struct Segment {
    std::uint64_t address = 0;  ///< before the base is added
    std::uint64_t size = 0;
  };
  std::vector<Segment> segments;
};
[[nodiscard]] std::optional<ModuleLine> parse_module(std::string_view text, unsigned format);

}  // namespace formats::heaptrack

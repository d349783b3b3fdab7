// Valgrind's xtrees in callgrind's format (coregrind/m_xtree.c, VG_(XT_callgrind_print); --xtree-memory and
// --xtree-leak with a file not named *.ms): call paths, each a block of its own with the figures of its end.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"
#include "formats/text_lines.h"

namespace formats::xtree {

/// "# callgrind format" whose creator is xtree: callgrind's own files have no paths.
[[nodiscard]] bool looks_like(Bytes head);

struct Header {
  std::string_view command;
  std::uint64_t process_id = 0;
  std::vector<std::string_view> events;  ///< "curB", "RB" …
};

struct Frame {
  std::string_view function;
  std::string_view file;  ///< "" = not known
  std::int32_t line = 0;
};

struct Path {
  std::vector<Frame> frames;          ///< outermost first
  std::vector<std::uint64_t> values;  ///< by event
};

class Reader {
 public:
  Reader(Bytes bytes, DamageLog& damage);

  [[nodiscard]] const Header& header() const { return header_; }
  /// The next path with figures. One that cannot be read is damage and left out.
  std::optional<Path> next();
  /// The file's own sums, by event, once next() has come to the end; empty when it breaks off before.
  [[nodiscard]] const std::vector<std::uint64_t>& totals() const { return totals_; }

 private:
  using Names = std::unordered_map<std::uint64_t, std::string_view>;
  static std::optional<std::string_view> name(std::string_view text, Names& names);
  bool read_line(std::string_view line, Path& path, bool& is_call_cost);
  bool read_values(std::string_view text, std::vector<std::uint64_t>& values) const;

  TextLines lines_;
  DamageLog& damage_;
  Header header_;
  Names files_, functions_;
  std::string_view file_;
  std::vector<std::uint64_t> totals_;
};

}  // namespace formats::xtree

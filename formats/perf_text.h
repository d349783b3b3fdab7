// What perf's texts share: cells, names, addresses, percentages.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "formats/text_lines.h"

namespace formats::perf_text {

/// The first cell, which is cut off `text` with the blanks before it. perf puts two blanks between columns, so a cell
/// may have single ones in it. "" = none is left.
inline std::string_view take_cell(std::string_view& text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    text = {};
    return {};
  }
  const std::size_t end = std::min({text.find("  ", first), text.find('\t', first), text.size()});
  const std::string_view cell = text.substr(first, end - first);
  text.remove_prefix(end);
  return trim(cell);
}

/// "0x7ffe01", all of it.
[[nodiscard]] inline std::optional<std::uint64_t> parse_address(std::string_view text) {
  if (!text.starts_with("0x")) return std::nullopt;
  return parse_number<std::uint64_t>(text.substr(2), 16);
}

/// "12.30%": 0 to 100.
[[nodiscard]] inline std::optional<double> parse_percent(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  const auto value = parse_number<double>(text.substr(0, text.size() - 1));
  if (!value || !(*value >= 0 && *value <= 100)) return std::nullopt;  // nor "-nan"
  return value;
}

/// "" for what perf writes where it knows nothing.
[[nodiscard]] inline std::string_view known(std::string_view text) {
  const bool is_unknown = text == "[unknown]" || text == "N/A" || text.starts_with("??") || text == "-";
  return is_unknown ? std::string_view() : text;
}

/// "[.] serve" → "serve": perf writes the privilege level before names. Without a name it writes the address: "".
[[nodiscard]] inline std::string_view without_level(std::string_view text) {
  if (text.size() >= 3 && text.front() == '[' && text[2] == ']') text = trim(text.substr(3));
  return text;
}
[[nodiscard]] inline std::string_view function_name(std::string_view text) {
  text = without_level(text);
  return parse_address(text) ? std::string_view() : known(text);
}

/// "serve+0x18" → "serve".
[[nodiscard]] std::string_view without_offset(std::string_view text);

/// "serve+0x18 (/usr/bin/app)", as perf script prints places; what is behind the last ')' is passed over.
struct Place {
  std::string_view name, module;
};
[[nodiscard]] Place parse_place(std::string_view text);

/// Columns of a line, in bytes.
struct Span {
  std::size_t begin = 0, end = 0;
};
/// Where the runs of dots are that stand below headings: "# .....  .......". None: it is no such line, or one of more
/// than 64 columns; perf has 27 at most.
[[nodiscard]] std::vector<Span> dotted_spans(std::string_view dots);
[[nodiscard]] std::string_view heading_in(std::string_view headings, Span span);

}  // namespace formats::perf_text

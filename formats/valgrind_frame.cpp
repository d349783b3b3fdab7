#include "formats/valgrind_frame.h"

#include "formats/text_lines.h"

namespace formats {
namespace {

bool is_address(std::string_view text) {
  return text.size() > 2 && text.starts_with("0x") && parse_number<std::uint64_t>(text.substr(2), 16).has_value();
}

/// Cuts ":N" off the end.
std::optional<std::int32_t> take_number(std::string_view& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto number = parse_number<std::int32_t>(text.substr(colon + 1));
  if (!number || *number < 0) return std::nullopt;
  text = text.substr(0, colon);
  return number;
}

/// The text between the parentheses: "in MODULE", "FILE:LINE", "FILE:LINE:COLUMN"; heaptrack's massif files have
/// "MODULE". False when it is part of a name: "int)>::operator()".
bool read_location(std::string_view text, ValgrindFrame& frame) {
  if (text.starts_with("in ")) {
    frame.module = text.substr(3);
    return true;
  }
  std::string_view file = text;
  if (const auto last = take_number(file)) {
    const auto before = take_number(file);
    frame.file = file;
    frame.line = before ? *before : *last;
    return true;
  }
  if (text.empty() || text.find_first_of("()<>,*& ") != std::string_view::npos) return false;
  frame.module = text;
  return true;
}

}  // namespace

std::optional<ValgrindFrame> parse_valgrind_frame(std::string_view text) {
  text = trim(text);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || !is_address(text.substr(0, colon))) return std::nullopt;
  ValgrindFrame frame;
  frame.address = text.substr(0, colon);
  std::string_view name = trim(text.substr(colon + 1));
  if (name.ends_with(')')) {
    std::size_t open = name.rfind(" (in /");  // a path may have " (" itself
    if (open == std::string_view::npos) open = name.rfind(" (");
    if (open != std::string_view::npos && read_location(name.substr(open + 2, name.size() - open - 3), frame)) {
      name = trim(name.substr(0, open));
    }
  }
  if (name != "???") frame.function = name;
  return frame;
}

}  // namespace formats

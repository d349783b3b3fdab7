// Text inputs line by line, and the numbers in them: what every reader of a text format needs. Views only; nothing is
// copied, every line costs O(its length).
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>

#include "formats/bytes.h"

namespace formats {

/// Hands out lines without their end ("\n" or "\r\n").
class TextLines {
 public:
  explicit TextLines(Bytes bytes) : text_(as_text(bytes)) {}

  /// The next line, or false at the end.
  bool next() {
    if (at_ >= text_.size()) return false;
    start_ = at_;
    const void* found = std::memchr(text_.data() + at_, '\n', text_.size() - at_);
    is_whole_ = found != nullptr;
    const std::size_t end =
        is_whole_ ? static_cast<std::size_t>(static_cast<const char*>(found) - text_.data()) : text_.size();
    line_ = text_.substr(start_, end - start_);
    at_ = is_whole_ ? end + 1 : end;
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    return true;
  }
  [[nodiscard]] std::string_view line() const { return line_; }
  [[nodiscard]] std::uint64_t offset() const { return start_; }    ///< of the line
  [[nodiscard]] std::uint64_t next_offset() const { return at_; }  ///< behind it and its end
  [[nodiscard]] bool is_whole() const { return is_whole_; }        ///< false: the input ends within the line
  /// Goes on at an offset: to read a line again, or to skip a block.
  void seek(std::uint64_t offset) { at_ = static_cast<std::size_t>(offset); }

 private:
  std::string_view text_;
  std::string_view line_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;
  bool is_whole_ = true;
};

[[nodiscard]] inline std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t";
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// The first word, which is cut off `text` with the blanks before it; "" = none is left.
inline std::string_view take_word(std::string_view& text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    text = {};
    return {};
  }
  const std::size_t end = std::min(text.find_first_of(" \t", first), text.size());
  const std::string_view word = text.substr(first, end - first);
  text.remove_prefix(end);
  return word;
}

/// The whole of `text` as a number: no blanks, no sign but '-', nothing behind it; nothing on overflow.
template <typename Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text, int base = 10) {
  Number value{};
  std::from_chars_result result{};
  if constexpr (std::is_floating_point_v<Number>) {
    result = std::from_chars(text.data(), text.data() + text.size(), value);
  } else {
    result = std::from_chars(text.data(), text.data() + text.size(), value, base);
  }
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace formats

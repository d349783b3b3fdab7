#include "formats/json_reader.h"

#include <algorithm>
#include <optional>

#include "formats/text_lines.h"

namespace formats {
namespace {

constexpr std::string_view blank = " \t\r\n";

void append_utf8(std::string& text, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | (code >> 6));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

/// "\uXXXX" at `at`.
std::optional<std::uint32_t> code_unit(std::string_view text, std::size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  return parse_number<std::uint32_t>(text.substr(at + 2, 4), 16);
}

}  // namespace

bool JsonReader::fail() {
  token_ = JsonToken::end;
  is_broken_ = true;
  return false;
}

void JsonReader::seek(std::uint64_t offset) {
  at_ = static_cast<std::size_t>(offset);
  start_ = at_;
  is_broken_ = false;
  token_ = JsonToken::end;
}

bool JsonReader::next() {
  if (is_broken_) return false;
  while (at_ < text_.size() && (blank.find(text_[at_]) != std::string_view::npos || text_[at_] == ',')) ++at_;
  start_ = at_;
  token_text_ = {};
  if (at_ == text_.size()) {
    token_ = JsonToken::end;
    return false;
  }
  switch (text_[at_]) {
    case '{': token_ = JsonToken::begin_object; break;
    case '}': token_ = JsonToken::end_object; break;
    case '[': token_ = JsonToken::begin_array; break;
    case ']': token_ = JsonToken::end_array; break;
    case '"': return read_string();
    default: read_scalar(); return token_ != JsonToken::end || fail();
  }
  ++at_;
  return true;
}

bool JsonReader::read_string() {
  std::size_t end = at_ + 1;
  while (true) {
    end = text_.find_first_of("\"\\\n", end);
    if (end == std::string_view::npos || text_[end] == '\n') return fail();
    if (text_[end] == '"') break;
    end += 2;  // an escaped quote ends nothing
  }
  token_text_ = text_.substr(at_ + 1, end - at_ - 1);
  at_ = end + 1;
  const std::size_t behind = text_.find_first_not_of(blank, at_);
  token_ = JsonToken::string;
  if (behind != std::string_view::npos && text_[behind] == ':') {
    token_ = JsonToken::key;
    at_ = behind + 1;
  }
  return true;
}

void JsonReader::read_scalar() {
  const std::size_t end = std::min(text_.find_first_of(" \t\r\n,:{}[]\"", at_), text_.size());
  token_text_ = text_.substr(at_, end - at_);
  const bool is_word = token_text_ == "true" || token_text_ == "false" || token_text_ == "null";
  const bool is_number =
      !token_text_.empty() && token_text_.find_first_not_of("+-.0123456789eE") == std::string_view::npos;
  token_ = is_word ? JsonToken::word : is_number ? JsonToken::number : JsonToken::end;
  if (token_ != JsonToken::end) at_ = end;
}

bool JsonReader::skip_value() {
  if (!next()) return false;
  return (token_ != JsonToken::begin_object && token_ != JsonToken::begin_array) || skip_container();
}

bool JsonReader::skip_container() {
  for (std::uint64_t depth = 1; depth > 0;) {
    if (!next()) return false;
    if (token_ == JsonToken::begin_object || token_ == JsonToken::begin_array) ++depth;
    if (token_ == JsonToken::end_object || token_ == JsonToken::end_array) --depth;
  }
  return true;
}

std::string unescape_json(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    constexpr std::string_view escapes = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t found = escapes.find(text[i + 1]); found != std::string_view::npos) {
      out += meanings[found];
      ++i;
    } else if (const auto unit = code_unit(text, i)) {
      const auto low = *unit >= 0xD800 && *unit < 0xDC00 ? code_unit(text, i + 6) : std::nullopt;
      const bool is_pair = low && *low >= 0xDC00 && *low < 0xE000;
      append_utf8(out, is_pair ? 0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00)
                               : (*unit >= 0xD800 && *unit < 0xE000 ? 0xFFFD : *unit));
      i += is_pair ? 11 : 5;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace formats

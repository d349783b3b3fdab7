#include "queries/utf8.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace queries {
namespace {

std::size_t ascii_prefix(std::string_view text, std::size_t from) {
  for (; from + 8 <= text.size(); from += 8) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, text.data() + from, 8);
    if ((bytes & 0x8080'8080'8080'8080u) != 0) break;
  }
  while (from < text.size() && static_cast<unsigned char>(text[from]) < 0x80) ++from;
  return from;
}

/// Bytes of the well-formed sequence at `at`, 0 = malformed. Table 3-7 of the Unicode Standard.
std::size_t sequence(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return continues(1) ? 2 : 0;
  if (lead < 0xF0) {
    if (!continues(1) || !continues(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;  // too long a form
    if (lead == 0xED && byte(1) > 0x9F) return 0;  // surrogate
    return 3;
  }
  if (lead > 0xF4 || !continues(1) || !continues(2) || !continues(3)) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;  // beyond U+10FFFF
  return 4;
}

}  // namespace

std::string_view valid_utf8(std::string_view text, std::string& scratch) {
  std::size_t at = ascii_prefix(text, 0);
  while (at < text.size()) {
    const std::size_t size = sequence(text, at);
    if (size == 0) break;
    at = ascii_prefix(text, at + size);
  }
  if (at == text.size()) return text;
  scratch.assign(text.substr(0, at));
  while (at < text.size()) {
    const std::size_t size = sequence(text, at);
    if (size == 0) {
      scratch += "\xEF\xBF\xBD";
      ++at;
    } else {
      scratch.append(text.substr(at, size));
      at += size;
    }
  }
  return scratch;
}

}  // namespace queries

#include "importers/hprof_strings.h"

#include <algorithm>

namespace importers::hprof {
namespace {

using formats::Bytes;

std::size_t utf8_size(std::uint32_t code) { return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; }

void put(std::string& text, std::uint32_t code) {
  const auto tail = [&](unsigned shift) { text += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  switch (utf8_size(code)) {
    case 1: text += static_cast<char>(code); break;
    case 2: text += static_cast<char>(0xC0 | (code >> 6)), tail(0); break;
    case 3: text += static_cast<char>(0xE0 | (code >> 12)), tail(6), tail(0); break;
    default: text += static_cast<char>(0xF0 | (code >> 18)), tail(12), tail(6), tail(0); break;
  }
}

void decode_latin1(Bytes bytes, std::size_t limit, std::string& text) {
  const std::size_t room = text.size() + limit;
  for (const std::byte byte : bytes) {
    const auto code = static_cast<std::uint32_t>(byte);
    if (text.size() + utf8_size(code) > room) return;
    put(text, code);
  }
}

template <typename Unit>
void decode_utf16(std::size_t count, Unit unit, std::size_t limit, std::string& text) {
  const std::size_t room = text.size() + limit;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t code = unit(i);
    if (code >= 0xD800 && code < 0xE000) {
      const std::uint32_t low = code < 0xDC00 && i + 1 < count ? unit(i + 1) : 0;
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        ++i;
      } else {
        code = 0xFFFD;
      }
    }
    if (text.size() + utf8_size(code) > room) return;
    put(text, code);
  }
}

bool is_char(const formats::hprof::PrimitiveArrayDump& array) {
  return array.type == static_cast<std::uint8_t>(formats::hprof::Type::character);
}
/// Two bytes per element; false for arrays that hold no text.
bool is_wide(const StringShape& shape, const formats::hprof::PrimitiveArrayDump& array) {
  return is_char(array) || shape.coder == 1;
}

std::int64_t load_i32(Bytes fields, std::int32_t at, std::int64_t missing) {
  if (at < 0 || static_cast<std::size_t>(at) + 4 > fields.size()) return missing;
  return static_cast<std::int32_t>(formats::load_be32(&fields[static_cast<std::size_t>(at)]));
}

}  // namespace

StringShape string_shape(Bytes fields, const StringLayout& layout, unsigned id_size) {
  StringShape shape;
  if (layout.value < 0 || static_cast<std::size_t>(layout.value) + id_size > fields.size()) return shape;
  shape.value = formats::hprof::load_id(&fields[static_cast<std::size_t>(layout.value)], id_size);
  if (layout.coder >= 0 && static_cast<std::size_t>(layout.coder) < fields.size()) {
    shape.coder = formats::load_u8(&fields[static_cast<std::size_t>(layout.coder)]);
  }
  shape.offset = load_i32(fields, layout.offset, 0);
  shape.count = load_i32(fields, layout.count, -1);
  return shape;
}

Bytes string_elements(const StringShape& shape, const formats::hprof::PrimitiveArrayDump& array) {
  if (!is_char(array) && array.type != static_cast<std::uint8_t>(formats::hprof::Type::int8)) return {};
  const unsigned unit = is_wide(shape, array) ? 2 : 1;
  const auto units = static_cast<std::int64_t>(array.elements.size() / unit);
  const std::int64_t first = std::clamp<std::int64_t>(shape.offset, 0, units);
  const std::int64_t count = shape.count < 0 ? units - first : std::min(shape.count, units - first);
  return array.elements.subspan(static_cast<std::size_t>(first) * unit, static_cast<std::size_t>(count) * unit);
}

void decode_string(const StringShape& shape, const formats::hprof::PrimitiveArrayDump& array, std::size_t limit,
                   std::string& text) {
  const Bytes part = string_elements(shape, array);
  if (!is_wide(shape, array)) return decode_latin1(part, limit, text);
  if (is_char(array)) {
    return decode_utf16(
        part.size() / 2, [&](std::size_t i) { return std::uint32_t{formats::load_be16(&part[2 * i])}; }, limit, text);
  }
  // byte[] holds UTF-16 in the byte order of the dumped machine; every JVM platform of today is little-endian.
  decode_utf16(
      part.size() / 2,
      [&](std::size_t i) {
        return std::uint32_t{formats::load_u8(&part[2 * i])} | (std::uint32_t{formats::load_u8(&part[2 * i + 1])} << 8);
      },
      limit, text);
}

}  // namespace importers::hprof

#include "formats/python_lines.h"

#include <algorithm>

namespace formats {
namespace {

constexpr std::int64_t largest_line = 1 << 30;  // a damaged table can add up to anything

/// Six bits a byte, lowest first; bit 6 = another byte follows. Stops at the end of the table.
class LocationTable {
 public:
  explicit LocationTable(Bytes table) : table_(table) {}
  [[nodiscard]] bool at_end() const { return at_ == table_.size(); }
  std::uint8_t byte() { return at_end() ? std::uint8_t{0} : load_u8(&table_[at_++]); }
  std::uint32_t number() {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 30; shift += 6) {
      const std::uint8_t next = byte();
      value |= static_cast<std::uint32_t>(next & 0x3F) << shift;
      if ((next & 0x40) == 0) break;
    }
    return value;
  }
  std::int64_t signed_number() {
    const std::uint32_t value = number();
    const std::int64_t magnitude = value >> 1;
    return (value & 1) != 0 ? -magnitude : magnitude;
  }

 private:
  Bytes table_;
  std::size_t at_ = 0;
};

/// 3.11: each entry covers 1 to 8 code units of two bytes; its code says how line and columns follow.
std::int64_t line_of_location_table(Bytes bytes, std::int64_t line, std::int64_t offset) {
  LocationTable table(bytes);
  std::int64_t end = 0;
  while (!table.at_end()) {
    const std::uint8_t head = table.byte();
    end += ((head & 7) + 1) * 2;
    const unsigned code = (head >> 3) & 15;
    bool has_line = true;
    if (code <= 9) {  // short: same line, columns in one byte
      table.byte();
    } else if (code <= 12) {  // one of the next lines, two columns
      line += code - 10;
      table.byte();
      table.byte();
    } else if (code == 13) {  // no columns
      line += table.signed_number();
    } else if (code == 14) {  // long
      line += table.signed_number();
      for (int skipped = 0; skipped < 3; ++skipped) table.number();
    } else {
      has_line = false;
    }
    line = std::clamp(line, -largest_line, largest_line);
    if (offset < end) return has_line ? line : 0;
  }
  return 0;
}

/// 3.10: pairs of (bytes covered, step of the line); step -128 = no line.
std::int64_t line_of_linetable(Bytes table, std::int64_t line, std::int64_t offset) {
  std::int64_t end = 0;
  for (std::size_t i = 0; i + 1 < table.size(); i += 2) {
    end += load_u8(&table[i]);
    const auto step = static_cast<std::int8_t>(load_u8(&table[i + 1]));
    if (step != -128) line = std::clamp(line + step, -largest_line, largest_line);
    if (offset < end) return step == -128 ? 0 : line;
  }
  return 0;
}

/// Before: pairs of (bytes to the next line, step of the line).
std::int64_t line_of_lnotab(Bytes table, std::int64_t line, std::int64_t offset) {
  std::int64_t start = 0;
  for (std::size_t i = 0; i + 1 < table.size(); i += 2) {
    start += load_u8(&table[i]);
    if (start > offset) break;
    line = std::clamp(line + static_cast<std::int8_t>(load_u8(&table[i + 1])), -largest_line, largest_line);
  }
  return line;
}

}  // namespace

std::int64_t python_line(Bytes table, std::int64_t first_line, std::int64_t offset, std::uint32_t python_version) {
  first_line = std::clamp(first_line, -largest_line, largest_line);
  if (python_version >= 0x030B0000) return line_of_location_table(table, first_line, offset);
  if (python_version >= 0x030A0000) return line_of_linetable(table, first_line, offset);
  return line_of_lnotab(table, first_line, offset);
}

}  // namespace formats

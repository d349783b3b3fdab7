// Addresses as the text that names a frame when nothing better is known.
#pragma once

#include <cstdint>
#include <string>

namespace importers {

/// "0x1f40".
[[nodiscard]] inline std::string hexadecimal(std::uint64_t value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[value & 15]);
    value >>= 4;
  } while (value != 0);
  return "0x" + digits;
}

}  // namespace importers

// Primitive values of HPROF: from the bytes of a field to what a row holds.
#pragma once

#include <bit>
#include <cstdint>

#include "formats/hprof.h"

namespace importers::hprof {

inline constexpr std::uint8_t object_type = 2;

/// A value's bytes as in the file, zero-extended. `at` must have size_of(type, id_size) bytes.
[[nodiscard]] inline std::uint64_t load_bits(const std::byte* at, std::uint8_t type, unsigned id_size) {
  switch (formats::hprof::size_of(type, id_size)) {
    case 1: return formats::load_u8(at);
    case 2: return formats::load_be16(at);
    case 4: return formats::load_be32(at);
    case 8: return formats::load_be64(at);
    default: return 0;
  }
}

/// Fills type, integer and real of a queries::FieldValue or queries::PrimitiveValue.
template <typename Value>
void set_value(Value& value, std::uint8_t type, std::uint64_t bits) {
  value.type = formats::hprof::letter_of(type);
  switch (value.type) {
    case 'B': value.integer = static_cast<std::int8_t>(bits); break;
    case 'S': value.integer = static_cast<std::int16_t>(bits); break;
    case 'I': value.integer = static_cast<std::int32_t>(bits); break;
    case 'F': value.real = static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits))); break;
    case 'D': value.real = std::bit_cast<double>(bits); break;
    default: value.integer = static_cast<std::int64_t>(bits); break;
  }
}

}  // namespace importers::hprof

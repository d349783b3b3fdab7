// java.lang.String → UTF-8, in every layout that JDKs and Android have used: char[] with offset and count (JDK ≤ 6,
// Android L), char[] (JDK 7–8), byte[] with coder (JDK 9+), byte[] or char[] (Android O+).
#pragma once

#include <cstdint>
#include <string>

#include "formats/hprof.h"
#include "importers/hprof_classes.h"

namespace importers::hprof {

/// What one String instance says about its text.
struct StringShape {
  RawId value = 0;          ///< raw id of the array, 0 = null
  std::uint8_t coder = 0;   ///< 0 Latin-1, 1 UTF-16; byte[] only
  std::int64_t offset = 0;  ///< first element
  std::int64_t count = -1;  ///< elements, -1 = to the end
};

[[nodiscard]] StringShape string_shape(formats::Bytes fields, const StringLayout& layout, unsigned id_size);

/// The bytes of the array that the string shows.
[[nodiscard]] formats::Bytes string_elements(const StringShape& shape, const formats::hprof::PrimitiveArrayDump& array);

/// Decodes at most `limit` bytes of UTF-8, whole characters. Unpaired surrogates become U+FFFD. Appends to `text`.
void decode_string(const StringShape& shape, const formats::hprof::PrimitiveArrayDump& array, std::size_t limit,
                   std::string& text);

}  // namespace importers::hprof

// Text of a dump on its way into the database: TEXT must be valid UTF-8, or Python and others refuse to read the row.
#pragma once

#include <string>
#include <string_view>

namespace queries {

/// `text` itself when it is valid UTF-8 (NUL and control characters are), else a copy in `scratch` with U+FFFD for each
/// malformed byte. Valid ASCII costs an eighth of a comparison a byte.
[[nodiscard]] std::string_view valid_utf8(std::string_view text, std::string& scratch);

}  // namespace queries

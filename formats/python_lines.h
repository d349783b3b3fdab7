// The line of a CPython instruction from its code object's table, in the three encodings that CPython has had.
// Sources: CPython's Objects/lnotab_notes.txt (up to 3.10) and InternalDocs/code_objects.md (location table, 3.11 on).
#pragma once

#include <cstdint>

#include "formats/bytes.h"

namespace formats {

/// The line of the instruction at `offset` bytes into the code. `python_version` is PY_VERSION_HEX, which says how
/// `table` is encoded; `first_line` is the code object's. 0 = the table does not say. O(bytes of the table).
[[nodiscard]] std::int64_t python_line(Bytes table, std::int64_t first_line, std::int64_t offset,
                                       std::uint32_t python_version);

}  // namespace formats

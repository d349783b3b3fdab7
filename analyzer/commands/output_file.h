// Results to a file or to standard output.
#pragma once

#include <string>
#include <string_view>

namespace analyzer {

/// Writes `text` to `path`, "-" = standard output. A file is written beside its name and renamed: a reader never sees
/// half of it. Throws queries::StoreError.
void write_output(const std::string& path, std::string_view text);

}  // namespace analyzer

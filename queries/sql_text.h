// SQL as text: what the shell must know of it without being told what SQLite is.
#pragma once

#include <string>

namespace queries {

/// true when `sql` ends in a complete statement: a semicolon that is not inside a string, comment or trigger body.
[[nodiscard]] bool is_complete_statement(const std::string& sql);

}  // namespace queries

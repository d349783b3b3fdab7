// "did you mean": what to add to SQLite's message when a name in the SQL does not exist.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

struct sqlite3;

namespace queries {

/// Insertions, deletions, substitutions and swaps of neighbours that lead from a to b, case aside. O(|a|·|b|).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// Text to append to `message`: ": did you mean …?", ": columns of object are …", or "". Looks into the schema.
[[nodiscard]] std::string hint_for(sqlite3* connection, const std::string& message, std::string_view sql);

}  // namespace queries

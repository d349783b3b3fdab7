// "did you mean": the nearest names to one that does not exist.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace analyzer {

/// Damerau-Levenshtein distance (insert, delete, replace, swap of neighbours). O(a·b).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The nearest of `candidates` within a third of the longer name (at least 1 edit), or one that `name` begins or that
/// begins with it; "" when nothing is near. Ties: the first.
[[nodiscard]] std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

/// " (did you mean 'X'?)", or "" when nothing is near.
[[nodiscard]] std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace analyzer

// Functions that only allocate: recorders that intercept them have them as the innermost frame of every path, where
// they would be the name of every site.
#pragma once

#include <string_view>
#include <vector>

#include "queries/allocation_profile.h"

namespace importers {

/// malloc and its kin, operator new, whatever a recorder puts in front ("__interceptor_malloc").
[[nodiscard]] constexpr bool is_allocation_function(std::string_view name) {
  constexpr std::string_view prefixes[] = {"__interceptor_", "___interceptor_", "__GI___libc_", "__libc_", "__wrap_"};
  for (const std::string_view prefix : prefixes) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  }
  if (name.starts_with("operator new")) return name.size() == 12 || name[12] == '(' || name[12] == '[';
  constexpr std::string_view names[] = {"malloc",   "calloc",        "realloc", "reallocarray",
                                        "memalign", "aligned_alloc", "valloc",  "posix_memalign",
                                        "pvalloc",  "_Znwm",         "_Znam"};
  for (const std::string_view known : names) {
    if (name == known) return true;
  }
  return false;
}

/// Cuts them off the inner end of a path; one of nothing else keeps its outermost frame.
inline void drop_allocation_functions(std::vector<queries::SiteFrame>& innermost_first) {
  std::size_t count = 0;
  while (count + 1 < innermost_first.size() && is_allocation_function(innermost_first[count].function)) ++count;
  innermost_first.erase(innermost_first.begin(), innermost_first.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace importers

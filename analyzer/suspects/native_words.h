// How suspects speak of native heaps: containers by their owners rather than by their nodes, roots as a programmer
// would call them, and what to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "analyzer/suspects/causes.h"
#include "analyzer/suspects/root_paths.h"

namespace analyzer {

/// What a class name of a container's part says: "std::map/set node of response_cache".
struct NativeContainer {
  std::string name;              ///< "std::map/set response_cache", "std::vector in Session+0x18"
  std::string_view unit;         ///< "entries"; "" = the parts are no elements
  bool may_grow_unseen = false;  ///< a map or set: keys that are never looked up again stay
};
/// Nothing when it is no part of a standard container.
[[nodiscard]] std::optional<NativeContainer> native_container(std::string_view class_name);

/// "static kept_list", "the stack of worker(int)", "thread-local data", …; "" when it is no root of a native process.
[[nodiscard]] std::string native_root_text(const RootPath& path);

/// A map or set of at least 256 entries, or what else a container's parts retain: with its owner, and what to do.
/// `parts`: of the container's elements, how many are retained.
[[nodiscard]] std::optional<Cause> native_container_cause(std::string_view class_name, const RootPath& path,
                                                          std::uint64_t parts, std::uint64_t bytes);

/// What to look at where nothing better is known.
[[nodiscard]] std::string native_advice(const std::string& holder);

}  // namespace analyzer

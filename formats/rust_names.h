// Names of Rust functions as people write them: the v0 scheme ("_R…", RFC 2603) and the older one, which looks like a
// C++ name and ends in a hash ("_ZN4core3fmt5write17h0123456789abcdefE").
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace formats {

/// "mycrate::Example<T>::foo", without hashes of crates. Nothing when it is no such name, or nests deeper than 128, or
/// would be longer than 16 KiB (back-references double). O(length of the result).
[[nodiscard]] std::optional<std::string> demangle_rust(std::string_view name);

}  // namespace formats

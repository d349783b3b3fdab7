// C++ and Rust names as people write them: C++ (Itanium C++ ABI, section 5.1) by the C++ runtime's own demangler, Rust
// by rust_names.h.
#pragma once

#include <string>
#include <string_view>

namespace formats {

/// "_Znwm" → "operator new(unsigned long)". What is no mangled name, or longer than 4096 bytes, or might grow beyond
/// all bounds (back-references double), comes back as it is.
[[nodiscard]] std::string demangle(std::string_view name);
/// The name in a std::type_info, which has no "_Z" in front: "N4acme7SessionE" → "acme::Session".
[[nodiscard]] std::string demangle_type(std::string_view name);

}  // namespace formats

// From the first word of a block to the name of its class: vtable → type_info → mangled name → demangled.
//
// Itanium C++ ABI 2.5.2 (the word before a vtable's address point is the type_info, the one before that the offset to
// the top) and 2.9 (a type_info: vtable, name). What makes a type_info one is checked without any name: its own class's
// type_info is that of a __*_class_type_info, all of which are singly derived, so that the chain ends in a type_info
// whose vtable is its own class's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "importers/native_places.h"

namespace importers::native {

class NameSource;

/// "std::_Sp_counted_ptr_inplace<T, …>" → "std::make_shared block of T", likewise the control blocks of shared_ptr, for
/// libstdc++ and libc++. Inline namespaces and default allocators are left out, std::string is called so.
[[nodiscard]] std::string readable_class(const std::string& full);

class VtableNames {
 public:
  /// `names` may be nullptr.
  VtableNames(const formats::ProcessImage& image, const NameSource* names) : memory_(image), names_(names) {}

  /// The name of the class whose primary vtable has its address point at `address`; "" when there is no vtable. The
  /// answer is kept: O(1) for the second and later times. The reference holds until the next call.
  [[nodiscard]] const std::string& name_at(std::uint64_t address);

 private:
  [[nodiscard]] std::string find(std::uint64_t address);
  [[nodiscard]] bool is_class_info(std::uint64_t info);
  [[nodiscard]] bool is_code(std::uint64_t address) const;
  [[nodiscard]] std::string place(std::uint64_t address) const;

  Memory memory_;
  const NameSource* names_;
  std::unordered_map<std::uint64_t, std::string> known_;
  std::string scratch_;
};

}  // namespace importers::native

// Types of blocks by name: two vtables of one class (a library loaded twice) are one type.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "importers/native_types.h"

namespace importers::native {

/// Borrows the types, which nobody else may add to meanwhile.
class TypeTable {
 public:
  explicit TypeTable(std::vector<NativeType>& types) : types_(types) {
    for (std::uint32_t i = 0; i < types.size(); ++i) by_name_.emplace(types[i].name, i);
  }
  /// The type of that name, added when there is none.
  std::uint32_t add(const std::string& name, Evidence evidence, const std::string& family) {
    const auto [at, is_new] = by_name_.emplace(name, static_cast<std::uint32_t>(types_.size()));
    if (is_new) types_.push_back({name, evidence, family});
    return at->second;
  }

 private:
  std::vector<NativeType>& types_;
  std::unordered_map<std::string, std::uint32_t> by_name_;
};

}  // namespace importers::native

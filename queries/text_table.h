// Texts that rows repeat, kept once and named by number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace queries {

struct TextTable {
  std::vector<std::string> texts{""};  ///< [0] stands for none

  /// The number of that text, added when there is none. O(length).
  std::uint32_t text(std::string_view what) {
    if (what.empty()) return 0;
    const auto [at, is_new] = numbers_.try_emplace(std::string(what), static_cast<std::uint32_t>(texts.size()));
    if (is_new) texts.emplace_back(what);
    return at->second;
  }

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

}  // namespace queries

// Addresses of a text profile → frames: by the names that are in the profile, else by the files that the user names
// (profile_symbols.h), else as "module+0xoffset". An address that no mapped file holds is "0x…".
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "formats/profile_text.h"
#include "importers/profile_symbols.h"
#include "queries/allocation_profile.h"

namespace importers {

/// "0x55d01".
[[nodiscard]] std::string address_text(std::uint64_t address);

/// Numbers addresses as they come, for SitePaths; makes their sites when everything of the profile is read.
class AddressFrames {
 public:
  /// O(1) amortized.
  std::uint32_t number(std::uint64_t address) {
    const auto [found, is_new] = numbers_.try_emplace(address, static_cast<std::uint32_t>(addresses_.size()));
    if (is_new) addresses_.push_back(address);
    return found->second;
  }
  [[nodiscard]] std::uint64_t address(std::uint32_t number) const { return addresses_[number]; }
  /// The path of the file that holds an address, variables of it replaced; "" = none.
  [[nodiscard]] std::string module_of(std::uint64_t address, const formats::profile_text::MappedFiles& files) const;

  /// The frames of every address, innermost first: several where calls were inlined. The texts are numbers of `sites`.
  void resolve(const formats::profile_text::MappedFiles& files, const formats::profile_text::Names& names,
               ProfileSymbols& symbols, queries::SiteTree& sites);
  /// After resolve().
  queries::SiteId add(queries::SiteId caller, std::uint32_t number, queries::SiteTree& sites) const;

 private:
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;
  std::vector<std::uint64_t> addresses_;
  std::vector<queries::SiteRow> frames_;  // of all addresses, outermost first
  std::vector<std::size_t> first_;        // index of an address's frames; one more at the end
};

}  // namespace importers

#include "importers/address_frames.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace importers {
namespace {

using formats::profile_text::MappedFiles;
using formats::profile_text::Names;

std::string_view file_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

/// Names are keyed by the address in the profile, or by the call before it.
std::string_view find_name(const Names& names, std::uint64_t address) {
  for (const std::uint64_t key : {address, address - 1}) {
    if (const auto found = names.of.find(key); found != names.of.end()) return found->second;
  }
  return {};
}

struct NameAndPlace {
  std::string_view function, file;
  std::int32_t line = 0;
};

/// "com.example.Cache.put (Cache.java:13)" of a JVM; other names stay whole.
NameAndPlace split_place(std::string_view name) {
  const std::size_t open = name.rfind(" (");
  const std::size_t colon = name.rfind(':');
  if (open == std::string_view::npos || !name.ends_with(')')) return {name, {}, 0};
  if (colon == std::string_view::npos || colon < open) return {name, {}, 0};
  const auto line = formats::parse_number<std::int32_t>(name.substr(colon + 1, name.size() - colon - 2));
  if (!line || *line < 0) return {name, {}, 0};
  return {name.substr(0, open), name.substr(open + 2, colon - open - 2), *line};
}

}  // namespace

std::string address_text(std::uint64_t address) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(address));
  return text.data();
}

std::string AddressFrames::module_of(std::uint64_t address, const MappedFiles& files) const {
  return MappedModules(files).find(address - 1).path;  // a return address can be the first behind its module
}

void AddressFrames::resolve(const MappedFiles& files, const Names& names, ProfileSymbols& symbols,
                            queries::SiteTree& sites) {
  const MappedModules modules(files);
  for (const std::uint64_t address : addresses_) {
    first_.push_back(frames_.size());
    queries::SiteRow row;
    const MappedModule module = modules.find(address - 1);  // the call's, not behind it
    row.module = sites.text_number(module.path);
    std::string_view rest = find_name(names, address);
    if (rest.empty()) {
      const std::vector<queries::SiteRow> named = symbols.rows(module, address - 1, row.module, sites);
      frames_.insert(frames_.end(), named.begin(), named.end());
      if (!named.empty()) continue;
      row.function = sites.text_number(module.path.empty() ? address_text(address)
                                                           : std::string(file_name(module.path)) + "+" +
                                                                 address_text(address - module.start + module.offset));
      frames_.push_back(row);
      continue;
    }
    while (!rest.empty()) {  // "function--inlined into it--innermost"
      const std::size_t end = std::min(rest.find("--"), rest.size());
      const NameAndPlace name = split_place(formats::trim(rest.substr(0, end)));
      row.function = sites.text_number(name.function);
      row.file = sites.text_number(name.file);
      row.line = name.line;
      row.is_inlined = frames_.size() > first_.back();
      if (!name.function.empty()) frames_.push_back(row);
      rest.remove_prefix(std::min(end + 2, rest.size()));
    }
  }
  first_.push_back(frames_.size());
}

queries::SiteId AddressFrames::add(queries::SiteId caller, std::uint32_t number, queries::SiteTree& sites) const {
  queries::SiteId site = caller;
  for (std::size_t i = first_[number]; i < first_[number + 1]; ++i) {
    queries::SiteRow row = frames_[i];
    row.parent = site;
    site = sites.add(row);
  }
  return site;
}

}  // namespace importers

#include "formats/demangle.h"

#include <cxxabi.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "formats/rust_names.h"

namespace formats {
namespace {

struct Free {
  void operator()(char* pointer) const { std::free(pointer); }
};

/// An upper bound of what the demangler writes: back-references can double a name with every ten characters. A
/// component holds at most every back-reference to earlier components, so the size of all is at most the length times
/// the product of (1 + references to i) over all i.
double expansion_bound(std::string_view mangled) {
  std::map<std::string_view, double> references;
  for (std::size_t i = 0; i + 1 < mangled.size(); ++i) {
    if (mangled[i] != 'S' && mangled[i] != 'T') continue;
    std::size_t end = i + 1;
    while (end < mangled.size() &&
           ((mangled[end] >= '0' && mangled[end] <= '9') || (mangled[end] >= 'A' && mangled[end] <= 'Z'))) {
      ++end;
    }
    if (end < mangled.size() && mangled[end] == '_') references[mangled.substr(i, end - i)] += 1;
  }
  auto bound = static_cast<double>(mangled.size() + 64);
  for (const auto& [reference, count] : references) bound *= 1 + count;
  return bound;
}

std::string demangled(std::string_view name) {
  constexpr std::size_t longest = 4096;
  constexpr double longest_output = 64 << 20;
  if (name.empty() || name.size() > longest || expansion_bound(name) > longest_output) return std::string(name);
  const std::string terminated(name);
  int status = 0;
  const std::unique_ptr<char, Free> text(abi::__cxa_demangle(terminated.c_str(), nullptr, nullptr, &status));
  return status == 0 && text != nullptr ? text.get() : terminated;
}

}  // namespace

std::string demangle(std::string_view name) {
  if (std::optional<std::string> rust = demangle_rust(name)) return *std::move(rust);
  return name.starts_with("_Z") ? demangled(name) : std::string(name);
}

std::string demangle_type(std::string_view name) { return demangled(name); }

}  // namespace formats

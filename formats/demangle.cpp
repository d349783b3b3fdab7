#include "formats/demangle.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace formats {
namespace {

struct Free {
  void operator()(char* pointer) const { std::free(pointer); }
};

std::string demangled(std::string_view name) {
  constexpr std::size_t longest = 4096;
  if (name.empty() || name.size() > longest) return std::string(name);
  const std::string terminated(name);
  int status = 0;
  const std::unique_ptr<char, Free> text(abi::__cxa_demangle(terminated.c_str(), nullptr, nullptr, &status));
  return status == 0 && text != nullptr ? text.get() : terminated;
}

}  // namespace

std::string demangle(std::string_view name) { return name.starts_with("_Z") ? demangled(name) : std::string(name); }

std::string demangle_type(std::string_view name) { return demangled(name); }

}  // namespace formats

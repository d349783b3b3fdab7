#include "formats/symbols.h"

#include <elfutils/libdwfl.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "formats/demangle.h"

namespace formats {
namespace {

constexpr std::size_t longest_name = 16 << 10;
constexpr std::uint64_t longest_reach = 4096;  // of a symbol without a size
constexpr int nested = 64;                     // symbols tried, downwards, for one that reaches the address

/// Lower is better: a size, a type, global before weak before local, fewer underscores in front ("malloc" and
/// "__libc_malloc" are one function).
std::uint8_t rank_of(const GElf_Sym& symbol, std::string_view name) {
  const unsigned binding = GELF_ST_BIND(symbol.st_info);
  const unsigned underscores = static_cast<unsigned>(std::min<std::size_t>(name.find_first_not_of('_'), 3));
  return static_cast<std::uint8_t>((symbol.st_size == 0 ? 128 : 0) +
                                   (GELF_ST_TYPE(symbol.st_info) == STT_NOTYPE ? 64 : 0) +
                                   (binding == STB_GLOBAL ? 0
                                    : binding == STB_WEAK ? 16
                                                          : 32) +
                                   underscores);
}

std::string hex(std::uint64_t value) {
  std::array<char, 20> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(value));
  return text.data();
}

}  // namespace

const Symbols::Table& Symbols::table(const Module& module) const {
  const auto [at, is_new] = tables_.try_emplace(&module);
  Table& table = at->second;
  if (!is_new) return table;
  Dwfl_Module* handle = session_.find(module);
  const int count = handle == nullptr ? 0 : dwfl_module_getsymtab(handle);
  for (int i = 1; i < count; ++i) {  // 0 is the empty one
    GElf_Sym symbol;
    GElf_Addr address = 0;
    GElf_Word section = 0;
    const char* name = dwfl_module_getsym_info(handle, i, &symbol, &address, &section, nullptr, nullptr);
    if (name == nullptr || *name == '\0' || *name == '$' || section == SHN_UNDEF || section == SHN_ABS) continue;
    const unsigned type = GELF_ST_TYPE(symbol.st_info);
    const bool is_function = type == STT_FUNC || type == STT_GNU_IFUNC;
    if (!is_function && type != STT_OBJECT && type != STT_COMMON && type != STT_NOTYPE) continue;
    if (address < module.base || address >= module.end) continue;
    table.push_back({address, std::min<std::uint64_t>(symbol.st_size, module.end - address), name,
                     rank_of(symbol, {name, strnlen(name, longest_name)}), is_function});
  }
  std::sort(table.begin(), table.end(), [](const Entry& a, const Entry& b) {
    if (a.address != b.address) return a.address < b.address;
    if (a.rank != b.rank) return a.rank < b.rank;
    return std::strncmp(a.name, b.name, longest_name) < 0;
  });
  table.erase(
      std::unique(table.begin(), table.end(), [](const Entry& a, const Entry& b) { return a.address == b.address; }),
      table.end());
  table.shrink_to_fit();
  return table;
}

Symbol Symbols::to_symbol(const Entry& entry, const Module& module) {
  std::string_view name{entry.name, strnlen(entry.name, longest_name)};
  name = name.substr(0, name.find('@'));  // its version
  return {demangle(name), entry.address, entry.size, entry.is_function, &module};
}

std::optional<Symbol> Symbols::find(std::uint64_t address) const {
  const Module* module = session_.modules().find(address);
  if (module == nullptr) return std::nullopt;
  const Table& symbols = table(*module);
  auto at = std::upper_bound(symbols.begin(), symbols.end(), address,
                             [](std::uint64_t wanted, const Entry& entry) { return wanted < entry.address; });
  for (int tries = 0; tries < nested && at != symbols.begin(); ++tries) {
    --at;
    const std::uint64_t offset = address - at->address;
    if (offset < at->size || (at->size == 0 && tries == 0 && offset < longest_reach)) return to_symbol(*at, *module);
  }
  return std::nullopt;
}

std::string Symbols::describe(std::uint64_t address) const {
  const Module* module = session_.modules().find(address);
  if (module == nullptr) return {};
  const std::string name = module->path.empty() ? "module at " + hex(module->base) : module->name();
  const std::optional<Symbol> symbol = find(address);
  if (!symbol) return name + "+" + hex(address - module->base);
  const std::uint64_t offset = address - symbol->address;
  return symbol->name + (offset != 0 ? "+" + hex(offset) : "") + " (" + name + ")";
}

std::vector<Symbol> Symbols::variables(const Module& module) const {
  std::vector<Symbol> found;
  for (const Entry& entry : table(module)) {
    if (!entry.is_function && entry.size != 0) found.push_back(to_symbol(entry, module));
  }
  return found;
}

}  // namespace formats

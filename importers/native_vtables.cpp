#include "importers/native_vtables.h"

#include <array>
#include <cstdio>

#include "formats/demangle.h"
#include "importers/native_types.h"

namespace importers::native {
namespace {

using formats::ProcessImage;

constexpr std::size_t longest_name = 4096;                // of a mangled name; longer ones exist, but nobody reads them
constexpr std::size_t remembered = std::size_t{1} << 20;  // addresses; a hostile core could hold any number

bool starts_with(const std::string& text, std::string_view what) { return text.compare(0, what.size(), what) == 0; }

/// The first template argument of the name that ends right before `open`, a '<'.
std::string first_argument(const std::string& name, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open + 1; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '<' || c == '(' || c == '[') ++depth;
    if (depth == 0 && (c == ',' || c == '>')) return name.substr(open + 1, i - open - 1);
    if (c == '>' || c == ')' || c == ']') --depth;
  }
  return {};
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

/// Template arguments that everybody leaves out: ", std::allocator<…>" as the last one.
void drop_allocators(std::string& name) {
  constexpr std::string_view allocator = ", std::allocator<";
  for (std::size_t at = name.rfind(allocator); at != std::string::npos && at != 0; at = name.rfind(allocator, at - 1)) {
    int depth = 1;
    std::size_t end = at + allocator.size();
    while (end < name.size() && depth != 0) {
      depth += name[end] == '<' ? 1 : name[end] == '>' ? -1 : 0;
      ++end;
    }
    std::size_t close = end;
    while (close < name.size() && name[close] == ' ') ++close;
    if (depth == 0 && close < name.size() && name[close] == '>') name.erase(at, close - at);
  }
}

}  // namespace

std::string readable_class(const std::string& full) {
  struct Known {
    std::string_view prefix;
    std::string_view words;
    bool is_pointer;  ///< the argument is T*, not T
  };
  static constexpr std::array<Known, 5> known{{
      {"std::_Sp_counted_ptr_inplace<", "std::make_shared block of ", false},
      {"std::_Sp_counted_ptr<", "std::shared_ptr control block of ", true},
      {"std::_Sp_counted_deleter<", "std::shared_ptr control block of ", true},
      {"std::__shared_ptr_emplace<", "std::make_shared block of ", false},
      {"std::__shared_ptr_pointer<", "std::shared_ptr control block of ", true},
  }};
  std::string name = full;
  replace_all(name, "std::__1::", "std::");
  replace_all(name, "std::__ndk1::", "std::");
  replace_all(name, "std::__cxx11::", "std::");
  replace_all(name, "std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string");
  drop_allocators(name);
  replace_all(name, "std::string >", "std::string>");
  for (const Known& entry : known) {
    if (!starts_with(name, entry.prefix)) continue;
    std::string argument = first_argument(name, entry.prefix.size() - 1);
    if (entry.is_pointer && !argument.empty() && argument.back() == '*') argument.pop_back();
    if (!argument.empty()) return std::string(entry.words) + argument;
  }
  return name;
}

const std::string& VtableNames::name_at(std::uint64_t address) {
  const auto found = known_.find(address);
  if (found != known_.end()) return found->second;
  std::string name = find(address);
  if (known_.size() >= remembered) return scratch_ = std::move(name);
  return known_.emplace(address, std::move(name)).first->second;
}

bool VtableNames::is_class_info(std::uint64_t info) {
  const std::uint64_t first = info;
  std::uint64_t table = 0;
  for (int step = 0; step < 2; ++step) {  // its class's type_info, and that one's: of __si_class_type_info
    if ((info & 7) != 0 || !memory_.word(info, table) || (table & 7) != 0 || table < 8) return false;
    if (!memory_.word(table - 8, info)) return false;
  }
  return (info & 7) == 0 && info != first && memory_.holds(info, table);
}

bool VtableNames::is_code(std::uint64_t address) const {
  const ProcessImage::Range* range = memory_.image().find(address);
  return range != nullptr && range->executable;
}

std::string VtableNames::place(std::uint64_t address) const {
  const ProcessImage& image = memory_.image();
  char text[40];
  const ProcessImage::Range* range = image.find(address);
  if (range == nullptr || range->file < 0) {
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(address));
    return text;
  }
  const auto& files = image.core().files;
  const formats::elf::FileMapping& file = files[static_cast<std::size_t>(range->file)];
  std::size_t first = static_cast<std::size_t>(range->file);
  while (first > 0 && files[first - 1].path == file.path) --first;
  std::snprintf(text, sizeof text, "+0x%llx", static_cast<unsigned long long>(address - files[first].start));
  return file.path.substr(file.path.rfind('/') + 1) + text;
}

std::string VtableNames::find(std::uint64_t address) {
  std::uint64_t to_top = 0;
  std::uint64_t info = 0;
  std::uint64_t slot = 0;
  if ((address & 7) != 0 || address < 16 || !memory_.word(address - 16, to_top) || to_top != 0 ||
      !memory_.word(address - 8, info)) {
    return {};
  }
  std::string name;
  if (info != 0) {
    if (!is_class_info(info)) return {};
    std::uint64_t text = 0;
    if (memory_.word(info + 8, text)) {
      if (auto mangled = memory_.image().text(text, longest_name + 2)) {
        if (!mangled->empty() && mangled->front() == '*') mangled->erase(0, 1);  // unique to its library
        const bool sane = !mangled->empty() && mangled->find_first_not_of("_$.") != std::string::npos &&
                          std::all_of(mangled->begin(), mangled->end(), [](char c) { return c > ' ' && c < 0x7F; });
        if (sane) name = formats::demangle_type(*mangled);
      }
    }
  }
  if (name.empty() && names_ != nullptr) {
    constexpr std::string_view prefix = "vtable for ";
    std::string symbol = names_->symbol(address);
    if (starts_with(symbol, prefix)) {
      name = symbol.substr(prefix.size());
      if (const std::size_t offset = name.rfind("+0x"); offset != std::string::npos) name.resize(offset);
    }
  }
  if (!name.empty()) return readable_class(name);
  // No name. Without a type_info (-fno-rtti) the slots have to be code, or it may be any table.
  if (info == 0 &&
      !(memory_.word(address, slot) && is_code(slot) && memory_.word(address + 8, slot) && is_code(slot))) {
    return {};
  }
  return "class with vtable at " + place(address);
}

}  // namespace importers::native

#include "formats/debug_index.h"

#include <dwarf.h>
#include <gelf.h>

#include <algorithm>
#include <cstring>

#include "formats/demangle.h"

namespace formats {
namespace {

constexpr std::size_t longest_name = 16 << 10;
constexpr std::size_t deepest = 64;        // entries in each other: sources nest far less
constexpr std::size_t longest_chain = 64;  // of scopes in a name
constexpr std::uint64_t least_budget = 100'000;
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 40;
constexpr std::uint64_t most_split_entries = 1 << 22;  // of one unit's .dwo

bool is_identifier(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string_view text_in(Dwarf_Die& die, unsigned attribute) {
  Dwarf_Attribute room;
  const char* text = dwarf_formstring(dwarf_attr_integrate(&die, attribute, &room));
  return text == nullptr ? std::string_view() : std::string_view(text, strnlen(text, longest_name));
}

bool is_type(int tag) {
  return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type ||
         tag == DW_TAG_enumeration_type;
}

/// What a scope without a name is called: as demanglers do.
std::string_view unnamed(int tag) {
  switch (tag) {
    case DW_TAG_namespace: return "(anonymous namespace)";
    case DW_TAG_union_type: return "(anonymous union)";
    case DW_TAG_enumeration_type: return "(anonymous enum)";
    default: return "(anonymous struct)";
  }
}

/// What tells overloaded functions from each other, demangled; "" = none.
std::string linkage_name(Dwarf_Die& die) {
  for (const unsigned attribute : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
    if (const std::string_view mangled = text_in(die, attribute); !mangled.empty()) return demangle(mangled);
  }
  return {};
}

/// The entry that declares what this one defines, or of which it is an instance.
bool declaration_of(Dwarf_Die& die, Dwarf_Die& declaration) {
  Dwarf_Attribute room;
  Dwarf_Attribute* link = dwarf_attr(&die, DW_AT_abstract_origin, &room);
  if (link == nullptr) link = dwarf_attr(&die, DW_AT_specification, &room);
  return link != nullptr && dwarf_formref_die(link, &declaration) != nullptr;
}

template <typename F>
void for_each_character(std::string_view text, F&& f) {
  bool in_word = false;    // the characters before are an identifier's
  bool in_number = false;  // … and are a number
  for (const char c : text) {
    if (c == ' ') continue;
    if (in_number && (c == 'u' || c == 'l' || c == 'U' || c == 'L')) continue;
    in_number = c >= '0' && c <= '9' && (in_number || !in_word);
    in_word = is_identifier(c);
    f(c);
  }
}

}  // namespace

void NameHash::add(std::string_view text) {
  for_each_character(text, [&](char c) { value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100'0000'01B3; });
}

void NameHash::normalize(std::string_view text, std::string& to) {
  for_each_character(text, [&](char c) { to += c; });
}

std::string name_in(Dwarf_Die& die) { return std::string(text_in(die, DW_AT_name)); }

std::uint64_t number_in(Dwarf_Die& die, unsigned attribute, std::uint64_t fallback) {
  Dwarf_Attribute room;
  Dwarf_Word value = 0;
  return dwarf_formudata(dwarf_attr_integrate(&die, attribute, &room), &value) == 0 ? value : fallback;
}

bool has_attribute(Dwarf_Die& die, unsigned attribute) { return dwarf_hasattr(&die, attribute) != 0; }

bool type_of(Dwarf_Die& die, Dwarf_Die& type) {
  Dwarf_Attribute room;
  return dwarf_formref_die(dwarf_attr_integrate(&die, DW_AT_type, &room), &type) != nullptr;
}

/// Entries that are being walked: one per depth.
struct DebugIndex::Level {
  Dwarf_Die next{};  ///< the entry to be looked at, unless done
  bool done = false;
  const void* scope = nullptr;  ///< what names in here begin with
  NameHash name;                ///< of that
  bool has_name = false;        ///< it is not the unit
  bool is_local = false;
  Dwarf_Die function{};  ///< a function that is not recorded yet: it is when something in it is
  bool in_function = false;
};

namespace {

/// Bytes of a file's sections. libdw inflates compressed ones in place, so that they count as they are read.
std::uint64_t section_bytes(Dwarf* dwarf) {
  std::uint64_t bytes = 0;
  Elf* elf = dwarf_getelf(dwarf);
  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr; section = elf_nextscn(elf, section)) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) != nullptr && header.sh_type != SHT_NOBITS && header.sh_size < most_bytes) {
      bytes += header.sh_size;
    }
  }
  return std::min(bytes, most_bytes);
}

}  // namespace

DebugIndex::DebugIndex(const Module& module, Dwarf* dwarf, std::uint64_t bias)
    : module_(&module), dwarf_(dwarf), bias_(bias) {
  walk_units(dwarf);
  if (Dwarf* common = dwarf_getalt(dwarf)) walk_units(common);
  finish();
}

void DebugIndex::walk_units(Dwarf* dwarf) {
  // Every entry takes a byte at least, and links between them may lie: no more are looked at than there are bytes.
  budget_ = std::max(section_bytes(dwarf), least_budget);
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die;
  Dwarf_Die split;
  while (dwarf_get_units(dwarf, unit, &unit, nullptr, nullptr, &die, &split) == 0) {
    if (die.addr == nullptr) continue;
    add_ranges(die);
    if (split.addr != nullptr) budget_ += most_split_entries;  // in a file of its own
    walk(split.addr != nullptr ? split : die);
  }
}

void DebugIndex::walk(Dwarf_Die& unit) {
  std::vector<Level> levels(1);
  if (dwarf_child(&unit, &levels[0].next) != 0) return;
  while (!levels.empty()) {
    Level& level = levels.back();
    if (level.done) {
      levels.pop_back();
      continue;
    }
    if (budget_-- == 0) return;
    Dwarf_Die die = level.next;
    level.done = dwarf_siblingof(&die, &level.next) != 0;
    Level inner;
    if (enter(die, dwarf_tag(&die), level, inner) && levels.size() < deepest && dwarf_child(&die, &inner.next) == 0) {
      levels.push_back(std::move(inner));
    }
  }
}

/// Records the entry; whether what is in it matters.
bool DebugIndex::enter(Dwarf_Die& die, int tag, Level& in, Level& inner) {
  switch (tag) {
    case DW_TAG_variable:
      add_declaration(die, in);
      add_variable(die, in);
      return false;
    case DW_TAG_inheritance: {
      Dwarf_Die base;
      if (type_of(die, base)) base_entries_.push_back(base.addr);
      return false;
    }
    case DW_TAG_lexical_block:
      inner = in;
      inner.done = false;
      return true;
    case DW_TAG_subprogram:
      add_declaration(die, in);
      inner = in;
      inner.done = false;
      inner.function = die;
      inner.in_function = inner.is_local = true;
      return true;
    default: break;
  }
  if (tag != DW_TAG_namespace && !is_type(tag)) return false;
  const void* parent = scope_of(in);
  std::string_view name = text_in(die, DW_AT_name);
  const bool has_name = !name.empty();
  if (!has_name) name = unnamed(tag);
  Scope scope{die, parent, in.name, in.is_local || (tag == DW_TAG_namespace && !has_name), false};
  if (in.has_name) scope.name.add("::");
  scope.name.add(name);
  scope.is_definition = has_name && tag != DW_TAG_namespace && !has_attribute(die, DW_AT_declaration);
  inner.scope = die.addr;
  inner.name = scope.name;
  inner.has_name = true;
  inner.is_local = scope.is_local;
  scopes_.push_back(std::move(scope));
  return tag != DW_TAG_enumeration_type;
}

/// The entry that names in the level begin with; a function is recorded only now.
const void* DebugIndex::scope_of(Level& level) {
  if (!level.in_function) return level.scope;
  level.in_function = false;
  level.scope = level.function.addr;
  level.has_name = true;
  level.name = NameHash(function_name(level.function, nullptr));
  scopes_.push_back({level.function, parent_of(level.function, nullptr), level.name, true, false});
  return level.scope;
}

void DebugIndex::add_declaration(Dwarf_Die& die, Level& in) {
  if (in.in_function || in.scope == nullptr || has_attribute(die, DW_AT_linkage_name)) return;
  declared_in_.emplace(die.addr, in.scope);
}

const void* DebugIndex::parent_of(Dwarf_Die die, const void* otherwise) const {
  for (int steps = 0; steps < 4; ++steps) {
    if (const auto known = declared_in_.find(die.addr); known != declared_in_.end()) return known->second;
    Dwarf_Die declaration;
    if (!declaration_of(die, declaration)) break;
    die = declaration;
  }
  return otherwise;
}

std::string DebugIndex::function_name(Dwarf_Die die, const void* parent) const {
  std::string name = linkage_name(die);
  return !name.empty() ? name : parent == nullptr ? name_in(die) : qualify(parent, name_in(die));
}

void DebugIndex::add_variable(Dwarf_Die& die, Level& in) {
  Dwarf_Attribute room;
  Dwarf_Attribute* location = dwarf_attr(&die, DW_AT_location, &room);
  Dwarf_Block block;
  if (location == nullptr || dwarf_formblock(location, &block) != 0 || block.length == 0) return;
  // Most variables are locals: only what begins like a static address is parsed.
  const unsigned char first = block.data[0];
  const bool is_static = first == DW_OP_addr || first == DW_OP_addrx || first == DW_OP_GNU_addr_index;
  const bool may_be_thread_local =
      first == DW_OP_const4u || first == DW_OP_const8u || first == DW_OP_constx || first == DW_OP_GNU_const_index;
  if (!is_static && !may_be_thread_local) return;
  Dwarf_Op* ops = nullptr;
  std::size_t count = 0;
  if (dwarf_getlocation(location, &ops, &count) != 0 || count == 0) return;
  const bool is_thread_local =
      count == 2 && (ops[1].atom == DW_OP_form_tls_address || ops[1].atom == DW_OP_GNU_push_tls_address);
  if (!is_thread_local && (!is_static || count != 1)) return;
  std::uint64_t value = ops[0].number;
  if (first != DW_OP_addr && first != DW_OP_const4u && first != DW_OP_const8u) {
    Dwarf_Attribute place;
    Dwarf_Word number = 0;
    if (dwarf_getlocation_attr(location, ops, &place) != 0) return;
    if (dwarf_formaddr(&place, &value) != 0) {
      if (dwarf_formudata(&place, &number) != 0) return;
      value = number;
    }
  }
  variables_.push_back({die, parent_of(die, scope_of(in)), is_thread_local ? value : value + bias_, is_thread_local});
}

void DebugIndex::add_ranges(Dwarf_Die& unit) {
  constexpr std::size_t most = 1 << 20;
  Dwarf_Addr base = 0;
  Dwarf_Addr start = 0;
  Dwarf_Addr end = 0;
  for (std::ptrdiff_t at = dwarf_ranges(&unit, 0, &base, &start, &end); at > 0 && ranges_.size() < most;
       at = dwarf_ranges(&unit, at, &base, &start, &end)) {
    if (start < end && start != 0) ranges_.push_back({start + bias_, end + bias_, unit});
  }
}

void DebugIndex::finish() {
  std::stable_sort(scopes_.begin(), scopes_.end(),
                   [](const Scope& a, const Scope& b) { return std::less<>()(a.die.addr, b.die.addr); });
  scopes_.erase(std::unique(scopes_.begin(), scopes_.end(),
                            [](const Scope& a, const Scope& b) { return a.die.addr == b.die.addr; }),
                scopes_.end());
  scopes_.shrink_to_fit();
  std::stable_sort(ranges_.begin(), ranges_.end(),
                   [](const UnitRange& a, const UnitRange& b) { return a.start < b.start; });
  for (std::uint32_t i = 0; i < scopes_.size(); ++i) {
    if (scopes_[i].is_definition) definitions_.emplace(scopes_[i].name.value(), i);
  }
  for (const void* entry : base_entries_) {
    if (const Scope* scope = find(entry)) bases_.insert(scope->name.value());
  }
  base_entries_ = {};
}

const DebugIndex::Scope* DebugIndex::find(const void* entry) const {
  const auto at = std::lower_bound(scopes_.begin(), scopes_.end(), entry, [](const Scope& scope, const void* wanted) {
    return std::less<>()(static_cast<const void*>(scope.die.addr), wanted);
  });
  return at != scopes_.end() && at->die.addr == entry ? &*at : nullptr;
}

const DebugIndex::Scope* DebugIndex::definition(const NameHash& name) const {
  const auto at = definitions_.find(name.value());
  return at == definitions_.end() ? nullptr : &scopes_[at->second];
}

const DebugIndex::UnitRange* DebugIndex::unit_at(std::uint64_t address) const {
  const auto next = std::upper_bound(ranges_.begin(), ranges_.end(), address,
                                     [](std::uint64_t wanted, const UnitRange& range) { return wanted < range.start; });
  return next == ranges_.begin() || address >= std::prev(next)->end ? nullptr : &*std::prev(next);
}

std::string DebugIndex::qualified_name(const void* entry) const {
  const Scope* scope = find(entry);
  if (scope == nullptr) return {};
  Dwarf_Die die = scope->die;
  const int tag = dwarf_tag(&die);
  if (tag == DW_TAG_subprogram) return function_name(die, scope->parent);
  std::string name = name_in(die);
  if (name.empty()) name = unnamed(tag);
  return qualify(scope->parent, name);
}

std::string DebugIndex::variable_name(const Variable& variable) const {
  Dwarf_Die die = variable.die;
  if (const std::string_view mangled = text_in(die, DW_AT_linkage_name); !mangled.empty()) return demangle(mangled);
  return qualify(variable.parent, name_in(die));
}

std::string DebugIndex::qualify(const void* parent, const std::string& name) const {
  std::vector<std::string> outer;
  std::size_t length = name.size();
  for (const Scope* scope = find(parent); scope != nullptr && outer.size() < longest_chain;
       scope = find(scope->parent)) {
    Dwarf_Die die = scope->die;
    const int tag = dwarf_tag(&die);
    std::string text = tag == DW_TAG_subprogram ? linkage_name(die) : std::string();
    const bool is_whole = !text.empty();  // a mangled name has its namespaces
    if (text.empty()) text = name_in(die);
    if (text.empty()) text = unnamed(tag);
    length += text.size() + 2;
    if (length > longest_name) break;
    outer.push_back(std::move(text));
    if (is_whole) break;
  }
  std::string all;
  all.reserve(length);
  for (auto at = outer.rbegin(); at != outer.rend(); ++at) all += *at + "::";
  return all + name;
}

}  // namespace formats

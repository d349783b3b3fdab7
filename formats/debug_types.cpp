#include "formats/debug_types.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "formats/debug_index.h"
#include "formats/debug_locals.h"

namespace formats {
namespace {

constexpr int longest_chain = 32;  // of typedefs and qualifiers
constexpr std::uint64_t largest = std::uint64_t{1} << 47;
constexpr std::uint64_t pointer_size = 8;

bool is_qualifier(int tag) {
  switch (tag) {
    case DW_TAG_typedef:
    case DW_TAG_const_type:
    case DW_TAG_volatile_type:
    case DW_TAG_restrict_type:
    case DW_TAG_atomic_type:
    case DW_TAG_immutable_type:
    case DW_TAG_packed_type:
    case DW_TAG_shared_type: return true;
    default: return false;
  }
}

bool is_class(int tag) { return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type; }

TypeKind kind_of(int tag) {
  switch (tag) {
    case DW_TAG_base_type: return TypeKind::scalar;
    case DW_TAG_enumeration_type: return TypeKind::enumeration;
    case DW_TAG_pointer_type: return TypeKind::pointer;
    case DW_TAG_reference_type:
    case DW_TAG_rvalue_reference_type: return TypeKind::reference;
    case DW_TAG_structure_type:
    case DW_TAG_class_type: return TypeKind::structure;
    case DW_TAG_union_type: return TypeKind::union_type;
    case DW_TAG_array_type: return TypeKind::array;
    case DW_TAG_subroutine_type: return TypeKind::function;
    case DW_TAG_ptr_to_member_type: return TypeKind::member_pointer;
    default: return TypeKind::unknown;
  }
}

/// Bytes from the start of the object; false when only the running program can tell.
bool member_offset(Dwarf_Die& die, std::uint64_t& offset) {
  offset = 0;
  Dwarf_Attribute room;
  Dwarf_Attribute* attribute = dwarf_attr(&die, DW_AT_data_member_location, &room);
  if (attribute == nullptr) return true;
  Dwarf_Word value = 0;
  if (dwarf_formudata(attribute, &value) == 0) {
    offset = value;
    return value < largest;
  }
  Dwarf_Op* ops = nullptr;
  std::size_t count = 0;
  if (dwarf_getlocation(attribute, &ops, &count) != 0 || count != 1 || ops[0].atom != DW_OP_plus_uconst) return false;
  offset = ops[0].number;
  return offset < largest;
}

Encoding encoding_of(std::uint64_t dwarf) {
  switch (dwarf) {
    case DW_ATE_signed:
    case DW_ATE_signed_char: return Encoding::signed_integer;
    case DW_ATE_float:
    case DW_ATE_complex_float:
    case DW_ATE_imaginary_float:
    case DW_ATE_decimal_float: return Encoding::floating;
    case DW_ATE_boolean: return Encoding::boolean;
    default: return Encoding::unsigned_integer;
  }
}

/// Elements of all dimensions; 0 = not known.
std::uint64_t element_count(Dwarf_Die& array) {
  std::uint64_t all = 1;
  Dwarf_Die child;
  int dimensions = 0;
  for (int more = dwarf_child(&array, &child); more == 0 && dimensions < 16; more = dwarf_siblingof(&child, &child)) {
    if (dwarf_tag(&child) != DW_TAG_subrange_type) continue;
    ++dimensions;
    constexpr std::uint64_t none = ~std::uint64_t{0};
    std::uint64_t count = number_in(child, DW_AT_count, none);
    if (count == none) {
      const std::uint64_t last = number_in(child, DW_AT_upper_bound, none);  // C counts from 0; -1 = no element
      count = last == none || last == 0xFFFF'FFFF ? 0 : last + 1;
    }
    if (count == 0 || count > largest / all) return 0;
    all *= count;
  }
  return dimensions == 0 ? 0 : all;
}

/// Whether the names are equal but for what NameHash does not count.
bool is_named(const std::string& name, std::string_view wanted) {
  std::string plain;
  std::string other;
  NameHash::normalize(name, plain);
  NameHash::normalize(wanted, other);
  return plain == other;
}

}  // namespace

struct TypeCatalog::Impl {
  struct Entry {
    Dwarf_Die die{};
    std::uint32_t index = 0;  ///< of the module's
    std::string alias;        ///< the typedef that names a struct without a name
    std::unique_ptr<DebugType> record;
  };

  explicit Impl(const DebugSession& of) : session(of) {
    entries.emplace_back();
    entries[0].record = std::make_unique<DebugType>();
    entries[0].record->name = "void";
  }

  void open();
  void walk();
  TypeId intern(Dwarf_Die die, std::uint32_t index);
  TypeId type_in(Dwarf_Die& die, std::uint32_t index);
  Dwarf_Die definition_of(Dwarf_Die die, std::uint32_t& index);
  const DebugType& record(TypeId id, int depth);
  std::string name_at(TypeId id, int depth) { return depth < longest_chain ? record(id, depth + 1).name : "…"; }
  void fill_structure(Dwarf_Die& die, std::uint32_t index, DebugType& type);
  void add_member(Dwarf_Die& die, std::uint32_t index, DebugType& type);
  std::uint64_t size_of(TypeId id, int depth = 0);
  [[nodiscard]] bool is_same(Dwarf_Die a, Dwarf_Die b) const;

  struct Source {
    const Module* module = nullptr;
    Dwarf* dwarf = nullptr;
    std::uint64_t bias = 0;
  };
  const DebugSession& session;
  bool opened = false;
  bool walked = false;
  std::vector<Source> sources;
  std::vector<std::unique_ptr<DebugIndex>> indexes;  ///< of each source
  std::vector<Entry> entries;                        ///< by TypeId
  std::unordered_map<const void*, TypeId> by_entry;
  std::uint64_t budget = 1 << 20;  ///< members and parameters that may still be read; grows with the input
  LocalFinder local_finder;
};

TypeCatalog::TypeCatalog(const DebugSession& session) : impl_(std::make_unique<Impl>(session)) {}
TypeCatalog::~TypeCatalog() = default;

/// Nothing but a file of this machine may say where debugging information is: it can name any path to be opened.
void TypeCatalog::Impl::open() {
  if (std::exchange(opened, true)) return;
  for (const Module& module : session.modules().all()) {
    Dwfl_Module* handle = module.in_core.empty() ? session.find(module) : nullptr;
    Dwarf_Addr bias = 0;
    Dwarf* dwarf = handle == nullptr ? nullptr : dwfl_module_getdwarf(handle, &bias);
    Dwarf_CU* unit = nullptr;
    if (dwarf == nullptr || dwarf_get_units(dwarf, nullptr, &unit, nullptr, nullptr, nullptr, nullptr) != 0) continue;
    sources.push_back({&module, dwarf, bias});
  }
}

void TypeCatalog::Impl::walk() {
  open();
  if (std::exchange(walked, true)) return;
  for (const Source& source : sources) {
    indexes.push_back(std::make_unique<DebugIndex>(*source.module, source.dwarf, source.bias));
    budget += std::uint64_t{16} * indexes.back()->scopes().size();
  }
}

/// Equal definitions in two units: the same size, from the same line.
bool TypeCatalog::Impl::is_same(Dwarf_Die a, Dwarf_Die b) const {
  return number_in(a, DW_AT_byte_size, 0) == number_in(b, DW_AT_byte_size, 0) &&
         number_in(a, DW_AT_decl_line, 0) == number_in(b, DW_AT_decl_line, 0);
}

/// The entry that stands for all of the same type; of a declaration, its definition.
Dwarf_Die TypeCatalog::Impl::definition_of(Dwarf_Die die, std::uint32_t& index) {
  const DebugIndex::Scope* scope = indexes[index]->find(die.addr);
  if (scope == nullptr) return die;
  const bool is_declaration = has_attribute(die, DW_AT_declaration);
  if (!is_declaration && (!scope->is_definition || scope->is_local)) return die;
  if (const DebugIndex::Scope* own = indexes[index]->definition(scope->name)) {
    if (is_declaration || is_same(own->die, die)) die = own->die;
    if (is_declaration) return die;
  }
  if (scope->is_local) return die;
  for (std::uint32_t other = 0; other < indexes.size(); ++other) {
    const DebugIndex::Scope* there = indexes[other]->definition(scope->name);
    if (there == nullptr || there->is_local || !(is_declaration || is_same(there->die, die))) continue;
    index = other;
    return there->die;
  }
  return die;
}

TypeId TypeCatalog::Impl::intern(Dwarf_Die die, std::uint32_t index) {
  std::string alias;
  const void* const first = die.addr;
  if (const auto known = by_entry.find(first); known != by_entry.end()) return known->second;
  int steps = 0;
  for (int tag = dwarf_tag(&die); is_qualifier(tag); tag = dwarf_tag(&die)) {
    if (++steps > longest_chain) return void_type;
    if (tag == DW_TAG_typedef) alias = name_in(die);
    Dwarf_Die next;
    if (!type_of(die, next)) return by_entry[first] = void_type;
    die = next;
  }
  if (is_class(dwarf_tag(&die)) || dwarf_tag(&die) == DW_TAG_enumeration_type) die = definition_of(die, index);
  const auto [known, is_new] = by_entry.try_emplace(die.addr, TypeId{static_cast<std::uint32_t>(entries.size())});
  const TypeId id = known->second;
  if (is_new) {
    Entry entry;
    entry.die = die;
    entry.index = index;
    entry.alias = std::move(alias);
    entries.push_back(std::move(entry));
  }
  by_entry[first] = id;
  return id;
}

TypeId TypeCatalog::Impl::type_in(Dwarf_Die& die, std::uint32_t index) {
  Dwarf_Die type;
  return type_of(die, type) ? intern(type, index) : void_type;
}

std::uint64_t TypeCatalog::Impl::size_of(TypeId id, int depth) {
  Dwarf_Die die = entries[static_cast<std::uint32_t>(id)].die;
  const std::uint32_t index = entries[static_cast<std::uint32_t>(id)].index;
  if (id == void_type) return 0;
  const int tag = dwarf_tag(&die);
  std::uint64_t size = number_in(die, DW_AT_byte_size, 0);
  if (size == 0 && (tag == DW_TAG_pointer_type || kind_of(tag) == TypeKind::reference)) return pointer_size;
  if (size == 0 && tag == DW_TAG_array_type && depth < longest_chain) {
    const std::uint64_t element = size_of(type_in(die, index), depth + 1);
    const std::uint64_t count = element_count(die);
    if (count != 0 && element <= largest / count) size = element * count;
  }
  if (size == 0 && tag == DW_TAG_enumeration_type && depth < longest_chain) {
    size = size_of(type_in(die, index), depth + 1);
  }
  return size < largest ? size : 0;
}

/// `depth`: how many pointers and arrays deep; their names are made of what they are of.
const DebugType& TypeCatalog::Impl::record(TypeId id, int depth) {
  const auto at = static_cast<std::uint32_t>(id);
  if (at >= entries.size()) return *entries[0].record;
  if (entries[at].record) return *entries[at].record;
  auto made = std::make_unique<DebugType>();
  DebugType& type = *made;
  Dwarf_Die die = entries[at].die;
  const std::uint32_t index = entries[at].index;
  const int tag = dwarf_tag(&die);
  type.kind = kind_of(tag);
  type.module = &indexes[index]->module();
  type.entry_offset = dwarf_dieoffset(&die);
  type.size = size_of(id);
  type.alignment = static_cast<std::uint32_t>(std::min<std::uint64_t>(number_in(die, DW_AT_alignment, 0), 1 << 30));
  entries[at].record = std::move(made);  // before others are asked for: types refer to each other
  if (type.kind == TypeKind::unknown) {
    type.name = name_in(die);
    return type;
  }
  if (type.kind != TypeKind::scalar && type.kind != TypeKind::structure && type.kind != TypeKind::union_type) {
    type.target = type_in(die, index);
  }
  switch (type.kind) {
    case TypeKind::scalar: {
      type.name = name_in(die);
      const std::uint64_t encoding = number_in(die, DW_AT_encoding, 0);
      type.encoding = encoding_of(encoding);
      type.is_character = encoding == DW_ATE_signed_char || encoding == DW_ATE_unsigned_char || encoding == DW_ATE_UTF;
      break;
    }
    case TypeKind::structure:
    case TypeKind::union_type:
    case TypeKind::enumeration: {
      const bool has_name = !name_in(die).empty();
      type.name = indexes[index]->qualified_name(die.addr);
      if (!has_name && !entries[at].alias.empty()) {
        const DebugIndex::Scope* scope = indexes[index]->find(die.addr);
        type.name = indexes[index]->qualify(scope == nullptr ? nullptr : scope->parent, entries[at].alias);
      }
      if (type.name.empty()) type.name = has_name ? name_in(die) : "(anonymous)";
      type.is_complete = !has_attribute(die, DW_AT_declaration);
      if (type.kind != TypeKind::enumeration) {
        fill_structure(die, index, type);
      } else if (type.target != no_type && depth < longest_chain) {
        type.encoding = record(type.target, depth + 1).encoding;
      }
      break;
    }
    case TypeKind::array:
      type.count = element_count(die);
      type.name = name_at(type.target, depth) + " [" + (type.count == 0 ? "" : std::to_string(type.count)) + "]";
      break;
    case TypeKind::pointer: type.name = name_at(type.target, depth) + "*"; break;
    case TypeKind::reference:
      type.name = name_at(type.target, depth) + (tag == DW_TAG_rvalue_reference_type ? "&&" : "&");
      break;
    case TypeKind::function: type.name = "function"; break;
    case TypeKind::member_pointer: type.name = "pointer to member"; break;
    case TypeKind::unknown: break;
  }
  return type;
}

void TypeCatalog::Impl::fill_structure(Dwarf_Die& die, std::uint32_t index, DebugType& type) {
  Dwarf_Die child;
  for (int more = dwarf_child(&die, &child); more == 0; more = dwarf_siblingof(&child, &child)) {
    if (budget == 0) return;
    --budget;
    switch (dwarf_tag(&child)) {
      case DW_TAG_member: add_member(child, index, type); break;
      case DW_TAG_inheritance: {
        DebugBase base;
        base.type = type_in(child, index);
        base.size = size_of(base.type);
        base.is_virtual = number_in(child, DW_AT_virtuality, 0) == DW_VIRTUALITY_virtual;
        if (!member_offset(child, base.offset)) base.is_virtual = true;
        if (base.is_virtual) base.offset = 0;
        type.bases.push_back(base);
        break;
      }
      case DW_TAG_template_type_parameter: type.arguments.push_back(type_in(child, index)); break;
      default: break;
    }
  }
}

void TypeCatalog::Impl::add_member(Dwarf_Die& die, std::uint32_t index, DebugType& type) {
  if (has_attribute(die, DW_AT_external) || has_attribute(die, DW_AT_declaration)) return;  // static
  DebugMember member;
  if (!member_offset(die, member.offset)) return;
  member.name = name_in(die);
  member.type = type_in(die, index);
  member.size = size_of(member.type);
  member.is_artificial = has_attribute(die, DW_AT_artificial);
  if (member.is_artificial && (member.name.rfind("_vptr", 0) == 0)) type.has_vtable_pointer = true;
  member.bit_size = static_cast<std::uint32_t>(std::min<std::uint64_t>(number_in(die, DW_AT_bit_size, 0), 1 << 20));
  if (member.bit_size != 0) {
    constexpr std::uint64_t none = ~std::uint64_t{0};
    const std::uint64_t unit = std::max<std::uint64_t>(member.size, 1);
    const std::uint64_t from_start = number_in(die, DW_AT_data_bit_offset, none);
    const std::uint64_t from_top = number_in(die, DW_AT_bit_offset, none);
    if (from_start != none && from_start < largest) {  // DWARF 4 and later
      member.bit_offset = from_start;
      member.offset = from_start / (unit * 8) * unit;
    } else {
      member.size = number_in(die, DW_AT_byte_size, unit);
      const std::uint64_t top = member.size * 8;  // counted from the most significant bit of the storage unit
      if (top > largest || (from_top != none && from_top + member.bit_size > top)) return;
      member.bit_offset = member.offset * 8 + (from_top == none ? 0 : top - from_top - member.bit_size);
    }
  }
  type.members.push_back(std::move(member));
}

// ---- the catalog ----

bool TypeCatalog::empty() {
  impl_->open();
  return impl_->sources.empty();
}

const DebugType& TypeCatalog::type(TypeId id) { return impl_->record(id, 0); }

std::optional<TypeId> TypeCatalog::find(std::string_view qualified_name) {
  impl_->walk();
  const NameHash name(qualified_name);
  for (std::uint32_t index = 0; index < impl_->indexes.size(); ++index) {
    const DebugIndex::Scope* scope = impl_->indexes[index]->definition(name);
    if (scope != nullptr && is_named(impl_->indexes[index]->qualified_name(scope->die.addr), qualified_name)) {
      return impl_->intern(scope->die, index);
    }
  }
  return std::nullopt;
}

std::optional<TypeId> TypeCatalog::find(const Module& module, std::uint64_t entry_offset) {
  impl_->walk();
  for (std::uint32_t index = 0; index < impl_->indexes.size(); ++index) {
    Dwarf_Die die;
    if (&impl_->indexes[index]->module() != &module ||
        dwarf_offdie(impl_->indexes[index]->dwarf(), entry_offset, &die) == nullptr) {
      continue;
    }
    if (kind_of(dwarf_tag(&die)) == TypeKind::unknown && !is_qualifier(dwarf_tag(&die))) break;
    return impl_->intern(die, index);
  }
  return std::nullopt;
}

std::vector<TypeId> TypeCatalog::structures() {
  impl_->walk();
  std::vector<TypeId> found;
  std::unordered_set<std::uint32_t> seen;
  for (std::uint32_t index = 0; index < impl_->indexes.size(); ++index) {
    for (const DebugIndex::Scope& scope : impl_->indexes[index]->scopes()) {
      Dwarf_Die die = scope.die;
      if (!scope.is_definition || !is_class(dwarf_tag(&die))) continue;
      const TypeId id = impl_->intern(die, index);
      if (seen.insert(static_cast<std::uint32_t>(id)).second) found.push_back(id);
    }
  }
  return found;
}

bool TypeCatalog::is_base(TypeId id) {
  const auto at = static_cast<std::uint32_t>(id);
  if (id == void_type || at >= impl_->entries.size()) return false;
  const Impl::Entry& entry = impl_->entries[at];
  const DebugIndex::Scope* scope = impl_->indexes[entry.index]->find(entry.die.addr);
  if (scope == nullptr) return false;
  return std::any_of(impl_->indexes.begin(), impl_->indexes.end(),
                     [&](const std::unique_ptr<DebugIndex>& index) { return index->is_base(scope->name); });
}

std::vector<DebugVariable> TypeCatalog::variables() {
  impl_->walk();
  std::vector<DebugVariable> all;
  for (std::uint32_t index = 0; index < impl_->indexes.size(); ++index) {
    const std::size_t first = all.size();
    const DebugIndex& from = *impl_->indexes[index];
    for (const DebugIndex::Variable& variable : from.variables()) {
      Dwarf_Die die = variable.die;
      DebugVariable row;
      row.name = from.variable_name(variable);
      row.type = impl_->type_in(die, index);
      row.address = variable.address;
      row.is_thread_local = variable.is_thread_local;
      row.module = &from.module();
      all.push_back(std::move(row));
    }
    std::stable_sort(all.begin() + static_cast<std::ptrdiff_t>(first), all.end(),
                     [](const DebugVariable& a, const DebugVariable& b) {
                       return a.is_thread_local != b.is_thread_local ? b.is_thread_local : a.address < b.address;
                     });
  }
  return all;
}

std::vector<FrameVariable> TypeCatalog::locals(const ProcessImage& image, const Frame& frame, bool is_innermost) {
  std::vector<FrameVariable> all;
  impl_->open();
  if (frame.is_inlined || frame.module == nullptr) return all;
  impl_->walk();
  for (std::uint32_t index = 0; index < impl_->indexes.size(); ++index) {
    if (&impl_->indexes[index]->module() != frame.module) continue;
    for (LocalFinder::Local& local : impl_->local_finder.find(*impl_->indexes[index], image, frame, is_innermost)) {
      FrameVariable row;
      row.name = name_in(local.die);
      row.type = impl_->type_in(local.die, index);
      row.pieces = std::move(local.pieces);
      if (row.pieces.size() == 1 && row.pieces[0].size == 0) row.pieces[0].size = impl_->size_of(row.type);
      all.push_back(std::move(row));
    }
  }
  return all;
}

}  // namespace formats

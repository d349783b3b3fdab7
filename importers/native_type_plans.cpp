#include "importers/native_type_plans.h"

#include <algorithm>
#include <string_view>

#include "importers/native_fields.h"

namespace importers::native {
namespace {

using formats::DebugBase;
using formats::DebugMember;
using formats::DebugType;
using formats::TypeId;
using formats::TypeKind;
using formats::void_type;

constexpr int deepest = 48;  // objects in objects
constexpr std::size_t most_slots = 4'096;
constexpr std::uint64_t largest = std::uint64_t{1} << 32;  // of an object that is followed

bool starts_with(std::string_view text, std::string_view what) { return text.substr(0, what.size()) == what; }
bool ends_with(std::string_view text, std::string_view what) {
  return text.size() >= what.size() && text.substr(text.size() - what.size()) == what;
}

/// Classes whose pointers are no owners, or cannot be told apart from what is dead.
bool leads_nowhere(std::string_view name) {
  for (const std::string_view prefix :
       {"__gnu_cxx::__normal_iterator<", "std::_List_iterator<", "std::_List_const_iterator<",
        "std::_Rb_tree_iterator<", "std::_Rb_tree_const_iterator<", "std::_Deque_iterator<", "std::_Bit_iterator",
        "std::_Bit_const_iterator", "std::__detail::_Node_", "std::__detail::_List_node_header", "std::_Any_data",
        "std::_Function_base", "std::_Fwd_list_node_base", "std::__weak_ptr<", "std::__cxx11::basic_string<",
        "std::__1::basic_string<"}) {
    if (starts_with(name, prefix)) return true;
  }
  return ends_with(name, "::_Bvector_impl_data") || ends_with(name, "::_Bvector_impl");
}

/// The links of containers' nodes: what they point to is larger than they say.
bool is_node_base(std::string_view name) {
  for (const std::string_view prefix :
       {"std::__detail::_List_node_base", "std::_Rb_tree_node_base", "std::__detail::_Hash_node_base",
        "std::_Fwd_list_node_base", "std::__1::__tree_end_node<", "std::__1::__tree_node_base<",
        "std::__1::__list_node_base<", "std::__1::__hash_node_base<"}) {
    if (starts_with(name, prefix)) return true;
  }
  return false;
}

const DebugMember* member(const DebugType& type, std::string_view name) {
  for (const DebugMember& one : type.members) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

}  // namespace

bool TypePlans::leads_on(TypeId target) {
  const DebugType& type = catalog_.type(target);
  switch (type.kind) {
    case TypeKind::structure: return type.is_complete && type.size != 0 && !is_node_base(type.name);
    case TypeKind::scalar:
    case TypeKind::enumeration: return type.size >= 2 && !type.is_character;  // bytes may be anything
    case TypeKind::pointer: return true;
    case TypeKind::array: return type.size >= 2 && leads_on(type.target);
    case TypeKind::unknown:
    case TypeKind::reference:
    case TypeKind::union_type:
    case TypeKind::function:
    case TypeKind::member_pointer: break;
  }
  return false;
}

bool TypePlans::has_flexible_end(TypeId id) {
  const DebugType& type = catalog_.type(id);
  if (type.members.empty()) return false;
  const DebugMember& last = type.members.back();
  const DebugType& end = catalog_.type(last.type);
  return end.kind == TypeKind::array && end.count <= 1;
}

const TypePlan& TypePlans::make(TypeId id, int depth) {
  const auto [at, is_new] = plans_.try_emplace(static_cast<std::uint32_t>(id));
  TypePlan& plan = at->second;
  if (!is_new || depth > deepest) return plan;  // a type that holds itself cannot be
  const DebugType& type = catalog_.type(id);
  switch (type.kind) {
    case TypeKind::pointer:
    case TypeKind::reference:
      if (leads_on(type.target)) plan.slots.push_back({Follow::pointer, 0, type.target, void_type, 0});
      break;
    case TypeKind::structure:
      if (!add_container(type, plan)) add_structure(type, plan, depth);
      break;
    case TypeKind::array:
      if (type.count != 0 && !make(type.target, depth + 1).empty()) plan.rows.push_back({0, type.target, type.count});
      break;
    default: break;
  }
  return plan;
}

void TypePlans::append(TypePlan& plan, std::uint64_t offset, TypeId part, int depth) {
  if (offset > largest) return;
  const TypePlan& inner = make(part, depth + 1);
  if (&inner == &plan) return;
  for (Slot slot : inner.slots) {
    if (plan.slots.size() >= most_slots) return;
    slot.offset += offset;
    plan.slots.push_back(slot);
  }
  for (RowOfObjects row : inner.rows) {
    if (plan.rows.size() >= most_slots) return;
    row.offset += offset;
    plan.rows.push_back(row);
  }
}

void TypePlans::add_structure(const DebugType& type, TypePlan& plan, int depth) {
  for (const DebugBase& base : type.bases) {
    if (!base.is_virtual) append(plan, base.offset, base.type, depth);
  }
  for (const DebugMember& one : type.members) {
    if (one.bit_size == 0 && !one.is_artificial) append(plan, one.offset, one.type, depth);
  }
}

TypeId TypePlans::node_of(const std::string& before, TypeId element, const std::string& after) {
  return catalog_.find(before + catalog_.type(element).name + after).value_or(void_type);
}

/// Whether the class has been dealt with.
bool TypePlans::add_container(const DebugType& type, TypePlan& plan) {
  const std::string_view name = type.name;
  if (!starts_with(name, "std::") && !starts_with(name, "__gnu_cxx::")) return false;
  if (leads_nowhere(name)) return true;
  const auto add = [&](Follow follow, std::uint64_t offset, TypeId element, TypeId node, std::uint64_t payload) {
    plan.slots.push_back({follow, offset, element, node, payload});
    return true;
  };
  const auto argument = [&](std::size_t i) { return i < type.arguments.size() ? type.arguments[i] : void_type; };
  if (ends_with(name, "::_Vector_impl_data")) {
    const DebugMember* start = member(type, "_M_start");
    return start == nullptr || add(Follow::vector, start->offset, catalog_.type(start->type).target, void_type, 0);
  }
  if (starts_with(name, "std::__1::vector<")) return add(Follow::vector, 0, argument(0), void_type, 0);
  if (ends_with(name, "::_Deque_impl_data")) {
    const DebugMember* map = member(type, "_M_map");
    const TypeId row = map == nullptr ? void_type : catalog_.type(map->type).target;
    const TypeId element = catalog_.type(row).target;
    return element == formats::no_type || add(Follow::deque, map->offset, element, void_type, 0);
  }
  if (starts_with(name, "std::_List_base<") || starts_with(name, "std::__cxx11::_List_base<")) {
    return add(Follow::list, 0, argument(0), node_of("std::_List_node<", argument(0), ">"), 16);
  }
  if (starts_with(name, "std::_Rb_tree<")) {
    const DebugMember* impl = member(type, "_M_impl");
    if (impl == nullptr) return true;
    for (const DebugBase& base : catalog_.type(impl->type).bases) {
      if (catalog_.type(base.type).name != "std::_Rb_tree_header") continue;
      return add(Follow::tree, impl->offset + base.offset, argument(1),
                 node_of("std::_Rb_tree_node<", argument(1), ">"), 32);
    }
    return true;
  }
  if (starts_with(name, "std::_Hashtable<")) {
    const DebugMember* buckets = member(type, "_M_buckets");
    const bool caches = name.find("_Hashtable_traits<true") != std::string_view::npos;
    return buckets == nullptr ||
           add(Follow::table, buckets->offset, argument(1),
               node_of("std::__detail::_Hash_node<", argument(1), caches ? ", true>" : ", false>"), 8);
  }
  if (starts_with(name, "__gnu_cxx::__aligned_membuf<") || starts_with(name, "__gnu_cxx::__aligned_buffer<")) {
    append(plan, 0, argument(0), 1);
    return true;
  }
  return false;
}

// ---- names ----

std::vector<BlockLayout::Part> TypePlans::parts(TypeId id, std::uint64_t limit) {
  std::vector<BlockLayout::Part> found;
  std::uint64_t end = 0;  // hostile members may overlap
  for (Field& field : fields_of(catalog_, id, limit)) {
    const std::uint64_t size = std::min(field.size, limit - field.offset);
    if (field.bit_size != 0 || field.is_artificial || field.name.empty() || field.offset < end) continue;
    end = field.offset + size;
    found.push_back(
        {static_cast<std::uint32_t>(field.offset), static_cast<std::uint32_t>(size), std::move(field.name)});
  }
  return found;
}

std::string BlockLayout::name_at(std::uint64_t offset) const {
  if (offset < begin) return {};
  offset -= begin;
  if (stride != 0) offset %= stride;
  const auto next = std::upper_bound(parts.begin(), parts.end(), offset,
                                     [](std::uint64_t wanted, const Part& part) { return wanted < part.offset; });
  if (next == parts.begin()) return {};
  const Part& part = *std::prev(next);
  if (offset - part.offset >= part.size) return {};
  return stride != 0 ? "[]." + part.name : part.name;
}

}  // namespace importers::native

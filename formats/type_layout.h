// How a struct or class uses its bytes: holes, padding, bit-fields, cache lines, by the definitions of pahole (package
// dwarves), with which the tests compare every type.
//
//   hole         whole bytes between the end of what lies before and the next member (or base)
//   bit hole     unused bits between bit-fields, or behind the last one of a group up to the end of their storage unit
//   padding      whole bytes behind the last member
//   bit padding  unused bits of the storage unit of a bit-field that is last
//   size = sum_members + hole_bytes + padding + ⌈bits of bit-fields, bit holes and bit padding / 8⌉
//
// Bases and members of a class without members and bases hold nothing: their size counts as 0 here. Where a member lies
// in the tail padding of a base, nothing is counted twice: the base then counts up to where the member begins (pahole
// has no number for that, and says that its sums are wrong).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/debug_types.h"

namespace formats {

inline constexpr std::uint64_t cache_line = 64;  // bytes

/// A member or a base class, and what follows it.
struct LayoutSlot {
  std::string name;  ///< of a base class: its type's name
  TypeId type = void_type;
  bool is_base = false;
  bool is_artificial = false;  ///< the vtable pointer
  std::uint64_t offset = 0;    ///< bytes
  std::uint64_t size = 0;      ///< bytes that are its own: of a base less than its type's where its tail is used again
  std::uint64_t bit_offset = 0;   ///< from the start of the object; offset · 8 but for bit-fields
  std::uint32_t bit_size = 0;     ///< 0 = no bit-field
  std::uint64_t hole = 0;         ///< unused whole bytes between it and the next one
  std::uint32_t bit_hole = 0;     ///< unused bits between it and the next one
  std::uint64_t own_padding = 0;  ///< of a struct: padding at its end, which is part of its size
};

struct TypeLayout {
  std::string name;  ///< qualified
  TypeId type = no_type;
  std::uint64_t size = 0;       ///< sizeof
  std::uint32_t alignment = 0;  ///< what its members need, or alignas() says; at least 1
  bool has_vtable_pointer = false;
  std::vector<LayoutSlot> slots;  ///< members and bases by where they begin, virtual bases left out

  std::uint64_t pre_hole = 0;  ///< bytes in front of the first slot
  std::uint32_t holes = 0;     ///< how many
  std::uint64_t hole_bytes = 0;
  std::uint32_t bit_holes = 0;
  std::uint64_t bit_hole_bits = 0;
  std::uint64_t padding = 0;              ///< bytes
  std::uint32_t bit_padding = 0;          ///< bits
  std::uint64_t sum_members = 0;          ///< bytes of members that are no bit-fields, and of bases
  std::uint64_t sum_bits = 0;             ///< bits of the bit-fields
  std::uint32_t inner_paddings = 0;       ///< members that have padding of their own at their end
  std::uint64_t inner_padding_bytes = 0;  ///< the sum of it
  std::uint64_t cache_lines = 0;          ///< of an object that begins at the start of one
  std::uint64_t last_line_bytes = 0;      ///< how much of the last one it uses; 0 = all

  /// Bytes that hold nothing, in this type itself; those inside of members are theirs.
  [[nodiscard]] std::uint64_t wasted_bytes() const { return hole_bytes + padding; }
};

/// Of a struct or class; of other types the size and no slots. O(members log members).
[[nodiscard]] TypeLayout layout_of(TypeCatalog& catalog, TypeId id);

/// The members of a type in another order, with less between them.
struct Reordering {
  std::uint64_t size = 0;          ///< of an object then; never more than today
  std::vector<std::size_t> order;  ///< of TypeLayout::slots, first to last
};

/// Bases, the vtable pointer and a flexible last array stay where they are; bit-fields that follow each other stay
/// together and keep their place in the storage unit. Of the others, the one that can begin soonest comes next, of
/// several the one with the strictest alignment: without bit-fields the least size there is. O(members²).
[[nodiscard]] Reordering reorder(TypeCatalog& catalog, const TypeLayout& layout);

/// What an object of the type has to be aligned to, as members need it: scalars and pointers by their size, at most 16.
/// The debugging information seldom says. O(members), nested ones once each.
[[nodiscard]] std::uint32_t natural_alignment(TypeCatalog& catalog, TypeId id);

}  // namespace formats

#include "formats/type_layout.h"

#include <algorithm>
#include <unordered_map>

namespace formats {
namespace {

constexpr int deepest = 64;  // structs in structs
constexpr std::uint32_t largest_natural = 16;

using Known = std::unordered_map<std::uint32_t, std::uint32_t>;

std::uint32_t alignment_of(TypeCatalog& catalog, TypeId id, Known& known, int depth) {
  const DebugType& type = catalog.type(id);
  if (type.alignment != 0) return type.alignment;
  switch (type.kind) {
    case TypeKind::structure:
    case TypeKind::union_type: {
      const auto [at, is_new] = known.try_emplace(static_cast<std::uint32_t>(id), 1);
      if (!is_new || depth >= deepest) return at->second;
      std::uint32_t most = 1;
      const auto consider = [&](TypeId part, std::uint64_t offset) {
        std::uint32_t needed = alignment_of(catalog, part, known, depth + 1);
        while (needed > 1 && (offset % needed != 0 || type.size % needed != 0)) needed /= 2;  // packed
        most = std::max(most, needed);
      };
      for (const DebugBase& base : type.bases) {
        if (!base.is_virtual) consider(base.type, base.offset);
      }
      for (const DebugMember& member : type.members) consider(member.type, member.offset);
      return known[static_cast<std::uint32_t>(id)] = most;
    }
    case TypeKind::array:
      return depth >= deepest || type.target == no_type ? 1 : alignment_of(catalog, type.target, known, depth + 1);
    case TypeKind::member_pointer: return 8;
    default: break;
  }
  const bool is_power = type.size != 0 && (type.size & (type.size - 1)) == 0;
  return is_power ? static_cast<std::uint32_t>(std::min<std::uint64_t>(type.size, largest_natural)) : 1;
}

/// A class with neither members nor bases has a size of 1, but nothing is stored in it.
bool is_empty(TypeCatalog& catalog, TypeId id) {
  const DebugType& type = catalog.type(id);
  return type.kind == TypeKind::structure && type.is_complete && type.members.empty() && type.bases.empty();
}

std::vector<LayoutSlot> slots_of(TypeCatalog& catalog, const DebugType& type) {
  std::vector<LayoutSlot> slots;
  for (const DebugBase& base : type.bases) {
    if (base.is_virtual) continue;
    LayoutSlot slot;
    slot.name = catalog.type(base.type).name;
    slot.type = base.type;
    slot.is_base = true;
    slot.offset = base.offset;
    slot.size = is_empty(catalog, base.type) ? 0 : base.size;
    slot.bit_offset = base.offset * 8;
    slots.push_back(std::move(slot));
  }
  for (const DebugMember& member : type.members) {
    LayoutSlot slot;
    slot.name = member.name;
    slot.type = member.type;
    slot.is_artificial = member.is_artificial;
    slot.offset = member.offset;
    slot.size = is_empty(catalog, member.type) ? 0 : member.size;
    slot.bit_size = member.bit_size;
    slot.bit_offset = member.bit_size != 0 ? member.bit_offset : member.offset * 8;
    slots.push_back(std::move(slot));
  }
  // An empty base lies where the first member does: it comes before.
  std::stable_sort(slots.begin(), slots.end(), [](const LayoutSlot& a, const LayoutSlot& b) {
    if (a.bit_offset != b.bit_offset) return a.bit_offset < b.bit_offset;
    return a.is_base && !b.is_base;
  });
  for (std::size_t i = 0; i + 1 < slots.size(); ++i) {  // tail padding that is used again
    LayoutSlot& slot = slots[i];
    if (slot.bit_size == 0 && slots[i + 1].bit_offset / 8 < slot.offset + slot.size) {
      slot.size = slots[i + 1].bit_offset / 8 - slot.offset;
    }
  }
  return slots;
}

/// The end of what has been laid out so far, and of the storage unit of the bit-fields there.
class Layout {
 public:
  explicit Layout(TypeLayout& to) : to_(to) {}

  void add(LayoutSlot& slot) {
    const std::uint64_t start = slot.bit_offset;
    std::uint64_t bits = 0;
    std::uint64_t bytes = 0;
    if (start > end_) {
      // Up to the end of the storage unit before, then up to the start of the one that comes, bits are unused in them;
      // between the two, bytes.
      const std::uint64_t unit_end = std::min(start, std::max(end_, in_bits_ ? unit_end_ : end_));
      bits = unit_end - end_;
      std::uint64_t next = unit_end;
      if (slot.bit_size != 0) {
        const std::uint64_t unit_start = slot.offset * 8;
        if (next < unit_start) {
          bytes = unit_start / 8 - next / 8;
          next = unit_start;
        }
        bits += start - std::min(start, next);
      } else {
        bytes = start / 8 - next / 8;
      }
    }
    hole(bytes, static_cast<std::uint32_t>(std::min<std::uint64_t>(bits, 0xFFFF'FFFF)));
    if (slot.bit_size != 0) {
      std::uint64_t unit = (slot.offset + slot.size) * 8;
      if (start + slot.bit_size > unit) unit += slot.size * 8;  // packed: it reaches into the next one
      unit_end_ = std::max(in_bits_ ? unit_end_ : 0, std::max(unit, start + slot.bit_size));
      to_.sum_bits += slot.bit_size;
    } else {
      to_.sum_members += slot.size;
    }
    in_bits_ = slot.bit_size != 0;
    end_ = std::max(end_, in_bits_ ? start + slot.bit_size : start + slot.size * 8);
    last_ = &slot;
  }

  void finish() {
    if (in_bits_) {
      const std::uint64_t unit_end = std::min(to_.size * 8, unit_end_);
      if (end_ < unit_end) {
        to_.bit_padding = static_cast<std::uint32_t>(std::min<std::uint64_t>(unit_end - end_, 0xFFFF'FFFF));
        end_ = unit_end;
      }
    }
    const std::uint64_t used = (end_ + 7) / 8;
    to_.padding = to_.size > used ? to_.size - used : 0;
  }

 private:
  void hole(std::uint64_t bytes, std::uint32_t bits) {
    if (last_ == nullptr) {
      to_.pre_hole = bytes;
    } else {
      last_->hole = bytes;
      last_->bit_hole = bits;
    }
    to_.holes += bytes != 0 ? 1 : 0;
    to_.hole_bytes += bytes;
    to_.bit_holes += bits != 0 ? 1 : 0;
    to_.bit_hole_bits += bits;
  }

  TypeLayout& to_;
  LayoutSlot* last_ = nullptr;
  std::uint64_t end_ = 0;       ///< bits
  std::uint64_t unit_end_ = 0;  ///< bits
  bool in_bits_ = false;
};

TypeLayout outer_layout(TypeCatalog& catalog, TypeId id) {
  const DebugType& type = catalog.type(id);
  TypeLayout layout;
  layout.name = type.name;
  layout.type = id;
  layout.size = type.size;
  layout.alignment = natural_alignment(catalog, id);
  layout.has_vtable_pointer = type.has_vtable_pointer;
  layout.cache_lines = type.size / cache_line + (type.size % cache_line != 0 ? 1 : 0);
  layout.last_line_bytes = type.size % cache_line;
  if (type.kind != TypeKind::structure) return layout;
  layout.slots = slots_of(catalog, type);
  Layout walk(layout);
  for (LayoutSlot& slot : layout.slots) walk.add(slot);
  walk.finish();
  return layout;
}

}  // namespace

std::uint32_t natural_alignment(TypeCatalog& catalog, TypeId id) {
  Known known;
  return alignment_of(catalog, id, known, 0);
}

TypeLayout layout_of(TypeCatalog& catalog, TypeId id) {
  TypeLayout layout = outer_layout(catalog, id);
  for (LayoutSlot& slot : layout.slots) {
    if (slot.bit_size != 0) continue;
    const DebugType& type = catalog.type(slot.type);
    if (type.kind != TypeKind::structure || slot.size != type.size) continue;
    slot.own_padding = outer_layout(catalog, slot.type).padding;
    layout.inner_paddings += slot.own_padding != 0 ? 1 : 0;
    layout.inner_padding_bytes += slot.own_padding;
  }
  return layout;
}

}  // namespace formats

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

namespace {

std::uint64_t round_up(std::uint64_t value, std::uint64_t to) { return (value + to - 1) / to * to; }

/// What moves as one: a member, or bit-fields that follow each other without a gap.
struct Piece {
  std::vector<std::size_t> slots;
  std::uint64_t size = 0;
  std::uint64_t alignment = 1;
  std::uint64_t phase =
      0;  ///< where it begins beyond a multiple of `alignment`: bit-fields keep their place in the unit

  /// The first place from `at` on where it may lie.
  [[nodiscard]] std::uint64_t place(std::uint64_t at) const {
    return at + (phase + alignment - at % alignment) % alignment;
  }
};

/// From slot `i` on, which moves behind it.
Piece take_piece(TypeCatalog& catalog, const TypeLayout& layout, std::size_t& i) {
  Piece piece;
  const LayoutSlot& first = layout.slots[i];
  if (first.bit_size == 0) {
    piece.slots.push_back(i++);
    piece.size = first.size;
    piece.alignment = std::max<std::uint64_t>(natural_alignment(catalog, first.type), 1);
    while (piece.alignment > 1 && first.offset % piece.alignment != 0) piece.alignment /= 2;  // packed
    return piece;
  }
  std::uint64_t end = first.bit_offset;
  for (; i < layout.slots.size() && layout.slots[i].bit_size != 0 && layout.slots[i].bit_offset == end; ++i) {
    piece.slots.push_back(i);
    end += layout.slots[i].bit_size;
  }
  piece.size = (end + 7) / 8 - first.bit_offset / 8;
  piece.alignment = std::max<std::uint64_t>(first.size, 1);
  piece.phase = first.bit_offset / 8 % piece.alignment;
  return piece;
}

}  // namespace

Reordering reorder(TypeCatalog& catalog, const TypeLayout& layout) {
  Reordering result;
  const std::size_t count = layout.slots.size();
  std::vector<Piece> movable;
  std::uint64_t end = 0;
  std::size_t last_fixed = count;  // a flexible array
  if (count != 0) {
    const DebugType& last = catalog.type(layout.slots.back().type);
    if (last.kind == TypeKind::array && last.count == 0) last_fixed = count - 1;
  }
  for (std::size_t i = 0; i < last_fixed;) {
    const LayoutSlot& slot = layout.slots[i];
    if (slot.is_base || slot.is_artificial) {
      end = std::max(end, slot.offset + slot.size);
      result.order.push_back(i++);
    } else {
      movable.push_back(take_piece(catalog, layout, i));
    }
  }
  constexpr std::size_t most_movable = 4'096;  // hostile ones may have any number
  if (movable.size() > most_movable) end = layout.size;
  while (!movable.empty() && movable.size() <= most_movable) {
    const auto next = std::min_element(movable.begin(), movable.end(), [&](const Piece& a, const Piece& b) {
      if (a.place(end) != b.place(end)) return a.place(end) < b.place(end);
      return a.alignment > b.alignment;
    });
    end = next->place(end) + next->size;
    result.order.insert(result.order.end(), next->slots.begin(), next->slots.end());
    movable.erase(next);
  }
  if (last_fixed != count) {
    result.order.push_back(last_fixed);
    end = round_up(end, std::max<std::uint64_t>(natural_alignment(catalog, layout.slots.back().type), 1));
  }
  result.size = round_up(end, std::max<std::uint32_t>(layout.alignment, 1));
  if (result.size >= layout.size) {  // nothing to gain: as it is
    result.size = layout.size;
    result.order.resize(count);
    for (std::size_t i = 0; i < count; ++i) result.order[i] = i;
  }
  return result;
}

}  // namespace formats

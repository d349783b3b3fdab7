// What lies where in blocks whose type is known from debugging information: names of members for references, and how
// many bytes such a block was asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "queries/ids.h"

namespace importers::native {

/// One kind of block. Blocks of one type and shape share it.
struct BlockLayout {
  struct Part {
    std::uint32_t offset = 0;  ///< in the object, or element
    std::uint32_t size = 0;
    std::string name;  ///< "next", "position.x", "items"
  };
  std::uint32_t type = 0;    ///< the object's, as a formats::TypeId
  std::uint32_t begin = 0;   ///< bytes before the (first) object: the links of a node, the count of new T[n]
  std::uint64_t stride = 0;  ///< of an array: bytes per element; 0 = one object
  std::uint64_t size = 0;   ///< bytes that one object of this kind is asked for, what is before it included; 0 = varies
  bool has_count = false;   ///< new T[n]: the word right before the first element counts them
  std::vector<Part> parts;  ///< by offset, none overlaps another

  /// "next", "[].next"; "" = nothing known at that offset of the block. O(log parts).
  [[nodiscard]] std::string name_at(std::uint64_t offset) const;
};

/// Elements of one type in a block that are in use.
struct ElementRun {
  queries::ObjectId block{};
  std::uint32_t count = 0;
  std::uint64_t first = 0;  ///< where in the block the first one lies
};

/// By block; empty when no type comes from debugging information. 4 bytes per block, 16 per array.
struct BlockLayouts {
  std::vector<std::uint32_t> layout_of;  ///< by block id: index into all, 0 = none
  std::vector<BlockLayout> all;          ///< [0] stands for none
  std::vector<ElementRun> runs;          ///< of blocks whose layout has a stride

  [[nodiscard]] const BlockLayout* find(queries::ObjectId id) const {
    if (layout_of.empty() || layout_of[index(id)] == 0) return nullptr;
    return &all[layout_of[index(id)]];
  }
};

}  // namespace importers::native

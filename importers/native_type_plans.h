// What of an object of some type leads on into the heap: pointers and containers, found once per type.
//
// Layouts of libstdc++ by the names of its classes (bits/stl_vector.h, stl_deque.h, stl_list.h, stl_tree.h,
// hashtable.h, ext/aligned_buffer.h); libc++'s vector. Unions and pointers to void, to characters and to types that are
// only declared lead nowhere; iterators and the ends of vectors are no owners, and may equal the start of another
// block.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "formats/debug_types.h"
#include "importers/native_layouts.h"

namespace importers::native {

enum class Follow : std::uint8_t {
  pointer,  ///< to an object, or to several in a row
  vector,   ///< begin and end
  deque,    ///< map, map size, first and last iterator
  list,     ///< the sentinel's links
  tree,     ///< the header: color, root …
  table,    ///< buckets, their count, the first node …
};

struct Slot {
  Follow follow = Follow::pointer;
  std::uint64_t offset = 0;                     ///< of the pointer, or of the container's header
  formats::TypeId target = formats::void_type;  ///< what is pointed to; of containers, the element
  formats::TypeId node = formats::void_type;    ///< of lists, trees and tables: the node, when it is known
  std::uint64_t payload = 0;                    ///< of those: where in the node the element lies
};

/// Several objects in a row inside of one.
struct RowOfObjects {
  std::uint64_t offset = 0;
  formats::TypeId element = formats::void_type;
  std::uint64_t count = 0;
};

struct TypePlan {
  std::vector<Slot> slots;
  std::vector<RowOfObjects> rows;
  [[nodiscard]] bool empty() const { return slots.empty() && rows.empty(); }
};

class TypePlans {
 public:
  explicit TypePlans(formats::TypeCatalog& catalog) : catalog_(catalog) {}

  /// Of one object of the type. Made when first asked for: O(members), at most 4,096 slots. Valid as long as this.
  [[nodiscard]] const TypePlan& plan(formats::TypeId id) { return make(id, 0); }
  /// Fields (native_fields.h) as ranges with names, up to `limit` bytes; no bit-fields.
  [[nodiscard]] std::vector<BlockLayout::Part> parts(formats::TypeId id, std::uint64_t limit);
  [[nodiscard]] formats::TypeCatalog& catalog() { return catalog_; }
  /// Whether a pointer to it can say what a block is.
  [[nodiscard]] bool leads_on(formats::TypeId target);
  /// Whether objects of the type may be longer than it: its last member is an array without a length.
  [[nodiscard]] bool has_flexible_end(formats::TypeId id);

 private:
  const TypePlan& make(formats::TypeId id, int depth);
  void add_structure(const formats::DebugType& type, TypePlan& plan, int depth);
  bool add_container(const formats::DebugType& type, TypePlan& plan);
  void append(TypePlan& plan, std::uint64_t offset, formats::TypeId part, int depth);
  [[nodiscard]] formats::TypeId node_of(const std::string& before, formats::TypeId element, const std::string& after);

  formats::TypeCatalog& catalog_;
  std::unordered_map<std::uint32_t, TypePlan> plans_;  ///< references to its elements stay valid
};

}  // namespace importers::native

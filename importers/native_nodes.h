// Nodes of lists and red-black trees among the blocks, by their links: a container is recognised as a whole, from any
// of its nodes, when every link has its back-link and the header counts as many elements as there are.
//
// Layouts: libstdc++ bits/stl_list.h (next, previous; the header also counts), bits/stl_tree.h (color, parent, left,
// right; header: color, root, leftmost, rightmost, count); libc++ <list> (previous, next), <__tree> (left, right,
// parent, is_black; header: leftmost, root, count).
#pragma once

#include <cstdint>
#include <vector>

#include "importers/native_claims.h"

namespace importers::native {

class NodeFinder {
 public:
  NodeFinder(const formats::ProcessImage& image, Claims& claims) : memory_(image), claims_(claims) {}

  /// Claims all nodes of the list or tree that the block at `address` is a node of. Amortised O(1) per block.
  ///
  /// A header's count may be off by one in containers of eight and more: a thread may have died between the two. Where
  /// memory is missing (a core cut short) the nodes that were reached are claimed, as their links hold.
  void look_at(queries::ObjectId id, std::uint64_t address);

 private:
  struct Tree {
    std::uint64_t parent, left, right;  ///< offsets in a node
    std::uint64_t root;                 ///< offset in the header
    std::uint64_t count;
    bool is_libcxx;
  };
  enum class Walk : std::uint8_t { whole, broken, cut };

  void list(queries::ObjectId id, std::uint64_t address);
  Walk walk_ring(std::uint64_t start, std::uint64_t& sentinel);
  /// The ring's only element that counts the others, taken out of it; 0 = none, or several.
  std::uint64_t take_sentinel();
  void tree(queries::ObjectId id, std::uint64_t address, const Tree& layout);
  [[nodiscard]] bool is_tree_node(std::uint64_t address, const Tree& layout);
  [[nodiscard]] std::uint64_t header_of(std::uint64_t node, const Tree& layout, std::uint64_t& root);
  Walk walk_tree(std::uint64_t root, std::uint64_t limit, const Tree& layout);
  void claim_all(Shape shape, std::uint64_t header);
  void refuse_all(queries::ObjectId id);

  Memory memory_;
  Claims& claims_;
  std::vector<queries::ObjectId> found_;  ///< of the container being looked at
};

}  // namespace importers::native

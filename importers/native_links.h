// Which words of a standard container hold its parts, and which only lead back or are a second way to the same part:
// the parent links of trees and their headers' first and last node, the back links of lists, the iterators in the
// header of a deque. What leads back holds nothing: a container's parts have one owner then, and retained sizes say
// what it costs as a whole. Hash tables keep both ways, by bucket and along the chain: along the chain alone, the way
// to a node would be as long as the table.
//
// Every part is reachable without these words, as the container was recognised as a whole (native_nodes.h,
// native_containers.h). Layouts: see there.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/process_image.h"
#include "importers/native_blocks.h"
#include "importers/native_types.h"

namespace importers::native {

/// Borrows everything.
class Links {
 public:
  Links(const formats::ProcessImage& image, const Blocks& blocks, const TypedBlocks& types);

  /// Whether the word at `at`, in the block `source` (no_object: outside of blocks), leads back to `hit`. O(1) for
  /// most, O(log ranges) for words that point to a part of a container.
  [[nodiscard]] bool leads_back(std::uint64_t at, queries::ObjectId source, const Blocks::Hit& hit) const;

 private:
  enum class Part : std::uint8_t { none, tree, list, deque_block };

  [[nodiscard]] Part part(queries::ObjectId id) const { return parts_[types_.type_of[index(id)]]; }
  [[nodiscard]] bool from_header(std::uint64_t at, std::uint64_t header, Part target) const;
  [[nodiscard]] bool from_part(std::uint64_t offset, queries::ObjectId source) const;
  [[nodiscard]] bool is_libcxx_tree(std::uint64_t header) const;

  const formats::ProcessImage& image_;
  const Blocks& blocks_;
  const TypedBlocks& types_;
  std::vector<Part> parts_;  ///< by type
  mutable std::uint64_t last_tree_ = 0;
  mutable bool last_is_libcxx_ = false;
};

}  // namespace importers::native

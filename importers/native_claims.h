// What the finders of containers write down: which block is what part of a container, and where its header lies.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "importers/native_blocks.h"
#include "importers/native_content.h"
#include "importers/native_places.h"

namespace importers::native {

enum class Shape : std::uint8_t {
  none,
  refused,  ///< began like a node, but a link was broken: not looked at again
  string_body,
  vector_body,
  list_node,
  linked_node,
  tree_node,
  hash_node,
  hash_buckets,
  deque_map,
  deque_block,
  object,  ///< has a vtable: never claimed
};
inline constexpr std::uint32_t shape_count = 12;
[[nodiscard]] std::string_view to_text(Shape shape);  ///< "std::vector body"; "" for none, refused, object

/// Borrows everything. Cost: nothing of its own but live prefixes and rivals, 16 bytes each.
class Claims {
 public:
  /// `type_of`: by block, a Shape or first_class + index of a class. `header_of`: by block, 0.
  Claims(const Blocks& blocks, const Places& places, std::vector<std::uint32_t>& type_of,
         std::vector<std::uint32_t>& header_of)
      : blocks_(blocks),
        places_(places),
        type_of_(type_of),
        header_of_(header_of),
        steps_(std::int64_t{64} * blocks.count() + 1'000'000) {
    blocks.for_each([&](queries::ObjectId id, std::uint64_t) {
      steps_ += static_cast<std::int64_t>(std::min(blocks.usable(id), most_block) / 4);
    });
  }

  static constexpr std::uint32_t first_class = shape_count;

  [[nodiscard]] const Blocks& blocks() const { return blocks_; }
  [[nodiscard]] Shape shape(queries::ObjectId id) const {
    const std::uint32_t type = type_of_[index(id)];
    return type < first_class ? Shape{static_cast<std::uint8_t>(type)} : Shape::object;
  }
  [[nodiscard]] bool is_open(queries::ObjectId id) const { return shape(id) <= Shape::refused; }
  void refuse(queries::ObjectId id) {
    if (shape(id) == Shape::none) type_of_[index(id)] = static_cast<std::uint32_t>(Shape::refused);
  }
  /// `header`: the address of the container's header.
  void claim(queries::ObjectId id, Shape shape, std::uint64_t header) {
    type_of_[index(id)] = static_cast<std::uint32_t>(shape);
    header_of_[index(id)] = places_.number(header);
  }
  /// Where the header of a claimed block lies; 0 = not known.
  [[nodiscard]] std::uint64_t header(queries::ObjectId id) const { return places_.address(header_of_[index(id)]); }
  void add_live_prefix(queries::ObjectId id, std::uint64_t bytes) { live_prefix_.emplace_back(id, bytes); }
  /// Another header of a claimed buffer: one of both is a leftover.
  void add_rival(queries::ObjectId id, std::uint64_t header) {
    if (rivals_.size() < blocks_.count()) rivals_.emplace_back(id, header);
  }
  /// To be called when all is claimed: a header in the dead part of a buffer gives way to its rival. Returns the live
  /// prefixes, sorted by block; of several claims to a block the largest. O(rivals log prefixes).
  [[nodiscard]] std::vector<std::pair<queries::ObjectId, std::uint64_t>> settle();

  /// Whether `count` more words or links may be looked at beyond the scans of every word. A hostile core could make
  /// every word the header of one huge block, or the beginning of a long walk that fails at its end; sound heaps need
  /// about two steps per block and one per word of buffers.
  [[nodiscard]] bool step(std::uint64_t count = 1) {
    if (steps_ <= 0) return false;
    steps_ -= static_cast<std::int64_t>(std::min(count, most_block));
    return steps_ > 0;
  }

 private:
  [[nodiscard]] bool is_dead(std::uint64_t address) const;

  static constexpr std::uint64_t most_block = std::uint64_t{1} << 40;

  const Blocks& blocks_;
  const Places& places_;
  std::vector<std::uint32_t>& type_of_;
  std::vector<std::uint32_t>& header_of_;
  std::vector<std::pair<queries::ObjectId, std::uint64_t>> live_prefix_;
  std::vector<std::pair<queries::ObjectId, std::uint64_t>> rivals_;
  std::int64_t steps_;
};

}  // namespace importers::native

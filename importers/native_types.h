// What each block of a native heap is, by the evidence there is: a vtable, the shape of a standard container, the text
// in it, else its size. Buffers and nodes are charged to what holds their container's header.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "importers/native_blocks.h"
#include "importers/native_heap.h"
#include "importers/native_layouts.h"
#include "importers/native_places.h"
#include "queries/ids.h"

namespace importers::native {

/// How the type of a block is known, most trustworthy first; allocation_site comes before size_class alone. Texts:
/// to_text(), stored in `class.source`.
enum class Evidence : std::uint8_t { vtable, container, debug_info, content, size_class, allocation_site };
[[nodiscard]] std::string_view to_text(
    Evidence);  ///< "vtable", "container shape", "debug info", "content", "size", "allocation site"

struct NativeType {
  std::string name;  ///< "acme::Session", "std::vector body of acme::Session (+0x18)", "text", "48-byte block"
  Evidence evidence = Evidence::size_class;
  std::string family;  ///< the name without the owner: "std::vector body"
};

/// Whether blocks of this type are NUL-terminated text.
[[nodiscard]] bool holds_text(const NativeType& type);

/// What the types say beyond names; all by block id.
struct TypedBlocks {
  std::vector<NativeType> types;       ///< by type index; no two of equal name
  std::vector<std::uint32_t> type_of;  ///< by block id: index into types
  /// Of buffers and nodes: where the header of their container lies, as a number of `places`; 0 = none. By block id,
  /// empty when there is no container at all.
  std::vector<std::uint32_t> header_of;
  Places places;
  /// Bytes at the front of the block that are in use, for blocks whose container says so (a vector's size, not its
  /// capacity): words behind them are dead and hold nothing. Only of blocks where a dead word looks like a pointer into
  /// a block. Sorted by block.
  std::vector<std::pair<queries::ObjectId, std::uint64_t>> live_prefix;

  BlockLayouts layouts;  ///< of blocks whose members debugging information tells

  /// Whether the word at `at`, which equals the address of `block`, is the end or the capacity of a vector whose body
  /// lies right before the block: allocators without headers put the next block where a full vector ends. O(log
  /// ranges).
  [[nodiscard]] bool is_end_of_previous(queries::ObjectId block, std::uint64_t at, const Blocks& blocks) const {
    if (index(block) == 0 || header_of.empty()) return false;
    const queries::ObjectId previous{index(block) - 1};
    const std::uint32_t header = header_of[index(previous)];
    if (header == 0) return false;
    const std::uint64_t begin = places.address(header);
    if (at != begin + 8 && at != begin + 16) return false;
    if (blocks.address(previous) + blocks.usable(previous) != blocks.address(block)) return false;
    return types[type_of[index(previous)]].family == "std::vector body";  // and no node: of a tree, that is the root
  }
};

/// Symbol or text look-ups that may need a module's file; see formats/modules.h. Empty answers are fine.
class NameSource {
 public:
  virtual ~NameSource() = default;
  /// Demangled name of the symbol that covers `address`, "" = not known.
  [[nodiscard]] virtual std::string symbol(std::uint64_t address) const = 0;
};

/// `owned`: the allocators' regions and metadata (NativeHeap::owned()), where no container header is looked for but in
/// used blocks. `names` may be nullptr. O(bytes of the blocks and of writable memory). Memory: 8 bytes per block, and
/// transiently 4 per element of the largest list, tree or hash table.
[[nodiscard]] TypedBlocks find_types(const formats::ProcessImage& image, const AddressRanges& owned,
                                     const Blocks& blocks, const NameSource* names);

/// (Re)names buffers and nodes after what their header lies in. For those who change type_of of other blocks later
/// (debug information): types of evidence `container` are made anew from their family. O(blocks).
void charge_to_owners(TypedBlocks& typed, const formats::ProcessImage& image, const Blocks& blocks,
                      const NameSource* names);

struct TypeShare {
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;  ///< usable
};
/// How much of the heap is typed by which evidence, by Evidence. Sums to all blocks. O(blocks).
[[nodiscard]] std::array<TypeShare, 6> type_shares(const TypedBlocks& typed, const Blocks& blocks);

}  // namespace importers::native

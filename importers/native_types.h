// What each block of a native heap is, by the evidence there is: a vtable, the shape of a standard container, the text
// in it, else its size.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "importers/native_blocks.h"
#include "queries/ids.h"

namespace importers::native {

/// How the type of a block is known, most trustworthy first. Texts: to_text(), stored in `class.source`.
enum class Evidence : std::uint8_t { vtable, container, debug_info, content, size_class };
[[nodiscard]] std::string_view to_text(Evidence);  ///< "vtable", "container shape", "debug info", "content", "size"

struct NativeType {
  std::string name;  ///< "acme::Session", "std::vector body", "text", "48-byte block"
  Evidence evidence = Evidence::size_class;
};

/// Whether blocks of this type are NUL-terminated text.
[[nodiscard]] bool holds_text(const NativeType& type);

/// What the types say beyond names; all by block id.
struct TypedBlocks {
  std::vector<NativeType> types;       ///< by type index
  std::vector<std::uint32_t> type_of;  ///< by block id: index into types
  /// Bytes at the front of the block that are in use, for blocks whose container says so (a vector's size, not its
  /// capacity): words behind them are dead and hold nothing. Sorted by block.
  std::vector<std::pair<queries::ObjectId, std::uint64_t>> live_prefix;
};

/// Symbol or text look-ups that may need a module's file; see formats/modules.h. Empty answers are fine.
class NameSource {
 public:
  virtual ~NameSource() = default;
  /// Demangled name of the symbol that covers `address`, "" = not known.
  [[nodiscard]] virtual std::string symbol(std::uint64_t address) const = 0;
};

/// O(bytes of the blocks). `names` may be nullptr.
[[nodiscard]] TypedBlocks find_types(const formats::ProcessImage& image, const Blocks& blocks, const NameSource* names);

}  // namespace importers::native

// jemalloc's own account of its memory, read from a core: where its metadata lies, every extent (what it got from the
// kernel: slabs, large allocations, memory kept for later) and the page map that leads from an address to its extent.
//
// Understood: jemalloc 5 with 4 KiB pages and either minimum alignment (Debian's 16 bytes; 8, as Redis bundles it);
// what its versions differ in is in jemalloc_layout.h. 4 and older, which kept chunks, are not seen.
//
// No symbols are needed. Everything that describes memory comes from jemalloc's base allocator, whose blocks begin on 2
// MiB boundaries with a header that describes the block itself: size, next block and an edata_t of an arena number and
// size class that nothing else has, whose address and size end exactly where the block ends. 128-byte edata_t lie in
// the blocks' used parts. Offsets (edata.h, base.h, rtree.h and sc.h of 5.3.0, checked against cores; bits of 5.3):
//
//   base block   size 0 · next 8 · edata_t 16 (its address: where the unused part begins)
//   edata_t      bits 0 · address 8 · size | serial 16 · … · slab bitmap 64 (512 bits, 1 = free)
//   bits         arena 0–11 · slab 12 · committed 13 · state 17–19 · size class 20–27 · free regions 28–37 · head 44
//   page map     root[address >> 30] → leaf[(address >> 12) & 0x3ffff]: size class << 48 | edata_t | 5 flag bits
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "formats/damage_log.h"
#include "formats/jemalloc_layout.h"
#include "formats/process_image.h"

namespace formats::jemalloc {

constexpr std::uint64_t page_size = 4096;

/// The usable sizes of allocations: four to each doubling.
class SizeClasses {
 public:
  /// `alignment`: of the smallest class but 8 bytes; 8 or 16.
  explicit SizeClasses(std::uint64_t alignment);
  [[nodiscard]] unsigned count() const { return count_; }
  [[nodiscard]] std::uint64_t size(unsigned index) const { return sizes_[index]; }

 private:
  std::array<std::uint64_t, 240> sizes_{};
  unsigned count_ = 0;
};

/// A block of the base allocator: nothing of the program is in it.
struct BaseBlock {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t used_end = 0;
  std::uint64_t next = 0;  ///< of the same arena; 0 = none
  std::uint64_t alignment = 0;
  const Layout* layout = nullptr;
};

enum class ExtentState : std::uint8_t { active, dirty, muzzy, retained };

struct Extent {
  std::uint64_t start = 0;    ///< page aligned
  std::uint64_t size = 0;     ///< bytes, whole pages
  std::uint64_t address = 0;  ///< of a large allocation: jemalloc moves it within the first page, to spread cache lines
  std::uint64_t descriptor = 0;  ///< where the edata_t is
  std::uint16_t arena = 0;
  std::uint16_t free_regions = 0;  ///< as jemalloc counts them
  std::uint8_t size_class = 0;
  ExtentState state = ExtentState::active;
  bool slab = false;
  bool in_use = true;  ///< false: active, yet nobody's: on its way between owners, or in a cache of extents

  [[nodiscard]] std::uint64_t end() const { return start + size; }
  [[nodiscard]] bool is_large() const { return state == ExtentState::active && in_use && !slab; }
};

using SlabBitmap = std::array<std::uint64_t, 8>;  ///< 1 = free
/// Nothing when the core does not have it.
[[nodiscard]] std::optional<SlabBitmap> slab_bitmap(const ProcessImage& image, const Extent& extent);
[[nodiscard]] unsigned free_regions(const SlabBitmap& bitmap, unsigned regions);

struct Extents {
  const Layout* layout = nullptr;
  std::vector<BaseBlock> base_blocks;  ///< by start
  std::uint64_t alignment = 0;         ///< see SizeClasses
  std::vector<Extent> extents;         ///< by start, none overlaps another
  std::uint64_t overlaps = 0;          ///< extents left out as another one holds their memory
  std::uint64_t contradictions = 0;    ///< slabs whose count of free regions is not what their bitmap says
  std::uint64_t base_links = 0;        ///< base blocks that another one names as its next …
  std::uint64_t base_links_found = 0;  ///< … and that are there
  std::uint64_t mapped = 0;            ///< extents that the page map was asked for …
  std::uint64_t mapped_right = 0;      ///< … and that it has; 0 of 0 when the core has no page map
  std::uint64_t entries = 0;           ///< of the page map (first and last pages of extents, every page of slabs) …
  std::uint64_t entries_read = 0;      ///< … and those whose extent was found

  /// The extent that holds `address`, or nullptr. O(log extents).
  [[nodiscard]] const Extent* find(std::uint64_t address) const;
  /// Whether `address` lies in a base block. O(log blocks).
  [[nodiscard]] bool in_metadata(std::uint64_t address) const;
};

/// Nothing when jemalloc is not in the process, or one whose slabs are laid out otherwise (said in `damage`). One look
/// at every 2 MiB of writable memory and a scan of jemalloc's metadata; with those, 1 look at each word of writable
/// memory that is not in an extent, for the page map. Damage: metadata that the core does not have, extents that
/// overlap or contradict themselves.
[[nodiscard]] std::optional<Extents> find_extents(const ProcessImage& image, DamageLog& damage);

}  // namespace formats::jemalloc

// glibc's arenas and parameters in a process image, found by their shape.
//
// main_arena: bin 127 is never used, so that its two words point at the bin for ever; the other 126 bins are empty the
// same way or name chunks that name the bin. Other arenas: malloc_state behind the heap_info at the start of a heap,
// which is aligned to 64 MiB and names the arena. mp_: near main_arena, by the values it is born with.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "formats/damage_log.h"
#include "formats/glibc_layout.h"
#include "formats/heap_walk.h"
#include "formats/process_image.h"

namespace formats::glibc {

struct Arena {
  std::uint64_t address = 0;  ///< of its malloc_state
  const ArenaLayout* layout = nullptr;
  std::uint64_t top = 0;  ///< 0 = it has no memory yet
  std::uint64_t next = 0;
  std::uint64_t system_mem = 0;
  bool contiguous = false;
  unsigned consistent_bins = 0;  ///< of 1 … 126
  [[nodiscard]] std::uint64_t bin(unsigned index) const { return address + layout->bins + index * 16 - 32; }
  [[nodiscard]] std::uint64_t end() const { return address + layout->size; }
};

/// One heap of an arena other than the main one.
struct Heap {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t arena = 0;  ///< address of its malloc_state
  std::uint64_t first_chunk = 0;
  const HeapInfoLayout* layout = nullptr;
};

struct Parameters {
  std::uint64_t address = 0;
  const ParametersLayout* layout = nullptr;
  std::uint64_t n_mmaps = 0;
  std::uint64_t mmapped_mem = 0;
  std::uint64_t sbrk_base = 0;
};

/// O(writable bytes) at worst; files' data first, where it is in all programs but unusual ones. `only`: the layout that
/// other arenas have; nullptr = not known, then the oldest that fits.
[[nodiscard]] std::optional<Arena> find_main_arena(const ProcessImage& image, const ArenaLayout* only);
/// The same bins, read with another layout.
[[nodiscard]] std::optional<Arena> with_layout(const ProcessImage& image, const Arena& arena,
                                               const ArenaLayout& layout);
/// By address, each with a bin 127 that points to itself; and every heap of theirs, by address. O(image / 64 MiB).
void find_heaps(const ProcessImage& image, std::vector<Arena>& arenas, std::vector<Heap>& heaps);
/// `heap_start` as the arena's own numbers tell it, 0 = not known.
[[nodiscard]] std::optional<Parameters> find_parameters(const ProcessImage& image, const Arena& main_arena,
                                                        std::uint64_t heap_start);
/// Arenas on the ring from the main one back to it, itself included; 0 = the ring does not close.
[[nodiscard]] std::uint64_t length_of_ring(const ProcessImage& image, const Arena& main_arena);

}  // namespace formats::glibc

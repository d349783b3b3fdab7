#include "formats/glibc_arena.h"

#include <algorithm>

#include "formats/glibc_chunks.h"

namespace formats::glibc {
namespace {

constexpr unsigned last_bin = bin_count - 1;
constexpr unsigned enough_consistent_bins = 100;  // of 126: a corrupted free list spoils its own bin
constexpr std::uint64_t near_main_arena = 64 << 10;
constexpr std::uint64_t most_arenas = 1 << 16;
constexpr std::uint64_t likely_arenas = 4096;

/// What is at `address` if it is a malloc_state of this layout: bin 127 points to itself.
std::optional<Arena> arena_at(const ProcessImage& image, std::uint64_t address, const ArenaLayout& layout) {
  Arena arena;
  arena.address = address;
  arena.layout = &layout;
  const std::uint64_t last = arena.bin(last_bin);
  if (image.word(last + 16) != last || image.word(last + 24) != last) return std::nullopt;
  const auto top = image.word(address + layout.top);
  const auto next = image.word(address + layout.next);
  const auto system_mem = image.word(address + layout.system_mem);
  const auto flags = image.load<std::uint32_t>(address + arena_flags);
  if (!top || !next || !system_mem || !flags || *next == 0 || *next % 8 != 0) return std::nullopt;
  if (*system_mem != 0 && *system_mem < page) return std::nullopt;  // attached_threads, in another version
  arena.top = *top == arena.bin(1) ? 0 : *top;
  arena.next = *next;
  arena.system_mem = *system_mem;
  arena.contiguous = (*flags & noncontiguous) == 0;
  if (arena.top % alignment != 0) return std::nullopt;
  for (unsigned i = 1; i < last_bin; ++i) {
    const std::uint64_t bin = arena.bin(i);
    const auto first = image.word(bin + 16);
    const auto last_in_bin = image.word(bin + 24);
    if (!first || !last_in_bin || *first == 0 || *last_in_bin == 0) return std::nullopt;
    if (image.word(*first + 24) == bin && image.word(*last_in_bin + 16) == bin) ++arena.consistent_bins;
  }
  return arena;
}

/// A heap begins here: a heap_info whose arena is the next thing, or an arena elsewhere (then first_chunk is 0).
std::optional<Heap> heap_at(const ProcessImage& image, std::uint64_t start) {
  const auto arena = image.word(start);
  const auto prev = image.word(start + 8);
  const auto size = image.word(start + 16);
  const auto mprotect_size = image.word(start + 24);
  if (!arena || !prev || !size || !mprotect_size) return std::nullopt;
  if (*arena == 0 || *arena % 16 != 0 || *prev % heap_alignment != 0) return std::nullopt;
  if (*size < page || *size % page != 0 || *size > *mprotect_size || *mprotect_size > heap_alignment) {
    return std::nullopt;
  }
  Heap heap{start, start + *size, *arena, 0, nullptr};
  for (const HeapInfoLayout& layout : heap_info_layouts) {
    if (*prev == 0 && *arena == start + layout.size) heap.layout = &layout;
  }
  if ((heap.layout == nullptr) == (*prev == 0)) return std::nullopt;
  return heap;
}

bool is_arena_of_heap(const ProcessImage& image, std::uint64_t arena) {
  const std::uint64_t start = arena & ~(heap_alignment - 1);
  return std::any_of(heap_info_layouts.begin(), heap_info_layouts.end(), [&](const HeapInfoLayout& layout) {
    return arena == start + layout.size && image.word(start) == arena;
  });
}

/// Whether what lies before the top pointer fits: a lock, few flags, and fastbins that hold chunks or nothing. Without
/// fastbins (2.43) there is next to nothing to tell by.
bool begins_like(const ProcessImage& image, std::uint64_t address, const ArenaLayout& layout) {
  const auto lock = image.load<std::uint32_t>(address);
  const auto flags = image.load<std::uint32_t>(address + arena_flags);
  if (!lock || !flags || *lock > 2 || *flags > 7) return false;
  if (layout.fastbins == 0) return true;
  if (layout.fastbins > 8) {
    const auto has_fast_chunks = image.load<std::uint32_t>(address + 8);
    if (!has_fast_chunks || *has_fast_chunks > 1) return false;
  }
  for (std::uint64_t i = 0; i < fastbin_count; ++i) {
    const auto first = image.word(address + layout.fastbins + i * 8);
    if (!first || *first % alignment != 0) return false;
  }
  return true;
}

/// How many arenas are on the ring; 0 when it does not lead back within `most`.
std::uint64_t follow_ring(const ProcessImage& image, const Arena& arena, std::uint64_t most) {
  std::uint64_t at = arena.next;
  for (std::uint64_t length = 1; length <= most; ++length) {
    if (at == arena.address) return length;
    const auto next = image.word(at + arena.layout->next);
    if (!next) return 0;
    at = *next;
  }
  return 0;
}

/// The main arena whose bin 127 is at `bin`; `only`: the layout that the other arenas have, nullptr = not known.
std::optional<Arena> main_arena_of_bin(const ProcessImage& image, std::uint64_t bin, const ArenaLayout* only) {
  const auto address_for = [bin](const ArenaLayout& layout) { return bin - (layout.bins + last_bin * 16 - 32); };
  for (const ArenaLayout& layout : arena_layouts) {
    if (bin < near_main_arena || is_arena_of_heap(image, address_for(layout))) return std::nullopt;
  }
  std::optional<Arena> first;
  for (const ArenaLayout& layout : arena_layouts) {
    if ((only != nullptr && only != &layout) || !begins_like(image, address_for(layout), layout)) continue;
    const std::optional<Arena> arena = arena_at(image, address_for(layout), layout);
    if (!arena || arena->consistent_bins < enough_consistent_bins) continue;
    // Layouts look like one another shifted by a word of zeroes; the ring of arenas leads back to one of them.
    if (follow_ring(image, *arena, likely_arenas) != 0) return arena;
    if (!first) first = arena;
  }
  return first;
}

/// Looks for bin 127 in one range.
void find_main_arenas(const ProcessImage& image, const ProcessImage::Range& range, const ArenaLayout* only,
                      std::vector<Arena>& found) {
  const std::uint64_t words = range.size() / 8;
  std::uint64_t word = words == 0 ? 0 : load_le<std::uint64_t>(range.data);
  for (std::uint64_t i = 0; i + 1 < words; ++i) {
    const std::uint64_t following = load_le<std::uint64_t>(range.data + (i + 1) * 8);
    const std::uint64_t bin = range.start + i * 8 - header_bytes;
    if (word == bin && following == bin) {
      if (const std::optional<Arena> arena = main_arena_of_bin(image, bin, only)) found.push_back(*arena);
    }
    word = following;
  }
}

std::uint64_t score(const ProcessImage& image, std::uint64_t address, const ParametersLayout& layout,
                    std::uint64_t heap_start, Parameters& parameters) {
  const auto n_mmaps = image.load<std::int32_t>(address + layout.n_mmaps);
  const auto n_mmaps_max = image.load<std::uint32_t>(address + layout.n_mmaps + 4);
  const auto mmapped_mem = image.word(address + layout.mmapped_mem);
  const auto sbrk_base = image.word(address + layout.sbrk_base);
  const auto tcache_bins = image.word(address + layout.tcache_bins);
  const auto tcache_max = image.word(address + layout.tcache_bins + 8);
  const auto arena_test = image.word(address + 24);
  if (!n_mmaps || !n_mmaps_max || !mmapped_mem || !sbrk_base || !tcache_bins || !tcache_max || !arena_test) {
    return 0;
  }
  if (*n_mmaps < 0 || *mmapped_mem % page != 0 || (*n_mmaps == 0) != (*mmapped_mem == 0)) return 0;
  parameters = {address, &layout, static_cast<std::uint64_t>(*n_mmaps), *mmapped_mem, *sbrk_base};
  const bool has_default_bins = *tcache_bins == tcache_small_bins && (*tcache_max == 1032 || *tcache_max == 1041);
  // The layouts of 2.35 and 2.43 are one another shifted, but for what comes before, as arena_test (8 when not tuned).
  return (*n_mmaps_max == default_n_mmaps_max ? 1U : 0U) + (*arena_test == 8 ? 1U : 0U) + (has_default_bins ? 2U : 0U) +
         (*sbrk_base != 0 && *sbrk_base == heap_start ? 2U : 0U);
}

}  // namespace

std::optional<Arena> find_main_arena(const ProcessImage& image, const ArenaLayout* only) {
  constexpr std::uint64_t small = 4 << 20;
  std::vector<Arena> found;
  const auto look = [&](auto&& wanted) {
    for (const ProcessImage::Range& range : image.ranges()) {
      if (range.present() && range.writable && !range.filled && wanted(range))
        find_main_arenas(image, range, only, found);
    }
    return !found.empty();
  };
  using Range = ProcessImage::Range;
  if (!look([](const Range& range) { return range.file >= 0; }) &&
      !look([](const Range& range) { return range.file < 0 && range.size() <= small; }) &&
      !look([](const Range& range) { return range.file < 0 && range.size() > small; })) {
    return std::nullopt;
  }
  // A second libc (dlmopen) has a main arena of its own, which is hardly used.
  return *std::max_element(found.begin(), found.end(),
                           [](const Arena& a, const Arena& b) { return a.system_mem < b.system_mem; });
}

std::optional<Arena> with_layout(const ProcessImage& image, const Arena& arena, const ArenaLayout& layout) {
  return arena_at(image, arena.address + arena.layout->bins - layout.bins, layout);
}

void find_heaps(const ProcessImage& image, std::vector<Arena>& arenas, std::vector<Heap>& heaps) {
  std::vector<Heap> later;
  std::uint64_t seen = 0;  // ranges may share a heap
  for (const ProcessImage::Range& range : image.ranges()) {
    if (!range.present() || !range.writable) continue;
    std::uint64_t start = (std::max(range.start, seen) + heap_alignment - 1) & ~(heap_alignment - 1);
    for (; start >= range.start && start < range.end; start += heap_alignment) {
      seen = start + 1;
      std::optional<Heap> heap = heap_at(image, start);
      if (!heap) continue;
      if (heap->layout == nullptr) {
        later.push_back(*heap);
        continue;
      }
      for (const ArenaLayout& layout : arena_layouts) {
        std::optional<Arena> arena = arena_at(image, heap->arena, layout);
        if (!arena) continue;
        heap->first_chunk = (arena->end() + alignment - 1) & ~(alignment - 1);
        if (heap->first_chunk >= heap->end) continue;
        arena->contiguous = true;
        arenas.push_back(*arena);
        heaps.push_back(*heap);
        break;
      }
    }
  }
  for (Heap& heap : later) {
    const auto first = std::find_if(heaps.begin(), heaps.end(),
                                    [&](const Heap& one) { return one.layout != nullptr && one.arena == heap.arena; });
    if (first == heaps.end()) continue;
    heap.first_chunk = heap.start + first->layout->size;
    heaps.push_back(heap);
  }
  std::sort(heaps.begin(), heaps.end(), [](const Heap& a, const Heap& b) { return a.start < b.start; });
}

std::optional<Parameters> find_parameters(const ProcessImage& image, const Arena& main_arena,
                                          std::uint64_t heap_start) {
  Parameters best;
  std::uint64_t best_score = 2;
  const std::uint64_t from = main_arena.address - std::min(main_arena.address, near_main_arena);
  for (std::uint64_t at = from; at < main_arena.end() + near_main_arena; at += 8) {
    if (image.at(at).empty()) continue;
    for (const ParametersLayout& layout : parameters_layouts) {
      Parameters candidate;
      const std::uint64_t candidate_score = score(image, at, layout, heap_start, candidate);
      const bool older =
          candidate_score == best_score && best.layout != nullptr && layout.first_version < best.layout->first_version;
      if (candidate_score <= best_score && !older) continue;
      best_score = candidate_score;
      best = candidate;
    }
  }
  return best.layout != nullptr ? std::optional(best) : std::nullopt;
}

std::uint64_t length_of_ring(const ProcessImage& image, const Arena& main_arena) {
  return follow_ring(image, main_arena, most_arenas);
}

}  // namespace formats::glibc

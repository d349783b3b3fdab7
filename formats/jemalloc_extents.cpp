#include "formats/jemalloc_extents.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "formats/heap_memory.h"

namespace formats::jemalloc {
namespace {

constexpr std::uint64_t base_alignment = std::uint64_t{2} << 20;
constexpr std::uint64_t descriptor_size = 128;
constexpr std::uint64_t address_limit = std::uint64_t{1} << 47;  // beyond is the kernel's
constexpr std::uint64_t size_limit = std::uint64_t{1} << 46;
constexpr std::uint64_t leaf_size = std::uint64_t{2} << 20;  // of the page map
constexpr unsigned slab_regions = 512;                       // at most
constexpr unsigned base_arena = 0xFFF;                       // no arena has this number: descriptors of base blocks do
constexpr std::uint64_t cache_spread = page_size;            // added to large allocations, for their random offset
constexpr std::uint64_t promoted_size = 16384;  // a small allocation that the heap profiler samples becomes so large

unsigned bits_of(std::uint64_t word, unsigned first, unsigned count) {
  return static_cast<unsigned>(word >> first & ((std::uint64_t{1} << count) - 1));
}

/// The first words of an edata_t.
struct Descriptor {
  const Layout& layout;
  std::uint64_t bits = 0;
  std::uint64_t address = 0;
  std::uint64_t size = 0;
  Descriptor(const std::byte* at, const Layout& of)
      : layout(of),
        bits(load_le<std::uint64_t>(at)),
        address(load_le<std::uint64_t>(at + 8)),
        size(load_le<std::uint64_t>(at + 16)) {}
  [[nodiscard]] unsigned arena() const { return bits_of(bits, 0, 12); }
  [[nodiscard]] bool slab() const { return bits_of(bits, 12, 1) != 0; }
  [[nodiscard]] bool committed() const { return bits_of(bits, 13, 1) != 0; }
  [[nodiscard]] unsigned state() const { return bits_of(bits, layout.state_at, layout.state_bits); }
  [[nodiscard]] unsigned size_class() const { return bits_of(bits, layout.class_at, 8); }
  [[nodiscard]] unsigned free_regions() const { return bits_of(bits, layout.free_at, 10); }
  /// Bits that this version does not have.
  [[nodiscard]] bool beyond() const { return layout.end < 64 && bits >> layout.end != 0; }
};

/// The alignment that has this many size classes, or 0.
std::uint64_t alignment_of(unsigned class_count) {
  if (class_count == 232) return 16;
  if (class_count == 235) return 8;
  return 0;
}

/// The base block that begins here, as a version lays it out.
std::optional<BaseBlock> read_base_block(const std::byte* at, std::uint64_t start, const Layout& layout) {
  const Descriptor self(at + 16, layout);
  if (self.arena() != base_arena) return std::nullopt;
  const auto size = load_le<std::uint64_t>(at);
  if (size % page_size != 0 || size == 0 || size > size_limit || start + size > address_limit) return std::nullopt;
  const BaseBlock block{
      start, start + size, self.address, load_le<std::uint64_t>(at + 8), alignment_of(self.size_class()), &layout};
  if (block.used_end <= start || block.used_end > block.end || block.end - block.used_end != self.size ||
      block.next % base_alignment != 0) {
    return std::nullopt;
  }
  if (block.alignment == 0 || self.slab() || self.state() != 0 || self.beyond()) return std::nullopt;
  return block;
}

/// Base blocks by start, all of one version and alignment.
std::vector<BaseBlock> find_base_blocks(const ProcessImage& image, DamageLog& damage) {
  std::vector<BaseBlock> blocks;
  for (const ProcessImage::Range& range : image.ranges()) {
    if (!range.writable || !range.present()) continue;
    const Bytes bytes = range.bytes();
    if (range.start >= address_limit) break;
    const std::uint64_t end = std::min(range.end, address_limit);
    std::uint64_t at = (range.start + base_alignment - 1) & ~(base_alignment - 1);
    for (; at < end && end - at >= 16 + descriptor_size; at += base_alignment) {
      if (!blocks.empty() && at < blocks.back().end) continue;
      for (const Layout& layout : layouts) {
        const auto block = read_base_block(bytes.data() + (at - range.start), at, layout);
        if (!block) continue;
        blocks.push_back(*block);
        break;
      }
    }
  }
  std::erase_if(blocks, [&, first = blocks.empty() ? BaseBlock{} : blocks.front()](const BaseBlock& block) {
    if (block.alignment == first.alignment && block.layout == first.layout) return false;
    add_damage_at(image, damage, block.start, block.end - block.start,
                  "a second jemalloc of another version or minimum alignment: its heap is not read");
    return true;
  });
  return blocks;
}

/// What a descriptor says, if it is one; bitmaps are not looked at.
class ExtentReader {
 public:
  ExtentReader(const SizeClasses& classes, const Layout& layout) : classes_(classes), layout_(layout) {}

  [[nodiscard]] std::optional<Extent> read(const std::byte* at, std::uint64_t address) const {
    const Descriptor from(at, layout_);
    Extent extent;
    extent.start = from.address & ~(page_size - 1);
    extent.size = from.size & ~(page_size - 1);
    extent.address = from.address;
    extent.descriptor = address;
    if (extent.start == 0 || extent.size == 0 || extent.size > size_limit || extent.start >= address_limit ||
        from.beyond() || from.arena() == base_arena || from.state() > 3 || from.size_class() > classes_.count()) {
      return std::nullopt;
    }
    extent.arena = static_cast<std::uint16_t>(from.arena());
    extent.size_class = static_cast<std::uint8_t>(from.size_class());
    extent.state = static_cast<ExtentState>(from.state());
    const bool classless = from.size_class() == classes_.count();
    if (extent.state != ExtentState::active) {  // the slab bit of what was a slab stays
      extent.in_use = false;
      return classless && from.address == extent.start ? std::optional(extent) : std::nullopt;
    }
    if (!from.committed()) return std::nullopt;
    if (classless) {
      extent.in_use = false;
      return from.address == extent.start ? std::optional(extent) : std::nullopt;
    }
    extent.slab = from.slab();
    extent.free_regions = static_cast<std::uint16_t>(from.free_regions());
    return (extent.slab ? slab(extent) : large(extent)) ? std::optional(extent) : std::nullopt;
  }

 private:
  [[nodiscard]] bool slab(const Extent& extent) const {
    const std::uint64_t region = classes_.size(extent.size_class);
    // opt.slab_sizes makes slabs whose last bytes are in no region.
    return extent.address == extent.start && region <= extent.size && extent.size / region <= slab_regions &&
           extent.free_regions <= extent.size / region;
  }
  [[nodiscard]] bool large(const Extent& extent) const {
    const std::uint64_t usable = classes_.size(extent.size_class);
    const std::uint64_t offset = extent.address - extent.start;
    if (offset % 64 != 0 || usable > extent.size - offset) return false;
    const std::uint64_t whole = std::max(usable, promoted_size);
    return extent.size == whole || extent.size == whole + cache_spread;
  }
  const SizeClasses& classes_;
  const Layout& layout_;
};

/// Every descriptor in the used parts of base blocks, in their order.
std::vector<Extent> read_descriptors(const ProcessImage& image, const std::vector<BaseBlock>& blocks,
                                     const SizeClasses& classes, const Layout& layout, DamageLog& damage) {
  const ExtentReader reader(classes, layout);
  const std::uint64_t step = layout.descriptor_alignment;
  constexpr std::uint64_t own_end = 16 + descriptor_size;  // of the block's own descriptor
  std::vector<Extent> all;
  for (const BaseBlock& block : blocks) {
    std::uint64_t at = block.start + (own_end + step - 1) / step * step;
    while (at < block.used_end) {
      const Bytes bytes = image.at(at);
      const std::uint64_t size = std::min<std::uint64_t>(bytes.size(), block.used_end - at);
      std::uint64_t read = 0;
      while (size - read >= descriptor_size) {
        const std::byte* data = bytes.data() + read;
        read += step;
        if (load_le<std::uint64_t>(data + 8) == 0) continue;  // most of it is page map, mostly empty
        const auto extent = reader.read(data, at + read - step);
        if (!extent) continue;
        all.push_back(*extent);
        read += descriptor_size - step;
      }
      at += read;
      if (read != 0) continue;
      // Nothing here: where does the core go on?
      const ProcessImage::Range* range = image.find(at);
      std::uint64_t next = block.used_end;
      if (bytes.empty() && range != nullptr) next = std::min(next, range->end);
      if (bytes.empty()) {
        add_damage_at(
            image, damage, at, next - at,
            "jemalloc: metadata at " + hex_text(at) + " is not in the core: extents described there are not known");
      }
      at = bytes.empty() ? (next + step - 1) / step * step : at + step;
    }
  }
  return all;
}

/// A root of the page map: where it is, and what it says of an extent.
class PageMap {
 public:
  enum class Answer { absent, other, same };

  explicit PageMap(std::uint64_t root) : root_(root) {}
  [[nodiscard]] Answer ask(const ProcessImage& image, const Extent& extent) const {
    const auto leaf = image.word(root_ + root_offset(extent));
    if (!leaf || *leaf == 0) return leaf ? Answer::other : Answer::absent;
    return ask_leaf(image, *leaf, extent);
  }
  using Leaves = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  ///< GiB, address
  /// A root holds nothing but leaves, and no more of them than metadata has room for; empty when this is none, but a
  /// word that a thread remembered. One look at 2 MiB.
  [[nodiscard]] Leaves leaves(const ProcessImage& image, const Extents& found) const {
    std::uint64_t most = 1;
    for (const BaseBlock& block : found.base_blocks) most += (block.end - block.start) / leaf_size;
    Leaves all;
    bool is_root = true;
    for_each_word(image, root_, [&](std::uint64_t gib, std::uint64_t leaf) {
      is_root = is_root && all.size() < most && leaf % 64 == 0 && found.in_metadata(leaf);
      if (is_root) all.emplace_back(gib, leaf);
    });
    return is_root ? all : Leaves{};
  }
  /// Asks the other way round, for every entry: is it of an extent that was read?
  void check_entries(const ProcessImage& image, Extents& found) const {
    auto extent = found.extents.begin();
    for (const auto& [gib, leaf] : leaves(image, found)) {
      for_each_word(image, leaf, [&, in = gib << 30](std::uint64_t page, std::uint64_t entry) {
        // Where extents were merged, entries keep a size class (none) without a descriptor.
        const bool merging = (entry >> 2 & 7) > static_cast<unsigned>(ExtentState::retained);
        if (merging || descriptor_of(entry) == 0) return;
        const std::uint64_t address = in | page << 12;
        while (extent != found.extents.end() && extent->end() <= address) ++extent;
        ++found.entries;
        if (extent != found.extents.end() && extent->start <= address && extent->descriptor == descriptor_of(entry)) {
          ++found.entries_read;
        }
      });
    }
  }
  [[nodiscard]] static Answer ask_leaf(const ProcessImage& image, std::uint64_t leaf, const Extent& extent) {
    const auto entry = image.word(leaf + (extent.start >> 12) % fan_out * 8);
    if (!entry) return Answer::absent;
    return descriptor_of(*entry) == extent.descriptor ? Answer::same : Answer::other;
  }
  /// The root, if `address` holds its word for `extent`.
  [[nodiscard]] static PageMap of_word(std::uint64_t address, const Extent& extent) {
    return PageMap(address - root_offset(extent));
  }

 private:
  static constexpr std::uint64_t fan_out = std::uint64_t{1} << 18;
  [[nodiscard]] static std::uint64_t root_offset(const Extent& extent) { return (extent.start >> 30) * 8; }
  [[nodiscard]] static std::uint64_t descriptor_of(std::uint64_t entry) { return entry & 0x0000'FFFF'FFFF'FFC0; }
  /// Calls f(index, word) for the words of a node that are in the core and not 0.
  template <typename F>
  static void for_each_word(const ProcessImage& image, std::uint64_t node, F&& f) {
    const std::uint64_t end = node + fan_out * 8;
    if (node % 8 != 0 || end < node) return;
    const auto ranges = image.ranges();
    auto range = std::partition_point(ranges.begin(), ranges.end(),
                                      [&](const ProcessImage::Range& before) { return before.end <= node; });
    for (; range != ranges.end() && range->start < end; ++range) {
      if (!range->present()) continue;
      const std::uint64_t stop = std::min(end, range->end);
      for (std::uint64_t at = std::max(node, (range->start + 7) & ~std::uint64_t{7}); at < stop && stop - at >= 8;
           at += 8) {
        const auto word = load_le<std::uint64_t>(range->data + (at - range->start));
        if (word != 0) f((at - node) / 8, word);
      }
    }
  }
  std::uint64_t root_;
};

/// Looks for the page map's root. It lies in the data of whatever module jemalloc is in: a word outside extents and
/// metadata that points to a leaf in a base block.
class PageMapFinder {
 public:
  PageMapFinder(const ProcessImage& image, const Extents& found)
      : image_(image), found_(found), lowest_(found.base_blocks.front().start), highest_(found.base_blocks.back().end) {
    const std::vector<Extent>& sorted = found.extents;
    for (const BaseBlock& block : found.base_blocks) taken_.emplace_back(block.start, block.end);
    for (const Extent& extent : sorted) taken_.emplace_back(extent.start, extent.end());
    std::sort(taken_.begin(), taken_.end());
    const std::size_t step = std::max<std::size_t>(1, sorted.size() / most_witnesses);
    for (std::size_t i = 0; i < sorted.size() && witnesses_.size() < most_witnesses; i += step) {
      if (sorted[i].in_use) witnesses_.push_back(sorted[i]);
    }
  }

  std::optional<PageMap> find() {
    if (witnesses_.empty()) return std::nullopt;
    // Data of modules first: .data is mapped from a file, .bss lies behind it. The rest can be stacks and much else.
    for (const bool module : {true, false}) {
      std::uint64_t file_end = 0;
      for (const ProcessImage::Range& range : image_.ranges()) {
        const bool is_module = range.file >= 0 || range.start == file_end;
        if (range.file >= 0) file_end = range.end;
        if (range.writable && range.present() && is_module == module) look_outside_taken(range);
      }
      if (best_) break;
    }
    return best_;
  }

 private:
  void look_outside_taken(const ProcessImage::Range& range) {
    std::uint64_t at = range.start;
    auto taken = std::lower_bound(taken_.begin(), taken_.end(), std::pair(at, std::uint64_t{0}));
    if (taken != taken_.begin()) at = std::max(at, std::prev(taken)->second);
    for (; taken != taken_.end() && taken->first < range.end; ++taken) {
      if (taken->first > at) look(range, at, taken->first);
      at = std::max(at, taken->second);
    }
    if (at < range.end) look(range, at, range.end);
  }
  void look(const ProcessImage::Range& range, std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t at = (from + 7) & ~std::uint64_t{7}; at < to && to - at >= 8; at += 8) {
      const auto word = load_le<std::uint64_t>(range.data + (at - range.start));
      if (word >= lowest_ && word < highest_ && word % 64 == 0 && words_left_ != 0) try_leaf(at, word);
    }
  }
  void try_leaf(std::uint64_t at, std::uint64_t leaf) {
    --words_left_;
    for (const Extent& witness : witnesses_) {
      if (PageMap::ask_leaf(image_, leaf, witness) != PageMap::Answer::same) continue;
      // Threads remember the leaves that they used last: such a word is no root's, and knows one GiB only.
      const PageMap map = PageMap::of_word(at, witness);
      const auto right = std::count_if(witnesses_.begin(), witnesses_.end(), [&](const Extent& other) {
        return map.ask(image_, other) == PageMap::Answer::same;
      });
      if (right > best_right_ && roots_left_ != 0) {
        --roots_left_;
        if (map.leaves(image_, found_).empty()) return;
        best_ = map;
        best_right_ = right;
      }
      return;
    }
  }

  static constexpr std::size_t most_witnesses = 64;
  const ProcessImage& image_;
  const Extents& found_;                                        ///< extents sorted
  std::uint64_t lowest_, highest_;                              ///< leaves lie in between
  std::vector<std::pair<std::uint64_t, std::uint64_t>> taken_;  ///< by start; a damaged core's can overlap
  std::vector<Extent> witnesses_;                               ///< extents from all over the heap
  std::uint64_t words_left_ = 1 << 20;                          ///< a hostile core is full of pointers to leaves
  unsigned roots_left_ = 1024;
  std::optional<PageMap> best_;
  std::ptrdiff_t best_right_ = 0;
};

/// Leaves out what overlaps: of two, what the page map has stays, then what is in use, then the lower one.
void drop_overlaps(const ProcessImage& image, const std::optional<PageMap>& map, Extents& found, DamageLog& damage) {
  const auto rank = [&](const Extent& extent) {
    const bool right = map && map->ask(image, extent) == PageMap::Answer::same;
    return (right ? 2 : 0) + (extent.in_use || extent.state != ExtentState::active ? 1 : 0);
  };
  std::vector<Extent> kept;
  kept.reserve(found.extents.size());
  const auto drop = [&](const Extent& dropped, const Extent& for_this) {
    if (rank(dropped) % 2 == 0) return;  // a descriptor that nobody uses keeps what it said last
    ++found.overlaps;
    add_damage_at(image, damage, dropped.descriptor, 0,
                  "jemalloc: extent at " + hex_text(dropped.start) + " overlaps the one at " +
                      hex_text(for_this.start) + ": left out");
  };
  for (const Extent& extent : found.extents) {
    bool keep = true;
    while (keep && !kept.empty() && extent.start < kept.back().end()) {
      if (rank(extent) > rank(kept.back())) {
        drop(kept.back(), extent);
        kept.pop_back();
      } else {
        drop(extent, kept.back());
        keep = false;
      }
    }
    if (keep) kept.push_back(extent);
  }
  found.extents = std::move(kept);
}

/// Where descriptors keep what they said last: those that describe memory which nobody uses now, by the page map.
void drop_stale(const ProcessImage& image, const PageMap& map, Extents& found) {
  std::erase_if(found.extents, [&](const Extent& extent) {
    return !extent.in_use && map.ask(image, extent) == PageMap::Answer::other;
  });
}

/// Asks the page map for every extent; what it does not have and nothing else holds is no extent.
void check_page_map(const ProcessImage& image, const std::optional<PageMap>& map, Extents& found, DamageLog& damage) {
  std::erase_if(found.extents, [&](const Extent& extent) {
    const PageMap::Answer answer = map ? map->ask(image, extent) : PageMap::Answer::absent;
    const bool doubtful = !extent.in_use && extent.state == ExtentState::active;
    if (doubtful) return answer != PageMap::Answer::same;
    if (answer == PageMap::Answer::absent) return false;
    ++found.mapped;
    if (answer == PageMap::Answer::same) {
      ++found.mapped_right;
      return false;
    }
    add_damage_at(image, damage, extent.descriptor, 0,
                  "jemalloc: the page map does not have the extent at " + hex_text(extent.start) + ": left out");
    return true;
  });
}

/// Whether every extent that the page map has was read.
void check_completeness(const ProcessImage& image, const std::optional<PageMap>& map, Extents& found,
                        DamageLog& damage) {
  if (!map) return;
  map->check_entries(image, found);
  if (found.entries == found.entries_read) return;
  damage.add(0, 0,
             "jemalloc: " + std::to_string(found.entries - found.entries_read) +
                 " entries of the page map are of extents that could not be read: their blocks are not known");
}

void check_bitmaps(const ProcessImage& image, const SizeClasses& classes, Extents& found, DamageLog& damage) {
  for (const Extent& extent : found.extents) {
    if (!extent.slab) continue;
    const auto bitmap = slab_bitmap(image, extent);
    const auto regions = static_cast<unsigned>(extent.size / classes.size(extent.size_class));
    if (!bitmap || free_regions(*bitmap, regions) == extent.free_regions) continue;
    ++found.contradictions;
    add_damage_at(image, damage, extent.descriptor, 0,
                  "jemalloc: slab at " + hex_text(extent.start) + " counts " + std::to_string(extent.free_regions) +
                      " free regions, its bitmap " + std::to_string(free_regions(*bitmap, regions)));
  }
}

}  // namespace

SizeClasses::SizeClasses(std::uint64_t alignment) {
  const auto put = [&](std::uint64_t size) { sizes_[count_++] = size; };
  for (std::uint64_t tiny = 8; tiny < alignment; tiny *= 2) put(tiny);
  for (unsigned i = 1; i <= 4; ++i) put(alignment * i);
  for (std::uint64_t base = alignment * 4; base <= std::uint64_t{1} << 62; base *= 2) {
    for (unsigned i = 5; i <= 8; ++i) {
      if (base < std::uint64_t{1} << 62 || i < 8) put(base / 4 * i);
    }
  }
}

std::optional<SlabBitmap> slab_bitmap(const ProcessImage& image, const Extent& extent) {
  return image.load<SlabBitmap>(extent.descriptor + 64);
}

unsigned free_regions(const SlabBitmap& bitmap, unsigned regions) {
  unsigned count = 0;
  for (unsigned i = 0; i < bitmap.size() && i * 64 < regions; ++i) {
    const unsigned left = regions - i * 64;
    const std::uint64_t mask = left >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << left) - 1;
    count += static_cast<unsigned>(std::popcount(bitmap[i] & mask));
  }
  return count;
}

const Extent* Extents::find(std::uint64_t address) const {
  const auto next = std::upper_bound(extents.begin(), extents.end(), address,
                                     [](std::uint64_t wanted, const Extent& extent) { return wanted < extent.start; });
  if (next == extents.begin()) return nullptr;
  const Extent& extent = *std::prev(next);
  return address < extent.end() ? &extent : nullptr;
}

bool Extents::in_metadata(std::uint64_t address) const {
  const auto next = std::upper_bound(base_blocks.begin(), base_blocks.end(), address,
                                     [](std::uint64_t wanted, const BaseBlock& block) { return wanted < block.start; });
  return next != base_blocks.begin() && address < std::prev(next)->end;
}

std::optional<Extents> find_extents(const ProcessImage& image, DamageLog& damage) {
  Extents found;
  found.base_blocks = find_base_blocks(image, damage);
  if (found.base_blocks.empty()) return std::nullopt;
  found.alignment = found.base_blocks.front().alignment;
  for (const BaseBlock& block : found.base_blocks) {
    if (block.next == 0) continue;
    ++found.base_links;
    const auto next = std::lower_bound(found.base_blocks.begin(), found.base_blocks.end(), block.next,
                                       [](const BaseBlock& other, std::uint64_t start) { return other.start < start; });
    if (next != found.base_blocks.end() && next->start == block.next) {
      ++found.base_links_found;
    } else {
      add_damage_at(image, damage, block.start, 0,
                    "jemalloc: metadata at " + hex_text(block.next) +
                        " is not in the core: extents described there are not known");
    }
  }
  found.layout = found.base_blocks.front().layout;
  const SizeClasses classes(found.alignment);
  found.extents = read_descriptors(image, found.base_blocks, classes, *found.layout, damage);
  std::sort(found.extents.begin(), found.extents.end(), [](const Extent& a, const Extent& b) {
    return a.start != b.start ? a.start < b.start : a.descriptor < b.descriptor;
  });
  const std::optional<PageMap> map = PageMapFinder(image, found).find();
  if (map && found.layout->keeps_stale_states) drop_stale(image, *map, found);
  drop_overlaps(image, map, found, damage);
  check_page_map(image, map, found, damage);
  check_completeness(image, map, found, damage);
  check_bitmaps(image, classes, found, damage);
  const auto slabs = static_cast<std::uint64_t>(
      std::count_if(found.extents.begin(), found.extents.end(), [](const Extent& extent) { return extent.slab; }));
  if (found.contradictions > 8 && found.contradictions * 2 > slabs) {
    damage.add(0, 0, "jemalloc: slabs are not laid out as in version 5 with 4 KiB pages: its heap is not read");
    return std::nullopt;
  }
  return found;
}

}  // namespace formats::jemalloc

#include "formats/jemalloc_tcache.h"

#include <algorithm>
#include <utility>

#include "formats/heap_memory.h"

namespace formats::jemalloc {
namespace {

constexpr std::uint64_t bin_size = 24;
constexpr unsigned fewest_bins = 8;  // 41 by default; opt.tcache_max makes them more or fewer
constexpr std::uint64_t search_bytes = std::uint64_t{1} << 20;  // on one side of the thread pointer
constexpr unsigned threads_searched = 16;

/// A cache_bin_t: where its stack ends on both sides, and its top.
struct Bin {
  std::uint64_t full = 0;  ///< lowest place: the stack is full when its top is here
  std::uint64_t top = 0;
  std::uint64_t empty = 0;  ///< one past the highest place
};

/// Reads bins as a version lays them out.
class BinReader {
 public:
  BinReader(const Layout& layout, const SizeClasses& classes) : counting_(layout.counting_bins) {
    while (small_ < classes.count() && classes.size(small_) < 4 * page_size) ++small_;
  }

  /// What may be a bin. Where bins count, the lowest place is not in them: `full` is the top until a row tells.
  [[nodiscard]] std::optional<Bin> read(const std::byte* at) const {
    return counting_ ? read_counting(at) : read_pointing(at);
  }
  /// Whether the stack of `bin` lies right behind that of `before`; learns its lowest place from it.
  [[nodiscard]] bool follows(const Bin& before, Bin& bin) const {
    if (!counting_) return bin.full == before.empty;
    if (bin.empty <= before.empty || bin.empty - before.empty > most_places * 8 || bin.top < before.empty) return false;
    bin.full = before.empty;
    return true;
  }
  /// Consecutive bins whose stacks lie one behind the other; empty when they are fewer than a cache has.
  [[nodiscard]] std::vector<Bin> row(Bytes bytes, unsigned at_most) const {
    std::vector<Bin> bins;
    std::size_t at = extend(bins, bytes, 0, at_most);
    if (counting_ && bins.size() == small_) {  // the bins of large blocks, behind other fields
      for (std::size_t gap = 8; gap <= most_between && bins.size() == small_ && at < bytes.size(); gap += 8) {
        (void)extend(bins, bytes, at + gap, at_most);
      }
    }
    if (bins.size() < fewest_bins) bins.clear();
    return bins;
  }
  [[nodiscard]] bool counting() const { return counting_; }

 private:
  static constexpr std::uint64_t most_places = 4096;
  static constexpr std::size_t most_between = 256;  // 64 bytes in 5.0, 120 in 5.2

  static std::optional<Bin> read_pointing(const std::byte* at) {
    Bin bin;
    bin.top = load_le<std::uint64_t>(at);
    if (bin.top % 8 != 0 || bin.top < page_size) return std::nullopt;
    const auto low_top = static_cast<std::uint16_t>(bin.top);
    const auto low_full = load_le<std::uint16_t>(at + 18);
    const auto low_empty = load_le<std::uint16_t>(at + 20);
    const auto used = static_cast<std::uint16_t>(low_empty - low_top);
    const auto whole = static_cast<std::uint16_t>(low_empty - low_full);
    if (whole == 0 || used > whole || used % 8 != 0 || whole % 8 != 0) return std::nullopt;
    bin.empty = bin.top + used;
    bin.full = bin.empty - whole;
    return bin;
  }
  static std::optional<Bin> read_counting(const std::byte* at) {
    const auto low_water = load_le<std::int32_t>(at);
    const auto count = load_le<std::uint32_t>(at + 4);
    Bin bin;
    bin.empty = load_le<std::uint64_t>(at + 16);
    if (bin.empty % 8 != 0 || bin.empty < page_size + most_places * 8 || count > most_places || low_water < -1 ||
        low_water > static_cast<std::int32_t>(count)) {
      return std::nullopt;
    }
    bin.full = bin.top = bin.empty - std::uint64_t{count} * 8;
    return bin;
  }
  /// Appends the bins from `at` on; returns where they end.
  std::size_t extend(std::vector<Bin>& bins, Bytes bytes, std::size_t at, unsigned at_most) const {
    for (; at <= bytes.size() && bytes.size() - at >= bin_size && bins.size() < at_most; at += bin_size) {
      std::optional<Bin> bin = read(bytes.data() + at);
      if (!bin || (!bins.empty() && !follows(bins.back(), *bin))) break;
      bins.push_back(*bin);
    }
    return at;
  }

  bool counting_;
  unsigned small_ = 0;  ///< size classes of slabs
};

class Finder {
 public:
  Finder(const ProcessImage& image, const Extents& extents, const SizeClasses& classes, DamageLog& damage)
      : image_(image), extents_(extents), classes_(classes), reader_(*extents.layout, classes), damage_(damage) {}

  ThreadCaches find() {
    unsigned searched = 0;
    for (const elf::Thread& thread : image_.core().threads) {
      if (thread.thread_pointer == 0) continue;
      if (distance_ != 0) {
        take(thread.thread_pointer - distance_, thread.os_id);
      } else if (searched++ < threads_searched) {
        search(thread);
      }
    }
    find_made_by_program();
    std::sort(entries_.begin(), entries_.end());
    const auto unique = std::unique(entries_.begin(), entries_.end());
    const auto repeated = static_cast<std::uint64_t>(entries_.end() - unique);
    if (repeated != 0) {
      damage_.add(0, 0, "jemalloc: thread caches hold " + std::to_string(repeated) + " blocks twice: freed twice");
    }
    entries_.erase(unique, entries_.end());
    found_.entries_right = entries_.size();
    found_.cached = std::move(entries_);
    return std::move(found_);
  }

 private:
  void search(const elf::Thread& thread) {
    // Static TLS lies below the thread pointer, on AArch64 above it.
    const bool above = image_.core().machine == elf::Machine::aarch64;
    const ProcessImage::Range* range = image_.find(above ? thread.thread_pointer : thread.thread_pointer - 8);
    if (range == nullptr || !range->present()) return;
    const std::uint64_t pointer = thread.thread_pointer & ~std::uint64_t{7};
    const std::uint64_t highest = above ? pointer + std::min(search_bytes, range->end - pointer) : pointer;
    const std::uint64_t lowest = above ? pointer : pointer - std::min(search_bytes, pointer - range->start);
    for (std::uint64_t at = highest - bin_size * fewest_bins; at >= lowest && at < highest; at -= 8) {
      // A bin holds an address of the first stack, in a block; a word before the first bin does not fit the chain.
      if (!reader_.read(range->data + (at - range->start))) continue;
      if (!reader_.row(range->bytes().subspan(static_cast<std::size_t>(at - range->start)), fewest_bins).empty()) {
        first_of_row(*range, at, lowest);
        if (take(at, thread.os_id)) {
          distance_ = thread.thread_pointer - at;
          return;
        }
      }
    }
  }
  /// The search comes from above and meets a row of bins by its end: goes back to its first.
  void first_of_row(const ProcessImage::Range& range, std::uint64_t& at, std::uint64_t lowest) const {
    while (at - lowest >= bin_size) {
      const std::uint64_t before = at - bin_size;
      const auto bin = reader_.read(range.data + (before - range.start));
      auto next = reader_.read(range.data + (at - range.start));
      if (!bin || !next || !reader_.follows(*bin, *next)) return;
      at = before;
    }
  }
  /// Reads the cache whose bins begin here, if there is one.
  bool take(std::uint64_t address, std::int64_t thread) {
    const std::vector<Bin> bins = reader_.row(image_.at(address), classes_.count());
    if (bins.empty()) return false;
    ThreadCache cache;
    cache.thread = thread;
    cache.bins = address;
    cache.bins_end = address + bins.size() * bin_size;
    cache.stacks = bins.front().full;
    cache.stacks_end = bins.back().empty;
    const Extent* block = extents_.find(cache.stacks);
    if (block == nullptr || !block->in_use || cache.stacks_end > block->end()) return false;
    const std::uint64_t size = classes_.size(block->size_class);
    cache.block = block->slab ? block->start + (cache.stacks - block->start) / size * size : block->address;
    if (cache.stacks < cache.block || cache.stacks_end > cache.block + size) return false;
    if (reader_.counting()) {  // the first stack begins where its block does, or behind the bins
      cache.stacks = std::max(cache.block, address - cache.block < size ? cache.bins_end : 0);
    }
    const auto same = [&](const ThreadCache& other) { return other.block == cache.block; };
    if (std::any_of(found_.caches.begin(), found_.caches.end(), same)) return false;
    found_.caches.push_back(cache);
    for (std::size_t i = 0; i < bins.size(); ++i) read_stack(bins[i], static_cast<unsigned>(i));
    return true;
  }
  void read_stack(const Bin& bin, unsigned size_class) {
    for (std::uint64_t at = bin.top; at < bin.empty; at += 8) {
      ++found_.entries;
      const auto address = image_.word(at);
      const Extent* extent = address ? block_at(image_, extents_, classes_, *address) : nullptr;
      if (extent != nullptr && extent->size_class == size_class) {
        entries_.push_back(*address);
        continue;
      }
      add_damage_at(
          image_, damage_, at, 8,
          "jemalloc: a thread cache holds " + hex_text(address.value_or(0)) + ", which is no block of its size");
    }
  }
  /// Those lie in one block with their stacks, which are as long as those of a thread's: behind them, or before.
  void find_made_by_program() {
    if (found_.caches.empty()) return;
    const std::uint64_t stacks = found_.caches.front().stacks_end - found_.caches.front().block;
    const std::uint64_t first = reader_.counting() ? 0 : stacks;
    for (const Extent& extent : extents_.extents) {
      if (!extent.is_large()) continue;
      const std::uint64_t usable = classes_.size(extent.size_class);
      if (usable < stacks + fewest_bins * bin_size || usable > 2 * stacks + page_size) continue;
      const Bytes bytes = image_.at(extent.address);
      for (std::uint64_t at = first; at <= first + 64; at += 8) {
        if (bytes.size() < at + bin_size || !reader_.read(bytes.data() + at)) continue;
        if (take(extent.address + at, 0)) break;
      }
    }
  }

  const ProcessImage& image_;
  const Extents& extents_;
  const SizeClasses& classes_;
  BinReader reader_;
  DamageLog& damage_;
  ThreadCaches found_;
  std::vector<std::uint64_t> entries_;
  std::uint64_t distance_ = 0;  ///< of the bins below the thread pointer, modulo 2^64; 0 = not yet known
};

}  // namespace

const Extent* block_at(const ProcessImage& image, const Extents& extents, const SizeClasses& classes,
                       std::uint64_t address) {
  const Extent* extent = extents.find(address);
  if (extent == nullptr || !extent->in_use) return nullptr;
  if (!extent->slab) return extent->address == address ? extent : nullptr;
  const std::uint64_t size = classes.size(extent->size_class);
  const std::uint64_t region = (address - extent->start) / size;
  if (extent->start + region * size != address) return nullptr;
  const auto word = image.word(extent->descriptor + 64 + region / 64 * 8);
  return word && (*word >> region % 64 & 1) == 0 ? extent : nullptr;
}

ThreadCaches find_thread_caches(const ProcessImage& image, const Extents& extents, const SizeClasses& classes,
                                DamageLog& damage) {
  return Finder(image, extents, classes, damage).find();
}

}  // namespace formats::jemalloc

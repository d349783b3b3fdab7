#include "formats/tcmalloc_statics.h"

#include <algorithm>
#include <set>

#include "formats/tcmalloc_spans.h"

namespace formats::tcmalloc {
namespace {

constexpr std::int32_t largest_class = 256 << 10;
constexpr std::array<PageSize, 6> page_sizes{{{13}, {12}, {14}, {15}, {16}, {18}}};  // 8 KiB is the default

bool is_heap_memory(const ProcessImage& image, std::uint64_t address) {
  const ProcessImage::Range* range = image.find(address);
  return range != nullptr && range->writable && range->file < 0;
}

class Finder {
 public:
  explicit Finder(const ProcessImage& image) : image_(image), memory_(image) {}

  std::optional<Statics> find() {
    find_modules();
    if (!(find_size_classes() && find_page_map()) && !(image_.core().missing_bytes != 0 && find_without_statics())) {
      return std::nullopt;
    }
    return std::move(found_);
  }

 private:
  /// Writable data of programs and libraries with their .bss: where the allocator's statics are. Without a list of
  /// mapped files it can be anywhere.
  void find_modules() {
    constexpr std::uint64_t largest_bss = 256 << 20;
    std::uint64_t end = 0;  // of a module's data
    for (const ProcessImage::Range& range : image_.ranges()) {
      const bool of_module = range.file >= 0 || (range.start == end && range.size() <= largest_bss);
      if (of_module) end = range.end;
      if (range.writable && range.present() && !range.filled && (of_module || image_.core().files.empty())) {
        found_.modules.push_back({range.start, range.end});
      }
    }
  }

  /// An int32 table 0, 8, 16, … strictly rising to 256 KiB.
  bool find_size_classes() {
    constexpr std::size_t most = 256;
    for (const AddressRange& module : found_.modules) {
      for (std::uint64_t at = module.start; module.end - at >= 12; at += 4) {
        if (memory_.word(at) != std::uint64_t{8} << 32) continue;
        std::vector<std::int32_t> sizes{0, 8};
        for (std::uint64_t next = at + 8; sizes.size() < most && sizes.back() < largest_class; next += 4) {
          const auto size = memory_.load<std::int32_t>(next);
          if (!size || *size <= sizes.back() || *size % 8 != 0 || *size > largest_class) break;
          sizes.push_back(*size);
        }
        if (sizes.back() != largest_class || sizes.size() < 16) continue;
        found_.sizes = std::move(sizes);
        keep_module_with(at);
        return true;
      }
    }
    return false;
  }

  /// The allocator's other statics lie beside: only neighbours of the range with `address` are searched further.
  void keep_module_with(std::uint64_t address) {
    std::vector<AddressRange> run;
    for (const AddressRange& module : found_.modules) {
      if (!run.empty() && run.back().end != module.start) {
        if (run.back().end > address) break;
        run.clear();
      }
      run.push_back(module);
    }
    found_.modules = std::move(run);
  }

  /// Whether a span of objects is as large as one of them, and its first free object lies in it: not with another page
  /// size. Where a heap lies low, half of an address may be in it as well.
  bool has_room(std::uint64_t span, PageSize size) {
    const auto bits = memory_.load<std::uint32_t>(span + bits_at);
    const std::uint64_t size_class = bits ? *bits >> 16 & 0xFF : 0;
    const bool is_in_use = bits && (*bits >> 24 & 3) == 0;
    if (!is_in_use || size_class == 0 || size_class >= found_.sizes.size()) return true;
    const std::uint64_t start = memory_.word(span).value_or(0) << size.shift;
    const std::uint64_t end = start + (memory_.word(span + 8).value_or(0) << size.shift);
    if (end - start < static_cast<std::uint64_t>(found_.sizes[size_class])) return false;
    const std::uint64_t first_free = memory_.word(span + objects_at).value_or(0);
    return first_free == 0 || (first_free >= start && first_free < end);
  }

  /// Which root entry `leaf` belongs to, by its first spans. Inner pages of spans that were once others keep old
  /// entries: most have to agree, not all.
  std::optional<std::uint64_t> root_of_leaf(std::uint64_t leaf, PageSize size, unsigned* unsound = nullptr) {
    constexpr unsigned samples = 32;
    const Bytes bytes = image_.at(leaf);
    if (bytes.size() < size.leaf_entries() * 8) return std::nullopt;
    std::optional<std::uint64_t> root;
    unsigned sound = 0;
    unsigned seen = 0;
    for (std::uint64_t i = 0; i < size.leaf_entries() && seen < samples; ++i) {
      const auto span = load_le<std::uint64_t>(&bytes[static_cast<std::size_t>(i * 8)]);
      if (span == 0) continue;
      ++seen;
      const auto page = page_of_entry(memory_, span, i, size);
      if (!page || (root && *root != *page >> size.leaf_bits()) || !has_room(span, size)) continue;
      root = *page >> size.leaf_bits();
      ++sound;
      const std::uint64_t end = memory_.word(span).value_or(0) + memory_.word(span + 8).value_or(0);
      i += end - *page - 1;  // no further than the leaf: the loop ends there
    }
    if (unsound != nullptr) *unsound = seen - sound;
    return sound * 2 > seen ? root : std::nullopt;
  }

  bool find_page_map() {
    constexpr unsigned candidates = 1024;  // many more pointers to whole pages than the module's data has
    struct Votes {
      unsigned leaves = 0;
      unsigned unsound = 0;  ///< entries of them that disagree
    };
    std::map<std::pair<std::uint64_t, unsigned>, Votes> votes;  // by root and page size
    std::set<std::uint64_t> seen;
    for (const AddressRange& module : found_.modules) {
      for (std::uint64_t at = module.start; module.end - at >= 8; at += 8) {
        const std::uint64_t leaf = memory_.word(at).value_or(0);
        if (leaf == 0 || leaf % 4096 != 0 || !is_heap_memory(image_, leaf)) continue;
        if (seen.size() >= candidates || !seen.insert(leaf).second) continue;
        for (const PageSize& size : page_sizes) {
          unsigned unsound = 0;
          const auto root = root_of_leaf(leaf, size, &unsound);
          if (!root || at < *root * 8) continue;
          Votes& candidate = votes[{at - *root * 8, size.shift}];
          ++candidate.leaves;
          candidate.unsound += unsound;
        }
      }
    }
    if (votes.empty()) return false;
    const auto best = std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) {
      if (a.second.leaves != b.second.leaves) return a.second.leaves < b.second.leaves;
      return a.second.unsound > b.second.unsound;
    });
    found_.page_map = best->first.first;
    found_.page_size = PageSize{best->first.second};
    for (std::uint64_t root = 0; root < found_.page_size.root_entries(); ++root) {
      const std::uint64_t leaf = memory_.word(found_.page_map + root * 8).value_or(0);
      if (leaf != 0 && root_of_leaf(leaf, found_.page_size) == root) found_.leaves.emplace(root, leaf);
    }
    return true;
  }

  /// Of a core whose end is missing, and with it the library's data: size classes from a thread's cache, leaves of the
  /// page map from what points to spans. O(writable memory) per page size.
  bool find_without_statics() {
    if (!for_each_anonymous_word([&](std::uint64_t at, std::uint64_t) { return sizes_of_cache(at); })) return false;
    for (const PageSize& size : page_sizes) {
      found_.page_size = size;
      std::set<std::uint64_t> seen;
      for_each_anonymous_word([&](std::uint64_t at, std::uint64_t word) {
        add_leaf_around(at, word, seen);
        return false;
      });
      if (!found_.leaves.empty()) return true;
    }
    return false;
  }

  /// Until f(address, word) is true; whether it was.
  template <typename F>
  bool for_each_anonymous_word(F&& f) {
    for (const ProcessImage::Range& range : image_.ranges()) {
      if (!range.writable || !range.present() || range.file >= 0) continue;
      const Bytes bytes = range.bytes();
      for (std::size_t at = 0; bytes.size() - at >= 8; at += 8) {
        if (f(range.start + at, load_le<std::uint64_t>(&bytes[at]))) return true;
      }
    }
    return false;
  }

  bool sizes_of_cache(std::uint64_t cache) {
    constexpr std::size_t most = 256;
    if (memory_.load<std::int32_t>(cache + list_bytes + list_size_at) != 8) return false;
    std::vector<std::int32_t> sizes{0, 8};
    while (sizes.size() < most && sizes.back() < largest_class) {
      const auto size = memory_.load<std::int32_t>(cache + sizes.size() * list_bytes + list_size_at);
      if (!size || *size <= sizes.back() || *size % 8 != 0 || *size > largest_class) return false;
      sizes.push_back(*size);
    }
    if (sizes.size() < 16 || sizes.size() == most) return false;
    found_.sizes = std::move(sizes);
    return true;
  }

  void add_leaf_around(std::uint64_t at, std::uint64_t span, std::set<std::uint64_t>& seen) {
    constexpr std::size_t candidates = 1024;
    if (span < 4096 || span % 8 != 0) return;
    const auto page = memory_.word(span);
    if (!page || *page == 0 || *page >> found_.page_size.bits() != 0) return;
    const std::uint64_t into = (*page & (found_.page_size.leaf_entries() - 1)) * 8;
    if (at < into || (at - into) % 4096 != 0 || seen.size() >= candidates || seen.count(at - into) != 0) return;
    if (!is_heap_memory(image_, *page << found_.page_size.shift)) return;
    seen.insert(at - into);
    const auto root = root_of_leaf(at - into, found_.page_size);
    if (root) found_.leaves.emplace(*root, at - into);
  }

  const ProcessImage& image_;
  HeapMemory memory_;
  Statics found_;
};

}  // namespace

std::optional<std::uint64_t> page_of_entry(HeapMemory& memory, std::uint64_t span, std::uint64_t index, PageSize size) {
  if (span % 8 != 0) return std::nullopt;
  const std::uint64_t start = memory.word(span).value_or(0);
  const std::uint64_t length = memory.word(span + 8).value_or(0);
  const std::uint64_t pages = std::uint64_t{1} << size.bits();
  if (start == 0 || start >= pages || length == 0 || length > pages - start) return std::nullopt;
  const std::uint64_t into = (index - start) & (size.leaf_entries() - 1);
  if (into >= length || !is_heap_memory(memory.image(), (start + into) << size.shift)) return std::nullopt;
  return start + into;
}

std::optional<Statics> find_statics(const ProcessImage& image) { return Finder(image).find(); }

}  // namespace formats::tcmalloc

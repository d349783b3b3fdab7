// Longer than files here are: finding the statics, reading spans and reading caches share most of their state.
#include "formats/tcmalloc_heap.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <set>

#include "formats/heap_memory.h"

namespace formats {
namespace {

constexpr std::int32_t largest_class = 256 << 10;
constexpr unsigned address_bits = 48;

// Span: start page 0, length 8, next 16, prev 24, objects 32, then bits: refcount 0-15, sizeclass 16-23, location
// 24-25.
constexpr unsigned span_bytes = 48, objects_at = 32, bits_at = 40;
enum class Location : std::uint8_t { in_use, free, returned };

// ThreadCache::FreeList: list 0, length u32 8, size i32 24.
constexpr unsigned list_bytes = 32, list_length_at = 8, list_size_at = 24;

// CentralFreeList: size_class 8, empty_ 16, nonempty_ 64, num_spans_ 112, counter_ 120, tc_slots_ 128, used_slots_ i32,
// cache_size_ i32, max_cache_size_ i32.
constexpr unsigned counter_at = 120, slots_at = 128, slots = 64, used_slots_at = slots_at + 16 * slots;

struct Span {
  std::uint64_t header = 0;
  std::uint64_t start = 0;  ///< address
  std::uint64_t end = 0;
  std::uint32_t object_size = 0;  ///< 0 = one block
  std::uint32_t count = 0;        ///< objects
  std::uint16_t referenced = 0;
  std::uint8_t size_class = 0;
  Location location = Location::in_use;
};

/// Page numbers and how the page map splits them: root 2^root_bits pointers to leaves of 2^leaf_bits.
struct PageSize {
  unsigned shift = 0;
  [[nodiscard]] unsigned bits() const { return address_bits - shift; }
  [[nodiscard]] unsigned leaf_bits() const { return (bits() + 1) / 2; }
  [[nodiscard]] std::uint64_t leaf_entries() const { return std::uint64_t{1} << leaf_bits(); }
  [[nodiscard]] std::uint64_t root_entries() const { return std::uint64_t{1} << (bits() - leaf_bits()); }
};
constexpr std::array<PageSize, 6> page_sizes{{{13}, {12}, {14}, {15}, {16}, {18}}};  // 8 KiB is the default

/// The objects of a span that are on its list.
struct FreeObjects {
  std::vector<bool> is_free;
  std::uint64_t count = 0;
  std::uint64_t broken_at = 0;  ///< 0 = sound
  std::string_view broken;
};

FreeObjects find_free(HeapMemory& memory, const Span& span) {
  FreeObjects free;
  free.is_free.resize(span.count);
  std::uint64_t link_at = span.header + objects_at;
  const auto stop = [&](std::string_view why) {
    free.broken_at = link_at;
    free.broken = why;
    return free;
  };
  for (;;) {
    const auto object = memory.word(link_at);
    if (!object) return stop("lies in bytes that the core lacks");
    if (*object == 0) return free;
    const std::uint64_t offset = *object - span.start;
    const std::uint64_t index = offset / span.object_size;
    if (*object < span.start || index >= span.count) return stop("leaves its span");
    if (index * span.object_size != offset) return stop("points between two objects");
    if (free.is_free[static_cast<std::size_t>(index)]) return stop("comes to an object that it had before");
    free.is_free[static_cast<std::size_t>(index)] = true;
    ++free.count;
    link_at = *object;
  }
}

class TcmallocHeap final : public HeapWalk {
 public:
  TcmallocHeap(const ProcessImage& image, DamageLog& damage) : image_(&image), memory_(image), damage_(damage) {}

  /// False when there is no such heap here, or one of a version that is not read.
  bool find() {
    find_modules();
    if (!(find_size_classes() && find_page_map()) && !(image_->core().missing_bytes != 0 && find_without_statics())) {
      return false;
    }
    read_spans();
    if (spans_.empty()) return false;
    read_free_objects();
    if (!find_thread_caches()) return refuse("no thread cache is laid out as in the versions that are read");
    if (!find_central_cache()) {
      if (page_map_ != 0) return refuse("the central cache is not laid out as in the versions that are read");
      broken(0, 0, "the central cache is missing with the core's end: objects in it count as used");
    }
    std::sort(cached_.begin(), cached_.end());
    cached_.erase(std::unique(cached_.begin(), cached_.end()), cached_.end());
    make_regions();
    make_metadata();
    find_own_blocks();
    return true;
  }

  [[nodiscard]] std::string allocator() const override { return "gperftools tcmalloc 2.x"; }
  [[nodiscard]] const std::vector<HeapRegion>& regions() const override { return regions_; }
  [[nodiscard]] const std::vector<HeapCheck>& checks() const override { return checks_; }
  [[nodiscard]] const std::vector<AddressRange>& metadata() const override { return metadata_; }
  [[nodiscard]] const std::vector<std::pair<std::uint64_t, std::string>>& own_blocks() const override {
    return own_blocks_;
  }

  void visit(std::size_t region, const BlockVisitor& block) const override {
    const Span& span = spans_[region];
    if (span.object_size == 0) {
      block({span.start, span.end - span.start, span.location == Location::in_use ? BlockState::used : BlockState::free,
             -1});
      return;
    }
    HeapMemory memory(*image_);
    const FreeObjects free = find_free(memory, span);
    const bool cut = image_->at(span.start).size() < span.end - span.start;
    auto cached = std::lower_bound(cached_.begin(), cached_.end(), span.start);
    for (std::uint32_t i = 0; i < span.count; ++i) {
      const std::uint64_t address = span.start + std::uint64_t{i} * span.object_size;
      if (cut && image_->at(address).empty()) continue;  // nothing is known of it
      BlockState state = free.is_free[i] ? BlockState::free : BlockState::used;
      while (cached != cached_.end() && *cached < address) ++cached;
      if (cached != cached_.end() && *cached == address) {
        state = BlockState::cached;
      }
      block({address, span.object_size, state, state == BlockState::used ? -1 : span.size_class});
    }
  }

 private:
  void broken(std::uint64_t address, std::uint64_t bytes, const std::string& what) {
    add_damage_at(*image_, damage_, address, bytes, "tcmalloc: " + what);
  }
  bool refuse(const std::string& why) {
    broken(page_map_, 0, why + ": not walked");
    return false;
  }

  /// Writable data of programs and libraries with their .bss: where the allocator's statics are. Without a list of
  /// mapped files it can be anywhere.
  void find_modules() {
    constexpr std::uint64_t largest_bss = 256 << 20;
    std::uint64_t end = 0;  // of a module's data
    for (const ProcessImage::Range& range : image_->ranges()) {
      const bool of_module = range.file >= 0 || (range.start == end && range.size() <= largest_bss);
      if (of_module) end = range.end;
      if (range.writable && range.present() && !range.filled && (of_module || image_->core().files.empty())) {
        modules_.push_back({range.start, range.end});
      }
    }
  }

  /// An int32 table 0, 8, 16, … strictly rising to 256 KiB.
  bool find_size_classes() {
    constexpr std::size_t most = 256;
    for (const AddressRange& module : modules_) {
      for (std::uint64_t at = module.start; module.end - at >= 12; at += 4) {
        if (memory_.word(at) != std::uint64_t{8} << 32) continue;
        std::vector<std::int32_t> sizes{0, 8};
        for (std::uint64_t next = at + 8; sizes.size() < most && sizes.back() < largest_class; next += 4) {
          const auto size = memory_.load<std::int32_t>(next);
          if (!size || *size <= sizes.back() || *size % 8 != 0 || *size > largest_class) break;
          sizes.push_back(*size);
        }
        if (sizes.back() != largest_class || sizes.size() < 16) continue;
        sizes_ = std::move(sizes);
        keep_module_with(at);
        return true;
      }
    }
    return false;
  }

  /// The allocator's other statics lie beside: only neighbours of the range with `address` are searched further.
  void keep_module_with(std::uint64_t address) {
    std::vector<AddressRange> run;
    for (const AddressRange& module : modules_) {
      if (!run.empty() && run.back().end != module.start) {
        if (run.back().end > address) break;
        run.clear();
      }
      run.push_back(module);
    }
    modules_ = std::move(run);
  }

  [[nodiscard]] bool is_heap_memory(std::uint64_t address) const {
    const ProcessImage::Range* range = image_->find(address);
    return range != nullptr && range->writable && range->file < 0;
  }

  /// The page that entry `index` of a leaf stands for, when the entry is a span that holds such a page.
  std::optional<std::uint64_t> page_of_entry(std::uint64_t span, std::uint64_t index, PageSize size) {
    if (span % 8 != 0) return std::nullopt;
    const std::uint64_t start = memory_.word(span).value_or(0);
    const std::uint64_t length = memory_.word(span + 8).value_or(0);
    const std::uint64_t pages = std::uint64_t{1} << size.bits();
    if (start == 0 || start >= pages || length == 0 || length > pages - start) return std::nullopt;
    const std::uint64_t into = (index - start) & (size.leaf_entries() - 1);
    if (into >= length || !is_heap_memory((start + into) << size.shift)) return std::nullopt;
    return start + into;
  }

  /// Which root entry `leaf` belongs to, by its first spans. Inner pages of spans that were once others keep old
  /// entries: most have to agree, not all.
  std::optional<std::uint64_t> root_of_leaf(std::uint64_t leaf, PageSize size) {
    constexpr unsigned samples = 32;
    const Bytes bytes = image_->at(leaf);
    if (bytes.size() < size.leaf_entries() * 8) return std::nullopt;
    std::optional<std::uint64_t> root;
    unsigned sound = 0;
    unsigned seen = 0;
    for (std::uint64_t i = 0; i < size.leaf_entries() && seen < samples; ++i) {
      const auto span = load_le<std::uint64_t>(&bytes[static_cast<std::size_t>(i * 8)]);
      if (span == 0) continue;
      ++seen;
      const auto page = page_of_entry(span, i, size);
      if (!page || (root && *root != *page >> size.leaf_bits())) continue;
      root = *page >> size.leaf_bits();
      ++sound;
      const std::uint64_t end = memory_.word(span).value_or(0) + memory_.word(span + 8).value_or(0);
      i += end - *page - 1;  // no further than the leaf: the loop ends there
    }
    return sound * 2 > seen ? root : std::nullopt;
  }

  bool find_page_map() {
    constexpr unsigned candidates = 1024;  // many more pointers to whole pages than the module's data has
    std::map<std::pair<std::uint64_t, unsigned>, unsigned> votes;  // by root and page size
    std::set<std::uint64_t> seen;
    for (const AddressRange& module : modules_) {
      for (std::uint64_t at = module.start; module.end - at >= 8; at += 8) {
        const std::uint64_t leaf = memory_.word(at).value_or(0);
        if (leaf == 0 || leaf % 4096 != 0 || !is_heap_memory(leaf)) continue;
        if (seen.size() >= candidates || !seen.insert(leaf).second) continue;
        for (const PageSize& size : page_sizes) {
          const auto root = root_of_leaf(leaf, size);
          if (root && at >= *root * 8) ++votes[{at - *root * 8, size.shift}];
        }
      }
    }
    if (votes.empty()) return false;
    const auto best =
        std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    page_map_ = best->first.first;
    page_size_ = PageSize{best->first.second};
    for (std::uint64_t root = 0; root < page_size_.root_entries(); ++root) {
      const std::uint64_t leaf = memory_.word(page_map_ + root * 8).value_or(0);
      if (leaf != 0 && root_of_leaf(leaf, page_size_) == root) leaves_.emplace(root, leaf);
    }
    return true;
  }

  /// Of a core whose end is missing, and with it the library's data: size classes from a thread's cache, leaves of the
  /// page map from what points to spans. O(writable memory) per page size.
  bool find_without_statics() {
    if (!for_each_anonymous_word([&](std::uint64_t at, std::uint64_t) { return sizes_of_cache(at); })) return false;
    for (const PageSize& size : page_sizes) {
      page_size_ = size;
      std::set<std::uint64_t> seen;
      for_each_anonymous_word([&](std::uint64_t at, std::uint64_t word) {
        add_leaf_around(at, word, seen);
        return false;
      });
      if (!leaves_.empty()) return true;
    }
    return false;
  }

  /// Until f(address, word) is true; whether it was.
  template <typename F>
  bool for_each_anonymous_word(F&& f) {
    for (const ProcessImage::Range& range : image_->ranges()) {
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
    sizes_ = std::move(sizes);
    return true;
  }

  void add_leaf_around(std::uint64_t at, std::uint64_t span, std::set<std::uint64_t>& seen) {
    constexpr std::size_t candidates = 1024;
    if (span < 4096 || span % 8 != 0) return;
    const auto page = memory_.word(span);
    if (!page || *page == 0 || *page >> page_size_.bits() != 0) return;
    const std::uint64_t into = (*page & (page_size_.leaf_entries() - 1)) * 8;
    if (at < into || (at - into) % 4096 != 0 || seen.size() >= candidates || seen.count(at - into) != 0) return;
    if (!is_heap_memory(*page << page_size_.shift)) return;
    seen.insert(at - into);
    const auto root = root_of_leaf(at - into, page_size_);
    if (root) leaves_.emplace(*root, at - into);
  }

  void read_spans() {
    std::set<std::uint64_t> read;
    std::uint64_t next = 0;  // first page not read yet
    const std::uint64_t leaf_bytes = page_size_.leaf_entries() * 8;
    for (const auto& [root, leaf] : leaves_) {
      const auto above = read.lower_bound(leaf);  // leaves do not overlap: what is read stays within the image
      if (above != read.end() && *above - leaf < leaf_bytes) continue;
      if (above != read.begin() && leaf - *std::prev(above) < leaf_bytes) continue;
      read.insert(above, leaf);
      metadata_.push_back({leaf, leaf + leaf_bytes});
      const Bytes bytes = image_->at(leaf);
      const std::uint64_t first = root << page_size_.leaf_bits();
      for (std::uint64_t page = std::max(next, first); page < first + page_size_.leaf_entries();) {
        const auto header = load_le<std::uint64_t>(&bytes[static_cast<std::size_t>((page - first) * 8)]);
        const std::uint64_t length = header == 0 ? 0 : read_span(header, page);
        page += length == 0 ? 1 : length;
        next = page;
      }
    }
  }

  /// Returns its pages; 0 when there is no span that begins at `page`.
  std::uint64_t read_span(std::uint64_t header, std::uint64_t page) {
    const auto bits = memory_.load<std::uint32_t>(header + bits_at);
    if (memory_.word(header) != page || !page_of_entry(header, page, page_size_) || !bits) {
      broken(header, span_bytes,
             "page map has " + hex_text(header) + " for the page at " + hex_text(page << page_size_.shift) +
                 ", no span that begins there");
      return 0;
    }
    const std::uint64_t length = memory_.word(header + 8).value_or(0);
    Span span;
    span.header = header;
    span.start = page << page_size_.shift;
    span.end = (page + length) << page_size_.shift;
    span.referenced = static_cast<std::uint16_t>(*bits & 0xFFFF);
    span.size_class = static_cast<std::uint8_t>(*bits >> 16);
    const unsigned location = *bits >> 24 & 3;
    if (location > 2 || span.size_class >= sizes_.size()) {
      broken(header, span_bytes, "span at " + hex_text(span.start) + " is damaged: left out");
      return length;
    }
    span.location = static_cast<Location>(location);
    if (span.location == Location::in_use && span.size_class != 0) {
      span.object_size = static_cast<std::uint32_t>(sizes_[span.size_class]);
      const std::uint64_t count = (span.end - span.start) / span.object_size;
      if (count == 0 || count > 0xFFFF) {
        broken(header, span_bytes, "span at " + hex_text(span.start) + " has no room for its class: left out");
        return length;
      }
      span.count = static_cast<std::uint32_t>(count);
    }
    spans_.push_back(span);
    return length;
  }

  void read_free_objects() {
    std::uint64_t with_objects = 0;
    std::uint64_t agreeing = 0;
    free_of_class_.assign(sizes_.size(), 0);
    out_of_class_.assign(sizes_.size(), 0);
    for (const Span& span : spans_) {
      if (span.object_size == 0) continue;
      ++with_objects;
      const FreeObjects free = find_free(memory_, span);
      free_of_class_[span.size_class] += free.count;
      out_of_class_[span.size_class] += span.count - free.count;
      if (free.broken_at != 0) {
        broken(free.broken_at, 8,
               "free list of the span at " + hex_text(span.start) + " " + std::string(free.broken) + ", at " +
                   hex_text(free.broken_at) + " (" + std::to_string(span.object_size) + "-byte objects)");
      } else if (span.count - free.count != span.referenced) {
        broken(span.header + bits_at, 0,
               "span at " + hex_text(span.start) + " counts " + std::to_string(span.referenced) + " objects out, " +
                   std::to_string(span.count - free.count) + " are not on its list");
      }
      if (span.count - free.count == span.referenced) ++agreeing;
    }
    checks_.push_back({"spans whose free lists and counts agree", with_objects, agreeing});
  }

  [[nodiscard]] const Span* span_with(std::uint64_t address) const {
    const auto next = std::upper_bound(spans_.begin(), spans_.end(), address,
                                       [](std::uint64_t wanted, const Span& span) { return wanted < span.start; });
    if (next == spans_.begin() || address >= std::prev(next)->end) return nullptr;
    return &*std::prev(next);
  }

  [[nodiscard]] bool is_object(std::uint64_t address, std::size_t size_class) const {
    const Span* span = span_with(address);
    return span != nullptr && span->object_size != 0 && span->size_class == size_class &&
           (address - span->start) % span->object_size == 0 &&
           (address - span->start) / span->object_size < span->count;
  }

  /// Takes a cache's list of objects of one class: at most `length`, up to `last` (0 = to the end). False = broken.
  /// No list has more objects than its class has out; cycles end at that.
  bool take_list(std::uint64_t first, std::uint64_t last, std::uint64_t length, std::size_t size_class) {
    const std::size_t before = cached_.size();
    std::uint64_t object = first;
    for (std::uint64_t i = 0; i < length; ++i) {
      if (object == 0) return true;
      if (!is_object(object, size_class) || taken_of_class_[size_class] >= out_of_class_[size_class]) {
        broken(object, 8,
               "list of cached " + std::to_string(sizes_[size_class]) + "-byte objects goes wrong at " +
                   hex_text(object) + ", behind " + std::to_string(cached_.size() - before) + " objects");
        return false;
      }
      cached_.push_back(object);
      ++taken_of_class_[size_class];
      if (object == last) return true;
      object = memory_.word(object).value_or(0);
    }
    return true;
  }

  /// Whether the free lists of a thread's cache lie at `address`.
  bool is_thread_cache(std::uint64_t address) {
    for (std::size_t i = 1; i < sizes_.size(); ++i) {
      if (memory_.load<std::int32_t>(address + i * list_bytes + list_size_at) != sizes_[i]) return false;
    }
    return true;
  }

  bool find_thread_caches() {
    taken_of_class_.assign(sizes_.size(), 0);
    std::uint64_t counted = 0;
    std::uint64_t found = 0;
    const std::uint64_t cache_bytes = sizes_.size() * list_bytes;
    const auto search = [&](std::uint64_t from, std::uint64_t to) {
      for (std::uint64_t at = from; to - at >= cache_bytes && at < to;) {
        // The second list's size tells most words apart.
        if (memory_.load<std::int32_t>(at + list_bytes + list_size_at) != sizes_[1] || !is_thread_cache(at)) {
          at += 8;
          continue;
        }
        metadata_.push_back({at, at + cache_bytes});
        ++thread_caches_;
        for (std::size_t i = 1; i < sizes_.size(); ++i) {
          const std::uint64_t list = at + i * list_bytes;
          const std::uint64_t length = memory_.load<std::uint32_t>(list + list_length_at).value_or(0);
          const std::size_t before = cached_.size();
          take_list(memory_.word(list).value_or(0), 0, length, i);
          counted += length;
          found += cached_.size() - before;
        }
        at += cache_bytes;
      }
    };
    std::size_t next = 0;  // spans hold no caches
    for (const ProcessImage::Range& range : image_->ranges()) {
      if (!range.writable || !range.present() || range.file >= 0) continue;
      std::uint64_t from = range.start;
      while (next < spans_.size() && spans_[next].end <= range.start) ++next;
      for (std::size_t i = next; i < spans_.size() && spans_[i].start < range.end; ++i) {
        if (spans_[i].start > from) search(from, spans_[i].start);
        from = std::max(from, spans_[i].end);
      }
      if (from < range.end) search(from, range.end);
    }
    checks_.push_back({"objects in " + std::to_string(thread_caches_) + " thread caches", counted, found});
    return thread_caches_ != 0;
  }

  /// Whether the central free list of `size_class` lies at `address`: its number, its two rings of spans, its slots.
  bool is_central_list(std::uint64_t address, std::size_t size_class) {
    if (memory_.word(address + 8) != size_class) return false;
    for (const unsigned ring : {16u, 64u}) {
      const std::uint64_t first = memory_.word(address + ring + 16).value_or(0);
      if (first == 0 || memory_.word(first + 24) != address + ring) return false;
    }
    const auto used = memory_.load<std::int32_t>(address + used_slots_at);
    const auto size = memory_.load<std::int32_t>(address + used_slots_at + 4);
    const auto most = memory_.load<std::int32_t>(address + used_slots_at + 8);
    return used && size && most && 0 <= *used && *used <= *size && *size <= *most && *most <= static_cast<int>(slots);
  }

  bool find_central_cache() {
    constexpr std::uint64_t smallest = used_slots_at + 16, largest = smallest + 512;
    for (const AddressRange& module : modules_) {
      for (std::uint64_t at = module.start; module.end - at >= smallest; at += 8) {
        if (memory_.word(at + 8) != 1u || !is_central_list(at, 1)) continue;
        for (std::uint64_t stride = smallest; stride <= largest; stride += 8) {
          if (!is_central_list(at + stride, 2) || !is_central_list(at + 2 * stride, 3)) continue;
          read_central_cache(at - stride, stride);
          return true;
        }
      }
    }
    return false;
  }

  void read_central_cache(std::uint64_t base, std::uint64_t stride) {
    std::uint64_t counted = 0;
    std::uint64_t found = 0;
    for (std::size_t i = 1; i < sizes_.size(); ++i) {
      const std::uint64_t list = base + i * stride;
      if (!is_central_list(list, i)) {
        broken(list, stride, "central free list of " + std::to_string(sizes_[i]) + "-byte objects is damaged");
        continue;
      }
      counted += memory_.word(list + counter_at).value_or(0);
      found += free_of_class_[i];
      const std::int32_t used = memory_.load<std::int32_t>(list + used_slots_at).value_or(0);
      for (std::int32_t slot = 0; slot < used; ++slot) {
        const std::uint64_t pair = list + slots_at + static_cast<unsigned>(slot) * 16;
        take_list(memory_.word(pair).value_or(0), memory_.word(pair + 8).value_or(0), out_of_class_[i] + 1, i);
      }
    }
    checks_.push_back({"free objects that the central cache counts", counted, found});
    // Slots beyond the used ones keep old pointers.
    metadata_.push_back({base, base + sizes_.size() * stride});
  }

  void make_regions() {
    regions_.reserve(spans_.size());
    for (const Span& span : spans_) {
      HeapRegion region;
      region.start = span.start;
      region.end = span.end;
      if (span.location == Location::free) {
        region.kind = region.name = "free span";
      } else if (span.location == Location::returned) {
        region.kind = region.name = "returned span";
      } else if (span.object_size == 0) {
        region.kind = region.name = "large span";
      } else {
        region.kind = "span";
        region.name = "span of " + std::to_string(span.object_size) + "-byte objects";
      }
      region.name.insert(0, "tcmalloc ");
      regions_.push_back(std::move(region));
    }
  }

  /// The spans' structures lie side by side; those given up in between keep old pointers too.
  void make_metadata() {
    constexpr std::uint64_t gap = 4096;
    std::vector<std::uint64_t> headers;
    headers.reserve(spans_.size());
    for (const Span& span : spans_) headers.push_back(span.header);
    std::sort(headers.begin(), headers.end());
    AddressRange run;
    for (const std::uint64_t header : headers) {
      if (run.end != 0 && header - run.start <= run.end - run.start + gap) {
        run.end = std::max(run.end, header + span_bytes);
        continue;
      }
      if (run.end != 0) metadata_.push_back(run);
      run = {header, header + span_bytes};
    }
    if (run.end != 0) metadata_.push_back(run);
    std::sort(metadata_.begin(), metadata_.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
  }

  /// The library makes its MallocExtension objects with its own operator new. When it is a library of its own (not
  /// linked into the program), small objects with one of its vtables can be nothing else.
  void find_own_blocks() {
    constexpr std::uint32_t largest = 32;
    const auto path_at = [&](std::uint64_t address) {
      const ProcessImage::Range* range = image_->find(address);
      return range == nullptr || range->file < 0 ? std::string_view()
                                                 : image_->core().files[static_cast<std::size_t>(range->file)].path;
    };
    std::string_view library;
    for (const AddressRange& module : modules_) library = library.empty() ? path_at(module.start) : library;
    if (library.substr(library.rfind('/') + 1).find("tcmalloc") == std::string_view::npos) return;
    for (std::size_t i = 0; i < spans_.size(); ++i) {
      if (spans_[i].object_size == 0 || spans_[i].object_size > largest) continue;
      visit(i, [&](const HeapBlock& block) {
        if (block.state != BlockState::used || path_at(memory_.word(block.address).value_or(0)) != library) return;
        own_blocks_.emplace_back(block.address, "tcmalloc's MallocExtension");
      });
    }
  }

  const ProcessImage* image_;
  HeapMemory memory_;
  DamageLog& damage_;
  std::vector<AddressRange> modules_;  ///< writable data; of the allocator alone once its size classes are found
  std::vector<std::int32_t> sizes_;    ///< by size class; class 0 is none
  std::uint64_t page_map_ = 0;         ///< its root; 0 = beyond the core's end
  std::map<std::uint64_t, std::uint64_t> leaves_;  ///< by root entry
  PageSize page_size_;
  std::vector<Span> spans_;                    ///< by start; regions_ beside
  std::vector<std::uint64_t> free_of_class_;   ///< on the spans' lists
  std::vector<std::uint64_t> out_of_class_;    ///< not on them: used or cached
  std::vector<std::uint64_t> taken_of_class_;  ///< cached
  std::vector<std::uint64_t> cached_;          ///< sorted
  std::uint64_t thread_caches_ = 0;
  std::vector<HeapRegion> regions_;
  std::vector<HeapCheck> checks_;
  std::vector<AddressRange> metadata_;
  std::vector<std::pair<std::uint64_t, std::string>> own_blocks_;
};

}  // namespace

std::unique_ptr<HeapWalk> find_tcmalloc_heap(const ProcessImage& image, DamageLog& damage) {
  auto heap = std::make_unique<TcmallocHeap>(image, damage);
  if (!heap->find()) return nullptr;
  return heap;
}

}  // namespace formats

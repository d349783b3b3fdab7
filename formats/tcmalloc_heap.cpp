#include "formats/tcmalloc_heap.h"

#include <algorithm>

#include "formats/heap_memory.h"
#include "formats/tcmalloc_spans.h"
#include "formats/tcmalloc_statics.h"

namespace formats {
namespace {

using namespace tcmalloc;

// CentralFreeList: size_class 8, empty_ 16, nonempty_ 64, num_spans_ 112, counter_ 120, tc_slots_ 128, used_slots_ i32,
// cache_size_ i32, max_cache_size_ i32.
constexpr unsigned counter_at = 120, slots_at = 128, slots = 64, used_slots_at = slots_at + 16 * slots;

class TcmallocHeap final : public HeapWalk {
 public:
  TcmallocHeap(const ProcessImage& image, DamageLog& damage) : image_(&image), memory_(image), damage_(damage) {}

  /// False when there is no such heap here, or one of a version that is not read.
  bool find() {
    std::optional<Statics> statics = find_statics(*image_);
    if (!statics) return false;
    statics_ = std::move(*statics);
    Spans spans = tcmalloc::read_spans(*image_, statics_, damage_);
    if (spans.all.empty()) return false;
    spans_ = std::move(spans.all);
    metadata_ = std::move(spans.leaves);
    read_free_objects();
    if (!find_thread_caches()) return refuse("no thread cache is laid out as in the versions that are read");
    if (!find_central_cache()) {
      if (statics_.page_map != 0) return refuse("the central cache is not laid out as in the versions that are read");
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
    add_broken(*image_, damage_, address, bytes, what);
  }
  bool refuse(const std::string& why) {
    broken(statics_.page_map, 0, why + ": not walked");
    return false;
  }

  void read_free_objects() {
    std::uint64_t with_objects = 0;
    std::uint64_t agreeing = 0;
    free_of_class_.assign(statics_.sizes.size(), 0);
    out_of_class_.assign(statics_.sizes.size(), 0);
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
               "list of cached " + std::to_string(statics_.sizes[size_class]) + "-byte objects goes wrong at " +
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
    for (std::size_t i = 1; i < statics_.sizes.size(); ++i) {
      if (memory_.load<std::int32_t>(address + i * list_bytes + list_size_at) != statics_.sizes[i]) return false;
    }
    return true;
  }

  bool find_thread_caches() {
    taken_of_class_.assign(statics_.sizes.size(), 0);
    std::uint64_t counted = 0;
    std::uint64_t found = 0;
    const std::uint64_t cache_bytes = statics_.sizes.size() * list_bytes;
    const auto search = [&](std::uint64_t from, std::uint64_t to) {
      for (std::uint64_t at = from; to - at >= cache_bytes && at < to;) {
        // The second list's size tells most words apart.
        if (memory_.load<std::int32_t>(at + list_bytes + list_size_at) != statics_.sizes[1] || !is_thread_cache(at)) {
          at += 8;
          continue;
        }
        metadata_.push_back({at, at + cache_bytes});
        ++thread_caches_;
        for (std::size_t i = 1; i < statics_.sizes.size(); ++i) {
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
    for (const AddressRange& module : statics_.modules) {
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
    for (std::size_t i = 1; i < statics_.sizes.size(); ++i) {
      const std::uint64_t list = base + i * stride;
      if (!is_central_list(list, i)) {
        broken(list, stride, "central free list of " + std::to_string(statics_.sizes[i]) + "-byte objects is damaged");
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
    metadata_.push_back({base, base + statics_.sizes.size() * stride});
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
    for (const AddressRange& module : statics_.modules) library = library.empty() ? path_at(module.start) : library;
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
  Statics statics_;
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
  return found_or_null<TcmallocHeap>(image, damage);
}

}  // namespace formats

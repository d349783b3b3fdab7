#include "formats/mimalloc_heap.h"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include "formats/heap_memory.h"

namespace formats {
namespace {

constexpr std::uint64_t slice_bytes = 64 << 10;
constexpr std::uint64_t segment_alignment = 32 << 20;
constexpr std::uint64_t huge_marker = 512 << 20;  // block sizes from here on say "all of the page"

/// Where the fields of a segment lie: derived.
struct SegmentLayout {
  unsigned total = 0;    ///< segment_slices; segment_info_slices and kind follow
  unsigned entries = 0;  ///< slice_entries
  unsigned thread = 0;   ///< thread_id
  unsigned stride = 0;   ///< sizeof(mi_slice_t)
  unsigned cookie = 0;
  [[nodiscard]] unsigned slices() const { return total + 40; }
  bool operator<(const SegmentLayout& other) const {
    return std::tie(total, entries, stride) < std::tie(other.total, other.entries, other.stride);
  }
};

// Of every version: slice_count u32 0, capacity u16 10, reserved u16 12, free 16.
constexpr unsigned capacity_at = 10, reserved_at = 12, free_at = 16;

/// How far behind its first slice a page's first block lies.
enum class BlockStart : std::uint8_t {
  guarded_384,   ///< 2.0.6 – 2.0.9: three times 128 for blocks of 8 to 1024 bytes
  guarded_128,   ///< before
  three_blocks,  ///< 2.1.0 – 2.1.2: three blocks up to 64 bytes, one up to 512
  at_slice,
  stored,  ///< a field says so
};

struct PageLayout {
  std::string_view versions;
  BlockStart start;
  unsigned used, used_bytes;
  unsigned block_size, block_size_bytes;
  unsigned local_free, thread_free, heap;
  unsigned block_start;  ///< of `stored`
};

// Tried in this order; the one that most pages agree with is it.
constexpr std::array<PageLayout, 5> page_layouts{{
    {"2.0", BlockStart::guarded_384, 24, 4, 28, 4, 32, 40, 48, 0},
    {"2.0", BlockStart::guarded_128, 24, 4, 28, 4, 32, 40, 48, 0},
    {"2.1", BlockStart::three_blocks, 24, 4, 28, 4, 32, 40, 48, 0},
    {"2.x", BlockStart::at_slice, 24, 4, 28, 4, 32, 40, 48, 0},
    {"2.1.4 or later", BlockStart::stored, 32, 2, 40, 8, 24, 56, 64, 48},
}};

struct Segment {
  std::uint64_t base = 0;
  std::uint64_t end = 0;
  std::uint64_t info_slices = 0;
  std::uint64_t entries = 0;
  std::uint64_t thread = 0;
  bool huge = false;
};

struct Page {
  std::uint64_t header = 0;  ///< its mi_page_t
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t first_block = 0;
  std::uint64_t block_size = 0;
  std::uint64_t used = 0;
  std::uint64_t heap = 0;
  std::uint64_t thread = 0;  ///< of its segment
  std::uint32_t capacity = 0;
  std::uint32_t reserved = 0;
  std::int32_t segment = 0;
  bool huge = false;
};

/// A run of slices: a page, or free.
struct Span {
  std::uint64_t header = 0;
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::int32_t segment = 0;
  bool in_use = false;
};

std::uint64_t unsigned_at(HeapMemory& memory, std::uint64_t address, unsigned bytes) {
  switch (bytes) {
    case 2: return memory.load<std::uint16_t>(address).value_or(0);
    case 4: return memory.load<std::uint32_t>(address).value_or(0);
    default: return memory.load<std::uint64_t>(address).value_or(0);
  }
}

/// mimalloc's bin of a block size: four per doubling, counted in words.
std::int32_t bin_of(std::uint64_t block_size) {
  constexpr std::int32_t huge_bin = 73;
  constexpr std::uint64_t medium_words = (std::uint64_t{128} << 10) / 8;
  std::uint64_t words = (block_size + 7) / 8;
  if (words <= 1) return 1;
  if (words <= 8) return static_cast<std::int32_t>((words + 1) & ~std::uint64_t{1});
  if (words > medium_words) return huge_bin;
  --words;
  const int top = static_cast<int>(std::bit_width(words)) - 1;
  return static_cast<std::int32_t>((top << 2) + static_cast<int>((words >> (top - 2)) & 3) - 3);
}

std::uint64_t start_offset(BlockStart rule, std::uint64_t block_size) {
  const bool small = block_size >= 8 && block_size <= 1024;
  switch (rule) {
    case BlockStart::guarded_384: return small ? 384 : 0;
    case BlockStart::guarded_128: return small ? 128 : 0;
    case BlockStart::three_blocks: return block_size <= 64 ? 3 * block_size : block_size <= 512 ? block_size : 0;
    default: return 0;
  }
}

/// A page as `layout` reads it; nothing when it makes no sense. Field values of the process, checked before use.
std::optional<Page> read_page(HeapMemory& memory, const PageLayout& layout, const Span& span, const Segment& segment) {
  Page page;
  page.header = span.header;
  page.start = span.start;
  page.end = span.end;
  page.segment = span.segment;
  page.huge = segment.huge;
  page.thread = segment.thread;
  page.capacity = static_cast<std::uint32_t>(unsigned_at(memory, span.header + capacity_at, 2));
  page.reserved = static_cast<std::uint32_t>(unsigned_at(memory, span.header + reserved_at, 2));
  page.used = unsigned_at(memory, span.header + layout.used, layout.used_bytes);
  page.block_size = unsigned_at(memory, span.header + layout.block_size, layout.block_size_bytes);
  page.heap = unsigned_at(memory, span.header + layout.heap, 8);
  const std::uint64_t size = span.end - span.start;
  page.first_block = layout.start == BlockStart::stored ? unsigned_at(memory, span.header + layout.block_start, 8)
                                                        : span.start + start_offset(layout.start, page.block_size);
  if (page.first_block < page.start || page.first_block >= page.end) return std::nullopt;
  const std::uint64_t room = page.end - page.first_block;
  if (page.huge && page.block_size >= huge_marker) page.block_size = room;
  if (page.block_size < 8 || page.block_size > room || page.capacity == 0) return std::nullopt;
  if (page.capacity > page.reserved || page.used > page.capacity || page.heap % 8 != 0) return std::nullopt;
  if (page.reserved > room / page.block_size) return std::nullopt;
  // How many blocks were planned tells the start, where it is computed; huge pages have one, whatever their size.
  if (layout.start != BlockStart::stored && !page.huge && page.reserved != room / page.block_size &&
      size <= 8 * slice_bytes) {
    return std::nullopt;
  }
  for (const unsigned at : {free_at, layout.local_free, layout.thread_free}) {
    std::uint64_t head = unsigned_at(memory, span.header + at, 8);
    if (at == layout.thread_free) head &= ~std::uint64_t{3};  // the low bits are a state
    if (head == 0) continue;
    if (head < page.first_block || head >= page.end || (head - page.first_block) % page.block_size != 0) {
      return std::nullopt;
    }
  }
  return page;
}

/// The blocks of one page that are on one of its lists.
struct FreedBlocks {
  std::vector<bool> is_free;
  std::uint64_t counted_free = 0;  ///< on `free` and `local_free`: those that `used` does not count
  std::uint64_t by_others = 0;     ///< on `thread_free`
  std::uint64_t broken_at = 0;     ///< a link that leads nowhere good; 0 = none
  std::string_view broken;
};

FreedBlocks find_freed(HeapMemory& memory, const PageLayout& layout, const Page& page) {
  FreedBlocks freed;
  freed.is_free.resize(page.capacity);
  const auto walk = [&](unsigned at, std::uint64_t& count) {
    std::uint64_t link_at = page.header + at;
    std::uint64_t mask = at == layout.thread_free ? ~std::uint64_t{3} : ~std::uint64_t{0};
    const auto stop = [&](std::string_view why) {
      freed.broken_at = link_at;
      freed.broken = why;
    };
    for (;;) {
      const auto link = memory.word(link_at);
      if (!link) return stop("lies in bytes that the core lacks");
      const std::uint64_t block = *link & mask;
      mask = ~std::uint64_t{0};
      if (block == 0) return;
      const std::uint64_t offset = block - page.first_block;
      const std::uint64_t index = offset / page.block_size;
      if (block < page.first_block || index >= page.capacity) return stop("leaves its page");
      if (index * page.block_size != offset) return stop("points between two blocks");
      if (freed.is_free[static_cast<std::size_t>(index)]) return stop("comes to a block that is on a list already");
      freed.is_free[static_cast<std::size_t>(index)] = true;
      ++count;
      link_at = block;
    }
  };
  walk(free_at, freed.counted_free);
  walk(layout.local_free, freed.counted_free);
  walk(layout.thread_free, freed.by_others);
  return freed;
}

class MimallocHeap final : public HeapWalk {
 public:
  MimallocHeap(const ProcessImage& image, DamageLog& damage) : image_(&image), memory_(image), damage_(damage) {}

  /// False when there is no such heap here.
  bool find() {
    find_bases();
    if (!derive_segment_layout()) return false;
    read_segments();
    for (std::size_t i = 0; i < segments_.size(); ++i) read_spans(static_cast<std::int32_t>(i));
    if (!choose_page_layout()) return false;
    read_pages();
    find_heaps();
    return true;
  }

  [[nodiscard]] std::string allocator() const override { return "mimalloc " + std::string(layout_->versions); }
  [[nodiscard]] const std::vector<HeapRegion>& regions() const override { return regions_; }
  [[nodiscard]] const std::vector<HeapCheck>& checks() const override { return checks_; }
  [[nodiscard]] const std::vector<AddressRange>& metadata() const override { return metadata_; }
  [[nodiscard]] const std::vector<std::pair<std::uint64_t, std::string>>& own_blocks() const override {
    return own_blocks_;
  }

  void visit(std::size_t region, const BlockVisitor& block) const override {
    const std::uint32_t number = page_of_region_[region];
    if (number == no_page) {
      const HeapRegion& span = regions_[region];
      block({span.start, span.end - span.start, BlockState::free, -1});
      return;
    }
    const Page& page = pages_[number];
    HeapMemory memory(*image_);
    const FreedBlocks freed = find_freed(memory, *layout_, page);
    const std::int32_t bin = bin_of(page.block_size);
    auto delayed = std::lower_bound(delayed_.begin(), delayed_.end(), page.first_block);
    const bool cut = image_->at(page.first_block).size() < page.capacity * page.block_size;
    for (std::uint32_t i = 0; i < page.capacity; ++i) {
      const std::uint64_t address = page.first_block + i * page.block_size;
      if (cut && image_->at(address).empty()) continue;  // nothing is known of it
      while (delayed != delayed_.end() && *delayed < address) ++delayed;
      const bool is_free = freed.is_free[i] || (delayed != delayed_.end() && *delayed == address);
      block({address, page.block_size, is_free ? BlockState::free : BlockState::used, is_free ? bin : -1});
    }
  }

 private:
  static constexpr std::uint32_t no_page = ~std::uint32_t{0};

  void broken(std::uint64_t address, std::uint64_t bytes, const std::string& what) {
    add_damage_at(*image_, damage_, address, bytes, "mimalloc: " + what);
  }

  void find_bases() {
    for (const ProcessImage::Range& range : image_->ranges()) {
      if (!range.writable || !range.present() || range.filled) continue;
      if (range.start > ~segment_alignment) continue;
      std::uint64_t base = (range.start + segment_alignment - 1) & ~(segment_alignment - 1);
      for (; base < range.end && base >= range.start; base += segment_alignment) bases_.push_back(base);
    }
  }

  /// Slices from the first on tile the segment exactly.
  bool tiles(std::uint64_t base, const SegmentLayout& layout, std::uint64_t info, std::uint64_t entries) {
    const auto first = memory_.load<std::uint32_t>(base + layout.slices());
    if (!first || *first != info) return false;
    std::uint64_t at = info;
    while (at < entries) {
      const auto count = memory_.load<std::uint32_t>(base + layout.slices() + at * layout.stride);
      if (!count || *count == 0 || *count > entries - at) return false;
      at += *count;
    }
    return at == entries;
  }

  /// The layouts under which the header at `base` is a normal segment's.
  void vote(std::uint64_t base, std::map<SegmentLayout, std::vector<std::uint64_t>>& votes) {
    for (unsigned total = 64; total <= 1024; total += 8) {
      const std::uint64_t slices = memory_.word(base + total).value_or(0);
      const std::uint64_t info = memory_.word(base + total + 8).value_or(0);
      const auto kind = memory_.load<std::uint32_t>(base + total + 16);
      if ((slices != 512 && slices != 1024) || info == 0 || info > 16 || kind != 0u) continue;
      for (const unsigned entries : {total + 32, total + 24}) {
        if (memory_.word(base + entries) != slices) continue;
        for (unsigned stride = 80; stride <= 112; stride += 8) {
          SegmentLayout layout;
          layout.total = total;
          layout.entries = entries;
          layout.thread = entries == total + 32 ? total + 24 : total + 32;
          layout.stride = stride;
          if (tiles(base, layout, info, slices)) votes[layout].push_back(base);
        }
      }
    }
  }

  bool derive_segment_layout() {
    std::map<SegmentLayout, std::vector<std::uint64_t>> votes;
    for (const std::uint64_t base : bases_) vote(base, votes);
    if (votes.empty()) return false;
    const auto best = std::max_element(votes.begin(), votes.end(),
                                       [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
    segment_layout_ = best->first;
    // The cookie lies before segment_slices, in newer versions with two words between.
    std::size_t most = 0;
    for (const unsigned back : {8u, 24u}) {
      std::map<std::uint64_t, std::size_t> constants;
      for (const std::uint64_t base : best->second) {
        const std::uint64_t cookie = memory_.word(base + segment_layout_.total - back).value_or(0);
        if (cookie != 0) ++constants[cookie ^ base];
      }
      for (const auto& [constant, count] : constants) {
        if (count <= most) continue;
        most = count;
        secret_ = constant;
        segment_layout_.cookie = segment_layout_.total - back;
      }
    }
    return most != 0;
  }

  void read_segments() {
    for (const std::uint64_t base : bases_) {
      if (!segments_.empty() && base < segments_.back().end) continue;
      const SegmentLayout& layout = segment_layout_;
      const std::uint64_t cookie = memory_.word(base + layout.cookie).value_or(0);
      const bool has_cookie = (cookie ^ base) == secret_;
      Segment segment;
      segment.base = base;
      const std::uint64_t total = memory_.word(base + layout.total).value_or(0);
      segment.info_slices = memory_.word(base + layout.total + 8).value_or(0);
      segment.huge = memory_.load<std::uint32_t>(base + layout.total + 16).value_or(0) == 1;
      segment.entries = memory_.word(base + layout.entries).value_or(0);
      segment.thread = memory_.word(base + layout.thread).value_or(0);
      const bool sound = segment.info_slices != 0 && segment.entries <= 1024 && segment.entries <= total &&
                         segment.info_slices < segment.entries && total <= (~base) / slice_bytes;
      if (!has_cookie && !(sound && !segment.huge && tiles(base, layout, segment.info_slices, segment.entries))) {
        continue;
      }
      ++segments_expected_;
      if (!has_cookie) {
        broken(base + layout.cookie, 8, "segment " + hex_text(base) + " has another cookie: left out");
        continue;
      }
      if (!sound) {
        broken(base + layout.total, 40, "segment " + hex_text(base) + " has a damaged header: left out");
        continue;
      }
      segment.end = base + total * slice_bytes;
      pages_expected_ += memory_.word(base + layout.cookie - 8).value_or(0);
      metadata_.push_back({base, base + segment.info_slices * slice_bytes});
      segments_.push_back(segment);
    }
    checks_.push_back({"segments with the process's cookie", segments_expected_, segments_.size()});
  }

  void read_spans(std::int32_t number) {
    const Segment& segment = segments_[static_cast<std::size_t>(number)];
    const SegmentLayout& layout = segment_layout_;
    bool lost = false;
    std::uint64_t at = segment.info_slices;
    while (at < segment.entries) {
      Span span;
      span.header = segment.base + layout.slices() + at * layout.stride;
      std::uint64_t count = memory_.load<std::uint32_t>(span.header).value_or(0);
      if (segment.huge) count = segment.entries - at;
      if (count == 0 || count > segment.entries - at) {
        if (!lost) broken(span.header, slice_bytes, "slices of segment " + hex_text(segment.base) + " do not tile it");
        lost = true;
        ++at;  // inner slices of a page have count 0: the next that has one begins a page
        continue;
      }
      lost = false;
      span.start = segment.base + at * slice_bytes;
      span.end = segment.huge ? segment.end : span.start + count * slice_bytes;
      span.segment = number;
      span.in_use = memory_.load<std::uint16_t>(span.header + capacity_at).value_or(0) != 0;
      spans_.push_back(span);
      at += count;
    }
  }

  bool choose_page_layout() {
    std::size_t most = 0;
    std::size_t all = 0;
    for (const Span& span : spans_) all += span.in_use ? 1 : 0;
    for (const PageLayout& layout : page_layouts) {
      std::size_t fitting = 0;
      for (const Span& span : spans_) {
        if (span.in_use && read_page(memory_, layout, span, segments_[static_cast<std::size_t>(span.segment)])) {
          ++fitting;
        }
      }
      if (fitting <= most) continue;
      most = fitting;
      layout_ = &layout;
    }
    if (layout_ != nullptr && most * 10 >= all * 9) {
      checks_.push_back({"pages of the version's layout", all, most});
      return true;
    }
    broken(segments_.front().base, 0,
           "pages are laid out in no way that is read (a secure or debug build, or another version): not walked");
    return false;
  }

  void read_pages() {
    std::uint64_t agreeing = 0;
    std::uint64_t in_use = 0;
    for (const Span& span : spans_) {
      const Segment& segment = segments_[static_cast<std::size_t>(span.segment)];
      if (!span.in_use) {
        add_free_span(span);
        continue;
      }
      ++in_use;
      const auto page = read_page(memory_, *layout_, span, segment);
      if (!page) {
        broken(span.header, span.end - span.start, "page " + hex_text(span.start) + " has a damaged header: left out");
        continue;
      }
      const FreedBlocks freed = find_freed(memory_, *layout_, *page);
      if (freed.broken_at != 0) {
        broken(freed.broken_at, 8,
               "free list of page " + hex_text(page->start) + " " + std::string(freed.broken) + ", at " +
                   hex_text(freed.broken_at) + " (" + std::to_string(page->block_size) + "-byte blocks)");
      }
      blocks_used_ += page->used;
      if (page->used + freed.counted_free == page->capacity && freed.by_others <= page->used) {
        ++agreeing;
      } else if (freed.broken_at == 0) {
        broken(span.header, 0,
               "page " + hex_text(page->start) + " counts " + std::to_string(page->used) + " of " +
                   std::to_string(page->capacity) + " blocks used, its lists have " +
                   std::to_string(freed.counted_free) + " free");
      }
      HeapRegion region;
      region.start = page->start;
      region.end = page->end;
      region.kind = page->huge ? "huge page" : "segment page";
      region.name = "mimalloc page, " + std::to_string(page->block_size) + "-byte blocks";
      region.arena = page->segment;
      regions_.push_back(std::move(region));
      page_of_region_.push_back(static_cast<std::uint32_t>(pages_.size()));
      pages_.push_back(*page);
    }
    checks_.push_back({"pages in use", pages_expected_, in_use});
    checks_.push_back({"pages whose free lists and counts agree", in_use, agreeing});
  }

  /// What of it is committed: memory without permissions is address space only.
  void add_free_span(const Span& span) {
    const auto ranges = image_->ranges();
    auto range = std::partition_point(ranges.begin(), ranges.end(),
                                      [&](const ProcessImage::Range& before) { return before.end <= span.start; });
    for (; range != ranges.end() && range->start < span.end; ++range) {
      if (!range->writable) continue;
      const std::uint64_t start = std::max(range->start, span.start);
      const std::uint64_t end = std::min(range->end, span.end);
      if (!regions_.empty() && regions_.back().end == start && regions_.back().start >= span.start) {
        regions_.back().end = end;  // one span, dumped in part
      } else {
        regions_.push_back({start, end, "free span", "mimalloc free span", span.segment});
        page_of_region_.push_back(no_page);
      }
    }
  }

  [[nodiscard]] const Page* page_with(std::uint64_t address) const {
    const auto next = std::upper_bound(pages_.begin(), pages_.end(), address,
                                       [](std::uint64_t wanted, const Page& page) { return wanted < page.start; });
    if (next == pages_.begin()) return nullptr;
    const Page& page = *std::prev(next);
    return address >= page.first_block && address - page.first_block < page.capacity * page.block_size ? &page
                                                                                                       : nullptr;
  }
  [[nodiscard]] bool is_block(std::uint64_t address) const {
    const Page* page = page_with(address);
    return page != nullptr && (address - page->first_block) % page->block_size == 0;
  }

  /// Heaps, by the pages that name one, and in them the list of blocks that other threads freed while their page was
  /// full: it lies before the heap's thread_id, which the segments know.
  void find_heaps() {
    std::map<std::uint64_t, std::uint64_t> threads;  // by heap
    for (const Page& page : pages_) {
      if (page.heap != 0 && page.thread != 0) threads.emplace(page.heap, page.thread);
    }
    if (threads.empty()) return;
    constexpr unsigned limit = 8192;
    unsigned delayed_at = 0;
    std::size_t most = 0;
    for (unsigned at = 8; at < limit; at += 8) {
      std::size_t fitting = 0;
      for (const auto& [heap, thread] : threads) {
        const auto list = memory_.word(heap + at);
        if (list && (*list == 0 || is_block(*list)) && memory_.word(heap + at + 8) == thread) ++fitting;
      }
      if (fitting <= most) continue;
      most = fitting;
      delayed_at = at;
    }
    checks_.push_back({"heaps with their thread", threads.size(), most});
    for (const auto& [heap, thread] : threads) {
      if (most == 0 || memory_.word(heap + delayed_at + 8) != thread) {
        broken(heap, 0, "heap " + hex_text(heap) + " is damaged: blocks that other threads freed late count as used");
        continue;
      }
      read_delayed(heap + delayed_at);
      if (const Page* page = page_with(heap); page != nullptr) {  // made by mi_heap_new()
        const std::uint64_t block = heap - (heap - page->first_block) % page->block_size;
        own_blocks_.emplace_back(block, "mimalloc heap");
        metadata_.push_back({block, block + page->block_size});
      } else {
        metadata_.push_back({heap, heap + delayed_at + 16});
      }
    }
    std::sort(delayed_.begin(), delayed_.end());
    delayed_.erase(std::unique(delayed_.begin(), delayed_.end()), delayed_.end());
    std::sort(metadata_.begin(), metadata_.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
  }

  /// Cycles end the walk (Brent: a kept block, renewed at powers of two, is met again); all lists together have no more
  /// blocks than are counted as used.
  void read_delayed(std::uint64_t link_at) {
    std::uint64_t kept = 0;
    std::uint64_t steps = 0;
    for (;;) {
      const auto block = memory_.word(link_at);
      if (block == std::uint64_t{0}) return;
      if (!block || !is_block(*block) || *block == kept || delayed_.size() >= blocks_used_) {
        broken(link_at, 8, "list of blocks freed by other threads is damaged at " + hex_text(link_at));
        return;
      }
      delayed_.push_back(*block);
      if (std::has_single_bit(++steps)) kept = *block;
      link_at = *block;
    }
  }

  const ProcessImage* image_;
  HeapMemory memory_;
  DamageLog& damage_;
  SegmentLayout segment_layout_;
  const PageLayout* layout_ = nullptr;
  std::uint64_t secret_ = 0;  ///< cookie XOR address
  std::uint64_t segments_expected_ = 0;
  std::uint64_t pages_expected_ = 0;
  std::uint64_t blocks_used_ = 0;  ///< as the pages count
  std::vector<std::uint64_t> bases_;
  std::vector<Segment> segments_;
  std::vector<Span> spans_;
  std::vector<Page> pages_;  ///< by start
  std::vector<std::uint32_t> page_of_region_;
  std::vector<std::uint64_t> delayed_;  ///< sorted
  std::vector<HeapRegion> regions_;
  std::vector<HeapCheck> checks_;
  std::vector<AddressRange> metadata_;
  std::vector<std::pair<std::uint64_t, std::string>> own_blocks_;
};

}  // namespace

std::unique_ptr<HeapWalk> find_mimalloc_heap(const ProcessImage& image, DamageLog& damage) {
  return found_or_null<MimallocHeap>(image, damage);
}

}  // namespace formats

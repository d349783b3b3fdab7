#include "formats/glibc_heap.h"

#include <algorithm>
#include <utility>

#include "formats/glibc_arena.h"
#include "formats/glibc_bins.h"
#include "formats/glibc_chunks.h"
#include "formats/glibc_mmapped.h"
#include "formats/glibc_tcache.h"
#include "formats/heap_memory.h"

namespace formats {
namespace {

using namespace glibc;

/// A region and its pieces.
struct Part {
  HeapRegion region;
  std::vector<Piece> pieces;
  bool main = false;
};

class GlibcHeap : public HeapWalk {
 public:
  GlibcHeap(std::vector<Part> parts, Marks marks) : marks_(std::move(marks)) {
    std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.region.start < b.region.start; });
    first_piece_.push_back(0);
    for (Part& part : parts) {
      pieces_.insert(pieces_.end(), part.pieces.begin(), part.pieces.end());
      first_piece_.push_back(pieces_.size());
      regions_.push_back(std::move(part.region));
    }
  }

  [[nodiscard]] std::string allocator() const override { return allocator_; }
  [[nodiscard]] const std::vector<HeapRegion>& regions() const override { return regions_; }
  [[nodiscard]] const std::vector<HeapCheck>& checks() const override { return checks_; }
  [[nodiscard]] const std::vector<AddressRange>& metadata() const override { return metadata_; }
  [[nodiscard]] const std::vector<std::pair<std::uint64_t, std::string>>& own_blocks() const override {
    return own_blocks_;
  }

  void visit(std::size_t region, const BlockVisitor& block) const override {
    for_each(region,
             [&block](std::uint64_t chunk, std::uint64_t usable, PieceKind kind, bool in_use, std::uint64_t mark) {
               HeapBlock found{chunk + header_bytes, usable, in_use ? BlockState::used : BlockState::free, -1};
               if (kind == PieceKind::top) {
                 found.state = BlockState::free;
                 found.bin = top_bin;
               } else if (mark != 0) {
                 found.state = Marks::state_of(mark);
                 found.bin = Marks::bin_of(mark);
               }
               block(found);
             });
  }

  /// Keeps the marks of chunks that exist and are in the state that the list implies; counts, for checks.
  void verify() {
    std::uint64_t region_bytes = 0;
    std::uint64_t accounted = 0;
    std::vector<std::uint64_t> kept;
    for (std::size_t i = 0; i < regions_.size(); ++i) {
      region_bytes += regions_[i].end - regions_[i].start;
      accounted += overhead(i);
      for_each(i, [&](std::uint64_t, std::uint64_t usable, PieceKind kind, bool in_use, std::uint64_t mark) {
        accounted += usable + (kind == PieceKind::chunks || kind == PieceKind::used ? 8 : 0);
        if (kind == PieceKind::chunks && !in_use) ++free_chunks_;
        if (mark == 0) return;
        const bool stays_in_use = Marks::state_of(mark) == BlockState::cached || Marks::bin_of(mark) >= first_fastbin;
        if (kind == PieceKind::chunks && in_use != stays_in_use) return;
        kept.push_back(mark);
        ++(Marks::state_of(mark) == BlockState::cached ? cached_ : stays_in_use ? fast_ : binned_);
      });
    }
    kept.shrink_to_fit();
    marks_.replace(std::move(kept));
    checks_.push_back({"used, free and overhead bytes", region_bytes, accounted});
  }
  void add_check(std::string name, std::uint64_t expected, std::uint64_t found) {
    checks_.push_back({std::move(name), expected, found});
  }
  [[nodiscard]] std::uint64_t free_chunks() const { return free_chunks_; }
  [[nodiscard]] std::uint64_t binned() const { return binned_; }
  [[nodiscard]] std::uint64_t fast() const { return fast_; }
  [[nodiscard]] std::uint64_t cached() const { return cached_; }

  std::string allocator_;
  std::vector<AddressRange> metadata_;
  std::vector<std::pair<std::uint64_t, std::string>> own_blocks_;

 private:
  /// Calls f(chunk, usable, kind, in use, mark or 0) for each block of a region.
  template <typename F>
  void for_each(std::size_t region, F&& f) const {
    const std::span<const std::uint64_t> marks = marks_.words();
    const std::uint64_t region_end = regions_[region].end;
    auto mark = std::partition_point(marks.begin(), marks.end(), [start = regions_[region].start](std::uint64_t word) {
      return Marks::chunk_of(word) < start;
    });
    const auto mark_of = [&](std::uint64_t chunk) -> std::uint64_t {
      while (mark != marks.end() && Marks::chunk_of(*mark) < chunk) ++mark;
      return mark != marks.end() && Marks::chunk_of(*mark) == chunk ? *mark : 0;
    };
    for (std::size_t i = first_piece_[region]; i < first_piece_[region + 1]; ++i) {
      const Piece& piece = pieces_[i];
      switch (piece.kind) {
        case PieceKind::overhead: break;
        case PieceKind::chunks:
          for_each_chunk(piece, [&](std::uint64_t chunk, std::uint64_t usable, bool in_use) {
            f(chunk, usable, piece.kind, in_use, mark_of(chunk));
          });
          break;
        case PieceKind::used:  // the last 8 bytes lie in the next chunk, if there is one
          f(piece.start, std::min(piece.end + 8, region_end) - piece.start - header_bytes, piece.kind, true,
            mark_of(piece.start));
          break;
        case PieceKind::top:
        case PieceKind::mmapped: f(piece.start, piece.end - piece.start - header_bytes, piece.kind, true, 0); break;
      }
    }
  }

  /// Bytes of a region that are in no block and no chunk's own 8: see the header. Worked out from the pieces, so that
  /// pieces that overlap or leave gaps show.
  [[nodiscard]] std::uint64_t overhead(std::size_t region) const {
    std::uint64_t bytes = 0;
    std::uint64_t end = regions_[region].start;
    bool after_block = false;  // then 8 bytes of the next piece belong to that block
    for (std::size_t i = first_piece_[region]; i < first_piece_[region + 1]; ++i) {
      const Piece& piece = pieces_[i];
      bytes += piece.start - end;
      const bool is_chunk = piece.kind == PieceKind::chunks || piece.kind == PieceKind::used;
      if (piece.kind == PieceKind::overhead) {
        bytes += piece.end - piece.start - (after_block ? 8 : 0);
      } else {
        bytes += after_block ? 0 : 8;
        if (!is_chunk) bytes += 8;
      }
      after_block = is_chunk;
      end = piece.end;
    }
    if (after_block && end == regions_[region].end) return bytes;
    return bytes + (regions_[region].end - end);
  }

  std::vector<HeapRegion> regions_;
  std::vector<std::size_t> first_piece_;  ///< by region, and the end
  std::vector<Piece> pieces_;
  std::vector<HeapCheck> checks_;
  Marks marks_;
  std::uint64_t free_chunks_ = 0;
  std::uint64_t binned_ = 0;
  std::uint64_t fast_ = 0;
  std::uint64_t cached_ = 0;
};

/// Versions that fit all that was seen.
class Versions {
 public:
  template <typename Layout>
  void narrow(const Layout& layout) {
    const int first = std::max(first_, layout.first_version);
    const int last = std::min(last_, layout.last_version);
    if (first > last) return;  // distributions port changes back
    first_ = first;
    last_ = last;
  }
  [[nodiscard]] int first() const { return first_; }
  [[nodiscard]] std::string text() const {
    const std::string from = "glibc malloc 2." + std::to_string(first_);
    return first_ == last_ ? from : from + "–2." + std::to_string(last_);
  }

 private:
  int first_ = oldest_version;
  int last_ = 43;
};

/// Chunks that may be followed in search of the main arena's scattered memory.
constexpr std::uint64_t most_scattered_steps = std::uint64_t{1} << 26;

class Finder {
 public:
  Finder(const ProcessImage& image, DamageLog& damage) : image_(image), damage_(damage) {}

  std::unique_ptr<HeapWalk> find() {
    find_heaps(image_, arenas_, heaps_);
    main_ = find_main_arena(image_, arenas_.empty() ? nullptr : arenas_[0].layout);
    if (main_) {
      find_main_runs();
    } else {
      find_main_run_by_its_first_chunk();
    }
    for (const Heap& heap : heaps_) add_heap(heap);
    if (!main_ && parts_.empty()) return nullptr;
    std::sort(taken_.begin(), taken_.end(),
              [](const AddressRange& a, const AddressRange& b) { return a.start < b.start; });
    add_mmapped_chunks();
    if (parts_.empty()) return nullptr;
    return build();
  }

 private:
  /// End of the anonymous writable memory that `address` lies in, present or not.
  [[nodiscard]] std::uint64_t mapped_end(std::uint64_t address) const {
    const ProcessImage::Range* range = image_.find(address);
    if (range == nullptr) return 0;
    std::uint64_t end = range->start;
    for (const ProcessImage::Range* last = image_.ranges().data() + image_.ranges().size();
         range != last && range->start == end && range->writable && range->file < 0; ++range) {
      end = range->end;
    }
    return end;
  }

  [[nodiscard]] bool is_taken(std::uint64_t start, std::uint64_t end) const {
    return std::any_of(taken_.begin(), taken_.end(),
                       [&](const AddressRange& one) { return one.start < end && start < one.end; });
  }

  /// Walks a run and makes a region of [start, …). False when it overlaps another.
  bool add_run(const Run& run, std::uint64_t start, HeapRegion region, bool main) {
    if (is_taken(start, run.limit)) return false;
    WalkedRun walked = walk_run(image_, run, damage_);
    corrupted_ += walked.corrupted;
    tcache_sized_.insert(tcache_sized_.end(), walked.tcache_sized.begin(), walked.tcache_sized.end());
    region.start = start;
    region.end = walked.end;
    taken_.push_back({start, walked.end});
    parts_.push_back({std::move(region), std::move(walked.pieces), main});
    return true;
  }
  /// `start`: of its memory, when that is not aligned as chunks are.
  void add_main_run(Run run, std::uint64_t start) {
    run.name = "main arena";
    HeapRegion region;
    region.kind = "main arena";
    region.name = main_ ? "glibc main arena " + hex_text(main_->address) : "glibc main arena";
    (void)add_run(run, start, std::move(region), true);
  }

  /// Where the arena's memory ends: the end of its top chunk, or of the mapping when that makes no sense.
  [[nodiscard]] std::uint64_t end_of_top(std::uint64_t top) const {
    const std::uint64_t mapped = mapped_end(top);
    const std::uint64_t size = image_.word(top + 8).value_or(0) & size_mask;
    const bool sensible = size >= header_bytes && size % alignment == 0 && (mapped == 0 || size <= mapped - top) &&
                          size < std::uint64_t{1} << 47 && (top + size) % page == 0;
    return sensible ? top + size : mapped;
  }

  void find_main_runs() {
    const std::uint64_t top = main_->top;
    const std::uint64_t end = top != 0 ? end_of_top(top) : 0;
    const std::uint64_t by_counter =
        main_->contiguous && end > main_->system_mem && main_->system_mem != 0 ? end - main_->system_mem : 0;
    parameters_ = find_parameters(image_, *main_, by_counter);
    if (parameters_) {
      versions_.narrow(*parameters_->layout);
      // With fastbins or without looks the same when there are zeroes before the arena; mp_ tells.
      const ArenaLayout& newest = arena_layouts.back();
      if (arenas_.empty() && parameters_->layout->first_version >= newest.first_version) {
        if (const std::optional<Arena> other = with_layout(image_, *main_, newest)) main_ = other;
      }
    }
    versions_.narrow(*main_->layout);
    if (top == 0 || end <= top) return;
    std::vector<std::uint64_t> starts{by_counter};
    if (parameters_) starts.push_back(parameters_->sbrk_base);
    if (const ProcessImage::Range* range = image_.find(top)) starts.push_back(range->start);
    if (main_->contiguous) {
      for (const std::uint64_t start : starts) {
        Run run;
        run.start = (start + alignment - 1) & ~(alignment - 1);
        run.limit = end;
        run.top = top;
        // Where both counters agree, even a heap that is corrupted from its first chunk on begins there.
        const bool agreed = parameters_ && start == by_counter && start == parameters_->sbrk_base;
        if (start == 0 || start > top) continue;
        if (!agreed && start != top && !plausible_from(image_, run, run.start, 8)) continue;
        return add_main_run(run, start);
      }
    }
    find_scattered_runs(top);
  }

  /// sbrk() failed at some time: the main arena has memory in several places. One begins where sbrk() began; others
  /// begin at a page, with a chunk whose chain leads to the top chunk or to two fenceposts in a row.
  void find_scattered_runs(std::uint64_t top) {
    Run run;
    run.limit_is_end = false;
    run.top = top;
    if (parameters_ && parameters_->sbrk_base != 0) {
      run.start = (parameters_->sbrk_base + alignment - 1) & ~(alignment - 1);
      run.limit = mapped_end(run.start);
      if (run.limit > run.start && plausible_from(image_, run, run.start, 8)) add_main_run(run, run.start);
    }
    std::uint64_t behind = taken_.empty() ? 0 : taken_.back().end;
    std::uint64_t steps = 0;
    for (const ProcessImage::Range& range : image_.ranges()) {
      if (!range.present() || !range.writable || range.file >= 0) continue;
      run.limit = mapped_end(range.start);
      run.start = (range.start + page - 1) & ~(page - 1);
      for (; run.start < range.end && range.end - run.start >= header_bytes; run.start += page) {
        if (run.start < behind && taken_.back().start <= run.start) continue;
        const std::byte* header = range.data + (run.start - range.start);
        if (load_le<std::uint64_t>(header) != 0 || (load_le<std::uint64_t>(header + 8) & 15) != prev_in_use) continue;
        if (steps > most_scattered_steps || !ends_well(image_, run, run.start, steps)) continue;
        add_main_run(run, run.start);
        behind = taken_.back().end;
      }
    }
  }

  void find_main_run_by_its_first_chunk() {
    for (const ProcessImage::Range& range : image_.ranges()) {
      if (!range.present() || !range.writable || range.file >= 0 || range.size() < 4 * header_bytes) continue;
      if (load_le<std::uint64_t>(range.data) != 0) continue;
      const std::uint64_t head = load_le<std::uint64_t>(range.data + 8);
      const bool tcache = std::any_of(tcache_layouts.begin(), tcache_layouts.end(), [&](const TcacheLayout& layout) {
        return head == (layout.chunk_size | prev_in_use);
      });
      Run run;
      run.start = range.start;
      run.limit = mapped_end(range.start);
      run.top_unknown = true;
      if (tcache && plausible_from(image_, run, run.start, 8)) {
        damage_.add(0, 0,
                    "glibc's main_arena is not in the core: the main heap is walked from its first chunk at " +
                        hex_text(run.start) + ", its fastbins are not known");
        add_main_run(run, run.start);
      }
    }
  }

  void add_heap(const Heap& heap) {
    if (heap.layout != nullptr) versions_.narrow(*heap.layout);
    const auto arena =
        std::find_if(arenas_.begin(), arenas_.end(), [&](const Arena& one) { return one.address == heap.arena; });
    Run run;
    run.start = heap.first_chunk;
    run.limit = heap.end;
    run.top = arena->top >= run.start && arena->top < run.limit ? arena->top : 0;
    run.main = false;
    run.name = "arena " + hex_text(heap.arena);
    HeapRegion region;
    region.kind = "arena";
    region.name = "glibc arena " + hex_text(heap.arena);
    region.arena = static_cast<std::int32_t>(arena - arenas_.begin()) + 1;
    if (add_run(run, heap.start, std::move(region), false)) metadata_.push_back({heap.start, heap.first_chunk});
  }

  void add_mmapped_chunks() {
    const ArenaLayout& layout = main_ ? *main_->layout : arenas_.empty() ? arena_layouts[0] : *arenas_[0].layout;
    for (const MmappedChunk& chunk : find_mmapped_chunks(image_, layout, taken_)) {
      Part part;
      part.region = {chunk.start, chunk.end, "mmapped chunk", "glibc mmapped chunk " + hex_text(chunk.block),
                     static_cast<std::int32_t>(arenas_.size()) + 1};
      part.pieces.push_back(
          {chunk.block - header_bytes, chunk.block + chunk.usable, nullptr, PieceKind::mmapped, true});
      parts_.push_back(std::move(part));
      ++mmapped_;
      mmapped_bytes_ += chunk.end - chunk.start;
    }
  }

  [[nodiscard]] std::vector<const Arena*> all_arenas() const {
    std::vector<const Arena*> all;
    if (main_) all.push_back(&*main_);
    for (const Arena& arena : arenas_) all.push_back(&arena);
    return all;
  }

  /// Chunks on lists, and what is wrong with the lists.
  Marks mark_lists(const std::vector<Tcache>& tcaches, const Territory& territory) {
    LinkVote vote(image_, territory);
    for (const Arena* arena : all_arenas()) vote_of_fastbins(image_, *arena, vote);
    for (const Tcache& tcache : tcaches) vote_of_tcache(image_, tcache, vote);
    const Links links{vote.balance() > 0 || (vote.balance() == 0 && versions_.first() >= 32)};
    Marks marks;
    std::vector<BrokenList> broken;
    for (const Tcache& tcache : tcaches) mark_tcache(image_, tcache, territory, links, marks, broken);
    for (const Arena* arena : all_arenas()) {
      for (const BrokenList& list : mark_free_lists(image_, *arena, territory, links, marks)) broken.push_back(list);
    }
    for (const BrokenList& list : broken) {
      add_damage_at(image_, damage_, list.head, 0,
                    "free list of bin " + std::to_string(list.bin) + " at " + hex_text(list.head) + " breaks off at " +
                        hex_text(list.where));
    }
    marks.freeze();
    return marks;
  }

  std::unique_ptr<HeapWalk> build() {
    const Territory territory(taken_);
    std::sort(tcache_sized_.begin(), tcache_sized_.end());
    const std::vector<Tcache> tcaches = find_tcaches(image_, territory, tcache_sized_);
    for (const Tcache& tcache : tcaches) versions_.narrow(*tcache.layout);
    Marks marks = mark_lists(tcaches, territory);
    std::uint64_t main_bytes = 0;
    std::uint64_t other_bytes = 0;
    for (const Part& part : parts_) {
      if (part.region.kind == "mmapped chunk") continue;
      (part.main ? main_bytes : other_bytes) += part.region.end - part.region.start;
    }
    auto heap = std::make_unique<GlibcHeap>(std::move(parts_), std::move(marks));
    heap->allocator_ = versions_.text();
    std::uint64_t counted = 0;
    for (const Tcache& tcache : tcaches) {
      counted += tcache.counted;
      metadata_.push_back({tcache.address, tcache.address + tcache.layout->bytes()});
      heap->own_blocks_.emplace_back(
          tcache.address, tcache.thread != 0 ? "cache of thread " + std::to_string(tcache.thread) : "thread cache");
    }
    if (main_) metadata_.push_back({main_->address, main_->end()});
    std::sort(metadata_.begin(), metadata_.end(),
              [](const AddressRange& a, const AddressRange& b) { return a.start < b.start; });
    heap->metadata_ = std::move(metadata_);
    heap->verify();
    add_checks(*heap, main_bytes, other_bytes, counted);
    return heap;
  }

  void add_checks(GlibcHeap& heap, std::uint64_t main_bytes, std::uint64_t other_bytes, std::uint64_t cached) {
    std::uint64_t consistent = 0;
    std::uint64_t other_system_mem = 0;
    for (const Arena* arena : all_arenas()) consistent += arena->consistent_bins;
    for (const Arena& arena : arenas_) other_system_mem += arena.system_mem;
    heap.add_check("corrupted chunks", 0, corrupted_);
    heap.add_check("consistent bins", all_arenas().size() * (bin_count - 2), consistent);
    heap.add_check("system_mem of other arenas", other_system_mem, other_bytes);
    heap.add_check("chunks in thread caches", cached, heap.cached());
    if (!main_) return;  // its counters and its bins are not known
    heap.add_check("arenas on the ring", arenas_.size() + 1, length_of_ring(image_, *main_));
    heap.add_check("system_mem of the main arena", main_->system_mem, main_bytes);
    heap.add_check("free chunks in bins", heap.free_chunks(), heap.binned());
    if (!parameters_) return;
    heap.add_check("n_mmaps", parameters_->n_mmaps, mmapped_);
    heap.add_check("mmapped_mem", parameters_->mmapped_mem, mmapped_bytes_);
  }

  const ProcessImage& image_;
  DamageLog& damage_;
  std::optional<Arena> main_;
  std::optional<Parameters> parameters_;
  std::vector<Arena> arenas_;  ///< without the main one
  std::vector<Heap> heaps_;
  std::vector<Part> parts_;
  std::vector<AddressRange> taken_;  ///< runs
  std::vector<AddressRange> metadata_;
  std::vector<std::uint64_t> tcache_sized_;
  std::uint64_t corrupted_ = 0;
  std::uint64_t mmapped_ = 0;
  std::uint64_t mmapped_bytes_ = 0;
  Versions versions_;
};

}  // namespace

std::unique_ptr<HeapWalk> find_glibc_heap(const ProcessImage& image, DamageLog& damage) {
  return Finder(image, damage).find();
}

}  // namespace formats

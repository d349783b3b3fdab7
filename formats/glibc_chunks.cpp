#include "formats/glibc_chunks.h"

#include <algorithm>

#include "formats/heap_memory.h"

namespace formats::glibc {
namespace {

constexpr unsigned plausible_chunks = 32;
constexpr std::uint64_t most_corrupted = 10000;
constexpr std::uint64_t fencepost = 16;

bool has_size_of_tcache(std::uint64_t size) {
  return std::any_of(tcache_layouts.begin(), tcache_layouts.end(),
                     [size](const TcacheLayout& layout) { return layout.chunk_size == size; });
}

std::uint64_t bits_never_set(const Run& run) { return 8 | is_mmapped | (run.main ? non_main_arena : 0); }

class Walker {
 public:
  Walker(const ProcessImage& image, const Run& run, DamageLog& damage)
      : image_(image), run_(run), damage_(damage), illegal_(bits_never_set(run)), at_(run.start) {}

  WalkedRun walk() {
    piece_start_ = at_;
    while (at_ < run_.limit && !ended_) step();
    close_piece();
    walked_.end = run_.limit_is_end ? run_.limit : at_;
    if (walked_.end > at_) put(at_, walked_.end, PieceKind::overhead);
    if (walked_.absent != 0) {
      damage_.add(0, 0,  // no bytes of the input: what a cut took away is counted by the reader
                  run_.name + ": " + std::to_string(walked_.absent) + " bytes are not in the core, the first at " +
                      hex_text(first_absent_));
    }
    return std::move(walked_);
  }

 private:
  enum class Stop : std::uint8_t { top, edge, bad, footer };

  [[nodiscard]] std::uint64_t bound() const {
    return run_.top != 0 && at_ <= run_.top && run_.top < run_.limit ? run_.top : run_.limit;
  }
  [[nodiscard]] bool legal(std::uint64_t head, std::uint64_t chunk, std::uint64_t bound) const {
    const std::uint64_t size = head & size_mask;
    return (head & illegal_) == 0 && size >= smallest_chunk && size <= bound - chunk;
  }

  void put(std::uint64_t start, std::uint64_t end, PieceKind kind) {
    if (start < end) walked_.pieces.push_back({start, end, nullptr, kind, true});
    piece_start_ = end;
  }
  /// The chunks from piece_start_ to at_; the header at at_ tells the state of the last.
  void close_piece() {
    if (piece_start_ < at_) {
      const bool last_in_use = (window_.word(at_ + 8) & prev_in_use) != 0;
      walked_.pieces.push_back({piece_start_, at_, window_.at(piece_start_), PieceKind::chunks, last_in_use});
    }
    piece_start_ = at_;
  }

  void step() {
    if (!window_.holds(at_, header_bytes)) window_ = window_at(image_, at_);
    if (!window_.holds(at_, header_bytes)) {
      skip_absent();
      return;
    }
    const Stop stop = pass_chunks();
    close_piece();
    switch (stop) {
      case Stop::top: pass_top(); break;
      case Stop::edge: pass_edge(); break;
      case Stop::footer: pass_footer(); break;
      case Stop::bad: pass_bad(); break;
    }
  }

  /// The hot loop: chunks whose successor's header is in the window too.
  Stop pass_chunks() {
    const std::uint64_t bound = this->bound();
    const std::uint64_t top = run_.top;
    const std::uint64_t last_header = std::min(window_.end, run_.limit) - header_bytes;
    const std::byte* data = window_.at(at_);
    std::uint64_t at = at_;
    std::uint64_t previous = previous_;
    Stop stop = Stop::top;
    while (at != top) {
      const std::uint64_t head = load_le<std::uint64_t>(data + 8);
      const std::uint64_t size = head & size_mask;
      if ((head & illegal_) != 0 || size < smallest_chunk || size > bound - at) {
        stop = Stop::bad;
        break;
      }
      if (at + size > last_header) {
        stop = Stop::edge;
        break;
      }
      const std::byte* next = data + size;
      const bool in_use = (load_le<std::uint64_t>(next + 8) & prev_in_use) != 0;
      if (!in_use && load_le<std::uint64_t>(next) != size) {
        stop = Stop::footer;
        break;
      }
      if (in_use && has_size_of_tcache(size)) walked_.tcache_sized.push_back(at + header_bytes);
      previous = at;
      at += size;
      data = next;
    }
    previous_ = previous;
    at_ = at;
    return stop;
  }

  void pass_top() {
    const std::uint64_t size = window_.word(at_ + 8) & size_mask;
    std::uint64_t end = run_.limit;
    if (size >= header_bytes && size % alignment == 0 && size <= run_.limit - at_) {
      end = at_ + size;
    } else {
      corrupted(at_, 0, "size of the top chunk " + hex_text(size));
    }
    put(at_, end, PieceKind::top);
    at_ = end;
    ended_ = true;
  }

  /// The chunk at at_ makes sense, but the header behind it is outside the window.
  void pass_edge() {
    const std::uint64_t size = window_.word(at_ + 8) & size_mask;
    const std::uint64_t next = at_ + size;
    if (next >= run_.limit) {
      put(at_, next, run_.top_unknown ? PieceKind::top : PieceKind::used);
    } else if (const Window window = window_at(image_, next); window.holds(next, header_bytes)) {
      const bool in_use = (window.word(next + 8) & prev_in_use) != 0;
      if (in_use && has_size_of_tcache(size)) walked_.tcache_sized.push_back(at_ + header_bytes);
      walked_.pieces.push_back({at_, next, window_.at(at_), PieceKind::chunks, in_use || window.word(next) != size});
      piece_start_ = next;
      window_ = window;
    } else {  // whether it is free is told where the core has nothing
      put(at_, next, PieceKind::used);
    }
    previous_ = at_;
    at_ = next;
  }

  void pass_footer() {
    const std::uint64_t size = window_.word(at_ + 8) & size_mask;
    const std::uint64_t next = at_ + size;
    const std::uint64_t next_head = window_.word(next + 8);
    // A header that makes no sense says nothing of the chunk before it; the next step reports it.
    if (next == run_.top || legal(next_head, next, bound())) {
      corrupted(at_, 0,
                "is called free by its successor, which has " + hex_text(window_.word(next)) + " for its size " +
                    hex_text(size));
    }
    put(at_, next, PieceKind::used);
    previous_ = at_;
    at_ = next;
  }

  void pass_bad() {
    const std::uint64_t head = window_.word(at_ + 8);
    const std::uint64_t fenceposts_end = end_of_fenceposts();
    const bool heap_ends = !run_.main && run_.limit - fenceposts_end <= smallest_chunk &&
                           window_.holds(fenceposts_end, header_bytes) &&
                           (window_.word(fenceposts_end + 8) & size_mask) == 0;
    if (heap_ends && fenceposts_end != at_) {
      put(at_, run_.limit, PieceKind::overhead);
      at_ = run_.limit;
    } else if (heap_ends && previous_ != 0 && at_ - previous_ <= smallest_chunk) {
      end_of_heap();
    } else if (fenceposts_end - at_ >= 2 * fencepost) {
      pass_fenceposts(fenceposts_end);
    } else if (walked_.corrupted >= most_corrupted) {
      const std::uint64_t end = bound();
      add_damage_at(image_, damage_, at_, end - at_,
                    run_.name + ": too many corrupted chunks, given up at " + hex_text(at_));
      put(at_, end, PieceKind::overhead);
      at_ = end;
    } else {
      const std::uint64_t resume = resume_from(at_ + alignment);
      corrupted(at_, resume - at_,
                "size " + hex_text(head) + (resume < run_.limit ? ", the walk resumes at " + hex_text(resume) : ""));
      put(at_, resume, resume - at_ >= smallest_chunk ? PieceKind::used : PieceKind::overhead);
      previous_ = at_;
      at_ = resume;
    }
  }

  /// Behind the chunks of 16 bytes that begin at at_; at_ when there are none.
  [[nodiscard]] std::uint64_t end_of_fenceposts() const {
    std::uint64_t end = at_;
    while (end < run_.limit && window_.holds(end, header_bytes) && (window_.word(end + 8) & size_mask) == fencepost &&
           (window_.word(end + 8) & illegal_) == 0) {
      end += fencepost;
    }
    return end;
  }

  /// Two fenceposts in a row end what sbrk() gave before someone else called it, or before it failed.
  void pass_fenceposts(std::uint64_t end) {
    const std::uint64_t first = at_;
    at_ = end;
    if (!run_.limit_is_end) {
      ended_ = true;
    } else if (at_ < run_.limit) {
      at_ = resume_from(at_);  // foreign memory, no damage
    }
    put(first, at_, PieceKind::overhead);
  }

  /// The end of a heap that has a successor: the chunk before is a fencepost of 16 or 32 bytes that was never a block.
  void end_of_heap() {
    if (Piece& last = walked_.pieces.back(); last.kind == PieceKind::chunks && last.end == at_) {
      if (previous_ == last.start) {
        walked_.pieces.pop_back();
      } else {
        last.end = previous_;
        last.last_in_use = (window_.word(previous_ + 8) & prev_in_use) != 0;
      }
      at_ = previous_;
    }
    put(at_, run_.limit, PieceKind::overhead);
    at_ = run_.limit;
    ended_ = true;
  }

  void skip_absent() {
    const std::uint64_t from = at_;
    const std::span<const ProcessImage::Range> ranges = image_.ranges();
    auto range = std::partition_point(ranges.begin(), ranges.end(),
                                      [from](const ProcessImage::Range& one) { return one.end <= from; });
    const auto usable = [from](const ProcessImage::Range& one) {
      return one.present() && one.end - std::max(one.start, from) >= header_bytes;
    };
    while (range != ranges.end() && range->start < run_.limit && !usable(*range)) ++range;
    const bool more = range != ranges.end() && range->start < run_.limit;
    // Not at `from`: there, not even a header is present.
    const std::uint64_t present = more ? std::min(std::max(range->start, from + alignment), run_.limit) : run_.limit;
    if (walked_.absent == 0) first_absent_ = from;
    walked_.absent += present - from;
    at_ = present < run_.limit ? resume_from((present + alignment - 1) & ~(alignment - 1)) : present;
    put(from, at_, PieceKind::overhead);
  }

  /// The first address from which the chunks make sense again; the top chunk or the end of the run when there is none;
  /// an address whose bytes are absent when they come first.
  std::uint64_t resume_from(std::uint64_t from) {
    const std::uint64_t end = run_.top != 0 && from <= run_.top ? run_.top : run_.limit;
    Window window = window_;
    for (std::uint64_t at = from; at < end; at += alignment) {
      if (!window.holds(at, header_bytes)) window = window_at(image_, at);
      if (!window.holds(at, header_bytes)) return at;
      if (legal(window.word(at + 8), at, end) && plausible_from(image_, run_, at, plausible_chunks)) return at;
    }
    return end;
  }

  void corrupted(std::uint64_t chunk, std::uint64_t bytes, const std::string& what) {
    ++walked_.corrupted;
    add_damage_at(image_, damage_, chunk, bytes,
                  run_.name + ": corrupted chunk at " + hex_text(chunk) + ": " + what +
                      (previous_ != 0 ? "; the chunk before is at " + hex_text(previous_) : "; it is the first"));
  }

  const ProcessImage& image_;
  const Run& run_;
  DamageLog& damage_;
  std::uint64_t illegal_;
  std::uint64_t at_;
  std::uint64_t piece_start_ = 0;
  std::uint64_t previous_ = 0;
  std::uint64_t first_absent_ = 0;
  Window window_;
  WalkedRun walked_;
  bool ended_ = false;
};

enum class Met : std::uint8_t { enough, top_or_end, a_fencepost, absence, nonsense };
struct Followed {
  Met met = Met::nonsense;
  std::uint64_t passed = 0;  ///< chunks
  std::uint64_t at = 0;
};

/// Follows at most `most` chunks from `address` on.
Followed follow(const ProcessImage& image, const Run& run, std::uint64_t address, std::uint64_t most) {
  const std::uint64_t illegal = bits_never_set(run);
  const std::uint64_t bound = run.top != 0 && address <= run.top && run.top < run.limit ? run.top : run.limit;
  Window window;
  for (std::uint64_t passed = 0;; ++passed) {
    if (passed == most) return {Met::enough, passed, address};
    if (address >= bound) return {Met::top_or_end, passed, address};
    if (!window.holds(address, header_bytes)) window = window_at(image, address);
    if (!window.holds(address, header_bytes)) return {Met::absence, passed, address};
    const std::uint64_t head = window.word(address + 8);
    const std::uint64_t size = head & size_mask;
    if ((head & illegal) == 0 && size == fencepost) return {Met::a_fencepost, passed, address};
    if ((head & illegal) != 0 || size < smallest_chunk || size > bound - address)
      return {Met::nonsense, passed, address};
    const std::uint64_t next = address + size;
    if (next < bound && window.holds(next, header_bytes) && (window.word(next + 8) & prev_in_use) == 0 &&
        window.word(next) != size) {
      return {Met::nonsense, passed, address};
    }
    address = next;
  }
}

}  // namespace

bool plausible_from(const ProcessImage& image, const Run& run, std::uint64_t address, unsigned count) {
  const Followed followed = follow(image, run, address, count);
  switch (followed.met) {
    case Met::enough: return true;
    case Met::top_or_end:
    case Met::a_fencepost: return followed.passed != 0;
    case Met::absence: return followed.passed >= 4;  // the core ends here
    case Met::nonsense: break;
  }
  return false;
}

bool ends_well(const ProcessImage& image, const Run& run, std::uint64_t address, std::uint64_t& steps) {
  const Followed followed = follow(image, run, address, ~std::uint64_t{0});
  steps += followed.passed + 1;
  if (followed.met == Met::top_or_end) return followed.at == run.top;
  return followed.met == Met::a_fencepost && followed.passed != 0 &&
         (image.word(followed.at + fencepost + 8).value_or(0) & size_mask) == fencepost;
}

WalkedRun walk_run(const ProcessImage& image, const Run& run, DamageLog& damage) {
  return Walker(image, run, damage).walk();
}

Window window_at(const ProcessImage& image, std::uint64_t address) {
  const ProcessImage::Range* range = image.find(address);
  if (range == nullptr || !range->present()) return {};
  Window window{range->start, range->end, range->data};
  const ProcessImage::Range* last = image.ranges().data() + image.ranges().size();
  while (++range != last && range->present() && range->start == window.end &&
         range->data == window.data + (window.end - window.start)) {
    window.end = range->end;
  }
  return window;
}

}  // namespace formats::glibc

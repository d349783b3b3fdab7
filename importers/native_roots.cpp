#include "importers/native_roots.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "importers/native_links.h"
#include "importers/native_modules.h"
#include "importers/native_words.h"

namespace importers::native {
namespace {

using formats::ProcessImage;
using queries::Doubt;
using queries::no_object;
using queries::ObjectId;
using queries::RootKind;
using Range = ProcessImage::Range;

/// Part of a thread's stack, or its thread-local data.
struct Piece {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::int64_t thread = 0;
  RootKind kind = RootKind::stack_word;
};

/// Cuts them so that none overlaps another and together they cover the same bytes: where several do, the one that
/// begins last keeps them. Threads that run on pieces of one mapping (coroutines; or a core that says so) get their
/// own piece each, and every byte is read once. Ascending. O(n log n).
std::vector<Piece> make_disjoint(std::vector<Piece> all) {
  std::sort(all.begin(), all.end(), [](const Piece& a, const Piece& b) {
    return std::tuple(a.start, -a.thread, a.kind) < std::tuple(b.start, -b.thread, b.kind);
  });
  std::vector<Piece> pieces;
  std::vector<Piece> open;  // begun and not ended, innermost last
  std::uint64_t at = 0;     // everything below is covered
  const auto cover_up_to = [&](std::uint64_t limit) {
    while (!open.empty()) {
      const Piece& inner = open.back();
      const std::uint64_t start = std::max(at, inner.start);
      const std::uint64_t stop = std::min(inner.end, limit);
      if (start < stop) pieces.push_back({start, stop, inner.thread, inner.kind});
      at = std::max(at, stop);
      if (inner.end > limit) return;
      open.pop_back();
    }
  };
  for (const Piece& next : all) {
    cover_up_to(next.start);
    if (next.start < next.end) open.push_back(next);
  }
  cover_up_to(~std::uint64_t{0});
  return pieces;
}

class RootFinder {
 public:
  RootFinder(const ProcessImage& image, const NativeHeap& heap, const Blocks& blocks, const RootEvidence& evidence,
             queries::Snapshot& snapshot)
      : image_(image),
        heap_(heap),
        blocks_(blocks),
        names_(evidence.names),
        types_(evidence.types),
        doubts_(evidence.doubts),
        links_(image, blocks, evidence.types),
        known_(evidence.known),
        stacks_(evidence.stacks),
        memory_(evidence.memory),
        runtime_blocks_(evidence.runtime_blocks),
        snapshot_(snapshot),
        words_(image, heap.owned()) {
    for (Seen& seen : seen_) seen = {queries::Bitmap(blocks.count()), queries::Bitmap(blocks.count())};
  }

  void run() {
    first_frame_ = make_frames(stacks_, snapshot_);
    const auto& threads = image_.core().threads;
    next_frame_.resize(threads.size());
    for (std::size_t i = 0; i < threads.size(); ++i) thread(threads[i], static_cast<std::int64_t>(i));
    for (const Piece& piece : make_disjoint(std::move(pieces_))) scan(piece);
    for (const EndedThread& ended : ended_threads(image_)) ended_thread(ended);
    scanned_.freeze();
    everything_else();
    allocators();
    finish();
  }

 private:
  struct Found {
    ObjectId object{};
    RootKind kind{};
    std::int64_t thread = -1;
    std::int64_t frame = -1;
    std::string place;
    Doubt doubt = Doubt::none;
  };

  void add_register(std::uint64_t value, std::int64_t thread, Doubt doubt) {
    const Blocks::Hit hit = blocks_.find(value);
    if (hit.id == no_object) return known_.see(value);
    found_.push_back(
        {hit.id, RootKind::machine_register, thread, -1, {}, doubt == Doubt::none ? doubts_.of_register(hit) : doubt});
  }

  /// The row of the frame whose stack holds `at`, -1 = not known. Addresses of a thread ascend from call to call.
  [[nodiscard]] std::int64_t frame_at(std::int64_t thread, std::uint64_t at) {
    const auto number = static_cast<std::size_t>(thread);
    if (number >= stacks_.size()) return -1;
    const std::vector<formats::Frame>& frames = stacks_[number].frames;
    std::size_t& next = next_frame_[number];
    while (next < frames.size() && (frames[next].is_inlined || frames[next].stack_end <= at)) ++next;
    if (next == frames.size() || at < frames[next].stack_pointer) return -1;
    return static_cast<std::int64_t>(first_frame_[number] + next);
  }

  void thread(const formats::elf::Thread& thread, std::int64_t number) {
    queries::ThreadRow row;
    row.os_id = thread.os_id;
    // The kernel gives every thread the signal that ended the process; the first is the one that had it.
    row.signal = number == 0 && image_.core().signal ? image_.core().signal->number : 0;
    if (static_cast<std::size_t>(number) < stacks_.size()) row.stack = number;
    row.name = "thread " + std::to_string(thread.os_id);
    if (number == 0 && !image_.core().program.empty()) row.name += " (" + image_.core().program + ")";
    snapshot_.threads.push_back(std::move(row));

    for (const std::uint64_t value : thread.registers) add_register(value, number, Doubt::none);
    const Doubt vector_doubt = is_in_system_call(thread) ? Doubt::leftover_register : Doubt::none;
    for (std::size_t at = 0; at + 8 <= thread.vector_registers.size(); at += 8) {
      add_register(formats::load_le<std::uint64_t>(&thread.vector_registers[at]), number, vector_doubt);
    }
    const ThreadMemory& memory = memory_[static_cast<std::size_t>(number)];
    pieces_.push_back({std::max(memory.stack.start, memory.live - std::min(memory.live, memory.red_zone)),
                       memory.stack.end, number, RootKind::stack_word});
    pieces_.push_back({memory.thread_local_.start, memory.thread_local_.end, number, RootKind::thread_local_data});
    scanned_.add(memory.stack.start, memory.stack.end);
    scanned_.add(memory.thread_local_.start, memory.thread_local_.end);
  }

  void scan(const Piece& piece) {
    const formats::elf::Thread& thread = image_.core().threads[static_cast<std::size_t>(piece.thread)];
    const bool is_stack = piece.kind == RootKind::stack_word;
    const bool has_variables_above = image_.core().machine == formats::elf::Machine::aarch64;  // TLS variant I
    const std::uint64_t base = is_stack ? thread.stack_pointer : thread.thread_pointer;
    const std::string name = is_stack ? "sp" : "tls";
    for_each_word(piece.start, piece.end, [&](const PointingWord& word) {
      const Blocks::Hit hit = find(word);
      if (hit.id == no_object) return;
      const bool below = word.at < base;
      // The C library's descriptor on the other side of the variables points inside its blocks.
      const bool is_descriptor = !is_stack && below == has_variables_above;
      found_.push_back({hit.id, piece.kind, piece.thread, is_stack && !below ? frame_at(piece.thread, word.at) : -1,
                        name + (below ? "-" + hex(base - word.at) : "+" + hex(word.at - base)),
                        is_stack && below ? Doubt::below_stack
                        : is_descriptor   ? Doubt::none
                                          : doubts_.of_word(word, hit)});
    });
  }

  /// Calls f(PointingWord) for every word of [start, end) that is in the core and no allocator's.
  template <typename F>
  void for_each_word(std::uint64_t start, std::uint64_t end, F&& f) {
    std::uint64_t before = 0;
    words_.for_each(start, end, [&](std::uint64_t at, std::uint64_t word) {
      f(PointingWord{at, word, before, no_object});
      before = word;
    });
  }

  /// The C library keeps its stack, and with it the table of its thread-local data, for the next thread.
  void ended_thread(const EndedThread& ended) {
    scanned_.add(ended.stack.start, ended.stack.end);
    const Blocks::Hit table = blocks_.find(image_.word(ended.control_block + 8).value_or(0));
    if (table.id == no_object) return;
    found_.push_back(
        {table.id, RootKind::allocator, -1, -1, "table of an ended thread's thread-local data", Doubt::none});
  }

  /// What a word outside of the heaps holds; what points to no block may point to memory of unknown use.
  Blocks::Hit find(const PointingWord& word) {
    const Blocks::Hit hit = blocks_.find(word.value);
    if (hit.id == no_object) {
      known_.see(word.value);
      return hit;
    }
    const bool is_end = hit.offset == 0 && types_.is_end_of_previous(hit.id, word.at, blocks_);
    return is_end || links_.leads_back(word.at, no_object, hit) ? Blocks::Hit{} : hit;
  }

  /// The x86-64 psABI keeps no vector register across calls, and the C library's wrappers of system calls use none.
  [[nodiscard]] bool is_in_system_call(const formats::elf::Thread& thread) const {
    constexpr std::size_t original_rax = 15;  // in user_regs_struct: the system call's number, -1 outside of one
    return image_.core().machine == formats::elf::Machine::x86_64 && thread.registers.size() > original_rax &&
           static_cast<std::int64_t>(thread.registers[original_rax]) >= 0;
  }

  /// Data that was written to while the program started and that the dynamic linker has protected since (PT_GNU_RELRO):
  /// right below the module's writable data. libc in a static program keeps pointers to blocks of its own there.
  [[nodiscard]] static bool is_relocated(const Range& range, const Range& next) {
    return range.file >= 0 && range.readable && !range.executable && next.start == range.end && next.writable;
  }

  /// Static data first: it says which of the other memory the program knows of.
  void everything_else() {
    const std::vector<std::int32_t> files = backing_files(image_);
    const auto& ranges = image_.ranges();
    for (const bool is_static : {true, false}) {
      for (std::size_t i = 0; i < ranges.size(); ++i) {
        const Range& range = ranges[i];
        if ((files[i] >= 0) != is_static || !range.present() || range.filled) continue;
        if (!range.writable && !(i + 1 < ranges.size() && is_relocated(range, ranges[i + 1]))) continue;
        scanned_.for_each_gap(range.start, range.end, [&](std::uint64_t from, std::uint64_t to) {
          for_each_word(from, to, [&](const PointingWord& word) { data(word, files[i]); });
        });
      }
    }
  }

  void data(const PointingWord& word, std::int32_t file) {
    const Blocks::Hit hit = find(word);
    if (hit.id == no_object) return;
    const bool is_static = file >= 0;
    Doubt doubt = doubts_.of_word(word, hit);
    if (!is_static && !known_.knows(word.at)) doubt = Doubt::unknown_memory;
    Seen& seen = seen_[is_static ? 0 : 1];
    if (!(doubt == Doubt::none ? seen.certain : seen.doubtful).set_if_clear(index(hit.id))) return;
    found_.push_back({hit.id, is_static ? RootKind::static_data : RootKind::mapped_memory, -1, -1,
                      is_static ? static_name(word.at, file) : hex(word.at), doubt});
  }

  [[nodiscard]] std::string static_name(std::uint64_t at, std::int32_t file) const {
    if (names_ != nullptr) {
      if (std::string name = names_->symbol(at); !name.empty()) return name;
    }
    const formats::elf::FileMapping& mapping = image_.core().files[static_cast<std::size_t>(file)];
    const std::size_t slash = mapping.path.rfind('/');
    std::uint64_t base = mapping.start;
    for (const formats::elf::FileMapping& other : image_.core().files) {
      if (other.path == mapping.path) {
        base = other.start;
        break;
      }
    }
    return mapping.path.substr(slash == std::string::npos ? 0 : slash + 1) + "+" + hex(at - base);
  }

  void allocators() {
    for (const auto* own : {&heap_.own_blocks(), &runtime_blocks_}) {
      for (const auto& [address, what] : *own) {
        const Blocks::Hit hit = blocks_.find(address);
        if (hit.id != no_object) found_.push_back({hit.id, RootKind::allocator, -1, -1, what, Doubt::none});
      }
    }
  }

  void finish() {
    std::stable_sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) {
      return std::tuple(a.object, a.kind, a.thread, a.doubt != Doubt::none) <
             std::tuple(b.object, b.kind, b.thread, b.doubt != Doubt::none);
    });
    const Found* last = nullptr;
    for (const Found& found : found_) {
      if (last != nullptr && last->object == found.object && last->kind == found.kind && last->thread == found.thread) {
        continue;
      }
      queries::RootRow row;
      row.object = found.object;
      row.kind = found.kind;
      row.thread = found.thread;
      row.frame = found.frame;
      row.doubt = found.doubt;
      if (!found.place.empty()) row.name = snapshot_.name_id(found.place);
      if (last == nullptr || last->object != found.object) snapshot_.direct_roots.push_back(found.object);
      snapshot_.roots.push_back(row);
      last = &found;
    }
    snapshot_.find_uncertain_roots();
  }

  static std::string hex(std::uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
    return text;
  }

  const ProcessImage& image_;
  const NativeHeap& heap_;
  const Blocks& blocks_;
  const NameSource* names_;
  const TypedBlocks& types_;
  const Doubts& doubts_;
  Links links_;
  KnownMemory& known_;
  const std::vector<formats::CallStack>& stacks_;
  const std::vector<ThreadMemory>& memory_;
  const std::vector<std::pair<std::uint64_t, std::string>>& runtime_blocks_;
  std::vector<std::size_t> next_frame_;   ///< by thread: where frame_at() goes on
  std::vector<Piece> pieces_;             ///< of stacks and thread-local data, to be scanned
  std::vector<std::size_t> first_frame_;  ///< by thread: its first row of frames
  queries::Snapshot& snapshot_;
  Words words_;            ///< outside of the heaps
  AddressRanges scanned_;  ///< stacks and thread-local data: not scanned again
  struct Seen {
    queries::Bitmap certain;
    queries::Bitmap doubtful;
  };
  std::array<Seen, 2> seen_;  ///< blocks that static data, other memory points to: a root for each
  std::vector<Found> found_;
};

}  // namespace

void make_roots(const ProcessImage& image, const NativeHeap& heap, const Blocks& blocks, const RootEvidence& evidence,
                queries::Snapshot& snapshot) {
  RootFinder(image, heap, blocks, evidence, snapshot).run();
}

}  // namespace importers::native

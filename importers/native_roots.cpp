#include "importers/native_roots.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "importers/native_links.h"
#include "importers/native_modules.h"

namespace importers::native {
namespace {

using formats::AddressRange;
using formats::ProcessImage;
using queries::Doubt;
using queries::no_object;
using queries::ObjectId;
using queries::RootKind;
using Range = ProcessImage::Range;

constexpr std::uint64_t red_zone = 128;  // below the stack pointer, usable by leaf functions (x86-64 psABI 3.2.2)

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
        snapshot_(snapshot) {
    for (Seen& seen : seen_) seen = {queries::Bitmap(blocks.count()), queries::Bitmap(blocks.count())};
  }

  void run() {
    first_frame_ = make_frames(stacks_, snapshot_);
    const auto& threads = image_.core().threads;
    for (std::size_t i = 0; i < threads.size(); ++i) thread(threads[i], static_cast<std::int64_t>(i));
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

  /// The row of the frame whose stack holds `at`, -1 = not known. `next`: where to go on, as addresses ascend.
  [[nodiscard]] std::int64_t frame_at(std::int64_t thread, std::uint64_t at, std::size_t& next) const {
    const auto number = static_cast<std::size_t>(thread);
    if (number >= stacks_.size()) return -1;
    const std::vector<formats::Frame>& frames = stacks_[number].frames;
    while (next < frames.size() && (frames[next].is_inlined || frames[next].stack_end <= at)) ++next;
    if (next == frames.size() || at < frames[next].stack_pointer) return -1;
    return static_cast<std::int64_t>(first_frame_[number] + next);
  }

  /// Calls f(PointingWord) for every word of [start, end) that is in the core and no allocator's.
  template <typename F>
  void for_each_word(std::uint64_t start, std::uint64_t end, F&& f) const {
    heap_.owned().for_each_gap(start, end, [&](std::uint64_t from, std::uint64_t to) {
      from = (from + 7) & ~std::uint64_t{7};
      while (from + 8 <= to) {
        const formats::Bytes bytes = image_.at(from);
        if (bytes.empty()) {
          const Range* range = image_.find(from);
          if (range == nullptr) return;
          from = range->end;  // ranges begin and end at pages
          continue;
        }
        const std::size_t usable =
            std::min<std::size_t>(bytes.size(), static_cast<std::size_t>(to - from)) & ~std::size_t{7};
        if (usable == 0) return;
        PointingWord word;
        for (std::size_t at = 0; at < usable; at += 8) {
          word = {from + at, formats::load_le<std::uint64_t>(&bytes[at]), word.value, no_object};
          f(static_cast<const PointingWord&>(word));
        }
        from += usable;
      }
    });
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
    stack(memory, number);
    thread_local_data(memory.thread_local_, thread.thread_pointer, number);
  }

  void stack(const ThreadMemory& memory, std::int64_t number) {
    const std::uint64_t low = std::max(memory.stack.start, memory.live - std::min(memory.live, red_zone));
    std::size_t frame = 0;
    for_each_word(low, memory.stack.end, [&](const PointingWord& word) {
      const Blocks::Hit hit = find(word);
      if (hit.id == no_object) return;
      const bool below = word.at < memory.live;
      found_.push_back({hit.id, RootKind::stack_word, number, below ? -1 : frame_at(number, word.at, frame),
                        below ? "sp-" + hex(memory.live - word.at) : "sp+" + hex(word.at - memory.live),
                        below ? Doubt::below_stack : doubts_.of_word(word, hit)});
    });
    scanned_.add(memory.stack.start, memory.stack.end);
  }

  void thread_local_data(const AddressRange& range, std::uint64_t pointer, std::int64_t number) {
    for_each_word(range.start, range.end, [&](const PointingWord& word) {
      const Blocks::Hit hit = find(word);
      if (hit.id == no_object) return;
      const bool is_variable = word.at < pointer;  // above, the C library's descriptor, which points inside its blocks
      found_.push_back({hit.id, RootKind::thread_local_data, number, -1,
                        is_variable ? "tls-" + hex(pointer - word.at) : "tls+" + hex(word.at - pointer),
                        is_variable ? doubts_.of_word(word, hit) : Doubt::none});
    });
    scanned_.add(range.start, range.end);
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
  std::vector<std::size_t> first_frame_;  ///< by thread: its first row of frames
  queries::Snapshot& snapshot_;
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

#include "importers/native_roots.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "importers/native_modules.h"
#include "importers/native_words.h"

namespace importers::native {
namespace {

using formats::ProcessImage;
using queries::no_object;
using queries::ObjectId;
using queries::RootKind;
using Range = ProcessImage::Range;

constexpr std::uint64_t descriptor = 0x900;     // at least sizeof(struct pthread)
constexpr std::uint64_t static_tls = 16 << 10;  // searched where the end of thread-local data is not known

/// What is where around a thread's stack pointer and thread pointer.
struct MachineRules {
  std::uint64_t red_zone;   ///< below the stack pointer, usable by leaf functions
  std::uint64_t tls_below;  ///< of the thread pointer: thread-local data of variant II, the descriptor of variant I
  std::uint64_t tls_above;
};
constexpr MachineRules rules_of(formats::elf::Machine machine) {
  return machine == formats::elf::Machine::x86_64
             ? MachineRules{128, static_tls, descriptor}  // psABI 3.2.2; TLS variant II
             : MachineRules{0, descriptor, static_tls};   // AAPCS64 has no red zone; TLS variant I
}

/// Part of a thread's stack, or its thread-local data.
struct ThreadMemory {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::int64_t thread = 0;
  RootKind kind = RootKind::stack_word;
};

/// Cuts them so that none overlaps another and together they cover the same bytes: where several do, the one that
/// begins last keeps them. Threads that run on pieces of one mapping (coroutines; or a core that says so) get their
/// own piece each, and every byte is read once. Ascending. O(n log n).
std::vector<ThreadMemory> make_disjoint(std::vector<ThreadMemory> all) {
  std::sort(all.begin(), all.end(), [](const ThreadMemory& a, const ThreadMemory& b) {
    return std::tuple(a.start, -a.thread, a.kind) < std::tuple(b.start, -b.thread, b.kind);
  });
  std::vector<ThreadMemory> pieces;
  std::vector<ThreadMemory> open;  // begun and not ended, innermost last
  std::uint64_t at = 0;            // everything below is covered
  const auto cover_up_to = [&](std::uint64_t limit) {
    while (!open.empty()) {
      const ThreadMemory& inner = open.back();
      const std::uint64_t start = std::max(at, inner.start);
      const std::uint64_t stop = std::min(inner.end, limit);
      if (start < stop) pieces.push_back({start, stop, inner.thread, inner.kind});
      at = std::max(at, stop);
      if (inner.end > limit) return;
      open.pop_back();
    }
  };
  for (const ThreadMemory& next : all) {
    cover_up_to(next.start);
    if (next.start < next.end) open.push_back(next);
  }
  cover_up_to(~std::uint64_t{0});
  return pieces;
}

/// A thread control block points to itself at 0 and 16 (x86-64 TLS ABI, variant II).
bool is_control_block(const ProcessImage& image, std::uint64_t at) {
  const auto self = image.word(at);
  return self && *self == at && image.word(at + 16) == at;
}

class RootFinder {
 public:
  RootFinder(const ProcessImage& image, const NativeHeap& heap, const Blocks& blocks, const NameSource* names,
             const TypedBlocks& types, const std::vector<formats::CallStack>& stacks, queries::Snapshot& snapshot)
      : image_(image),
        heap_(heap),
        blocks_(blocks),
        names_(names),
        types_(types),
        stacks_(stacks),
        snapshot_(snapshot),
        words_(image, heap.owned()),
        rules_(rules_of(image.core().machine)),
        in_static_(blocks.count()),
        in_mapped_(blocks.count()) {}

  void run() {
    first_frame_ = make_frames(stacks_, snapshot_);
    const auto& threads = image_.core().threads;
    next_frame_.resize(threads.size());
    for (std::size_t i = 0; i < threads.size(); ++i) thread(threads[i], static_cast<std::int64_t>(i));
    for (const ThreadMemory& part : make_disjoint(std::move(thread_memory_))) scan(part);
    dead_stacks();
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
  };

  void add(std::uint64_t word, RootKind kind, std::int64_t thread, const std::string& place, std::int64_t frame = -1) {
    const Blocks::Hit hit = blocks_.find(word);
    if (hit.id != no_object) found_.push_back({hit.id, kind, thread, frame, place});
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
    if (static_cast<std::size_t>(number) < stacks_.size()) row.stack = number;
    row.name = "thread " + std::to_string(thread.os_id);
    if (number == 0 && !image_.core().program.empty()) row.name += " (" + image_.core().program + ")";
    snapshot_.threads.push_back(std::move(row));

    for (const std::uint64_t value : thread.registers) add(value, RootKind::machine_register, number, {});
    for (std::size_t at = 0; at + 8 <= thread.vector_registers.size(); at += 8) {
      add(formats::load_le<std::uint64_t>(&thread.vector_registers[at]), RootKind::machine_register, number, {});
    }
    add_memory(thread, number);
  }

  /// The live part of its stack, and its thread-local data: on a stack that glibc made they share a mapping.
  void add_memory(const formats::elf::Thread& thread, std::int64_t number) {
    const std::uint64_t sp = thread.stack_pointer;
    const std::uint64_t tls = thread.thread_pointer;
    std::uint64_t tls_start = tls - std::min(tls, rules_.tls_below);
    if (const Range* stack = image_.find(sp); stack != nullptr && stack->writable) {
      const std::uint64_t low = std::max(stack->start, sp - std::min(sp, rules_.red_zone));
      std::uint64_t high = stack->end;
      std::uint64_t owned_end = stack->end;  // the rest of the mapping is dead stack, or of this thread
      if (tls >= sp && tls < stack->end) {
        const bool variant_one = image_.core().machine == formats::elf::Machine::aarch64;
        high = variant_one ? std::max(sp, tls_start) : tls;
        tls_start = high;
        owned_end = std::min(stack->end, tls + rules_.tls_above);
      }
      thread_memory_.push_back({low, high, number, RootKind::stack_word});
      scanned_.add(stack->start, owned_end);
    }
    if (const Range* range = tls == 0 ? nullptr : image_.find(tls); range != nullptr && range->writable) {
      const std::uint64_t low = std::max(range->start, tls_start);
      const std::uint64_t high = std::min(range->end, tls + rules_.tls_above);
      thread_memory_.push_back({low, high, number, RootKind::thread_local_data});
      scanned_.add(low, high);
    }
  }

  void scan(const ThreadMemory& part) {
    const formats::elf::Thread& thread = image_.core().threads[static_cast<std::size_t>(part.thread)];
    const bool is_stack = part.kind == RootKind::stack_word;
    const std::uint64_t base = is_stack ? thread.stack_pointer : thread.thread_pointer;
    const std::string name = is_stack ? "sp" : "tls";
    words_.for_each(part.start, part.end, [&](std::uint64_t at, std::uint64_t word) {
      const Blocks::Hit hit = blocks_.find(word);
      if (hit.id == no_object || (hit.offset == 0 && types_.is_end_of_previous(hit.id, at, blocks_))) return;
      const bool below = at < base;
      add(word, part.kind, part.thread, name + (below ? "-" + hex(base - at) : "+" + hex(at - base)),
          is_stack && !below ? frame_at(part.thread, at) : -1);
    });
  }

  /// Stacks of ended threads: guard, stack, a control block near the top that is no living thread's.
  void dead_stacks() {
    const Range* before = nullptr;
    for (const Range& range : image_.ranges()) {
      const bool guarded = before != nullptr && before->end == range.start && !before->readable && !before->writable;
      before = &range;
      if (!guarded || !range.writable || !range.present() || range.file >= 0) continue;
      if (const auto top = control_block(range)) scanned_.add(range.start, std::min(range.end, *top + descriptor));
    }
  }

  [[nodiscard]] std::optional<std::uint64_t> control_block(const Range& range) const {
    const std::uint64_t lowest = range.end - std::min(range.size(), static_tls);
    for (std::uint64_t at = range.end & ~std::uint64_t{63}; at > lowest;) {
      at -= 64;
      if (!is_control_block(image_, at)) continue;
      const auto& threads = image_.core().threads;
      const bool lives = std::any_of(threads.begin(), threads.end(),
                                     [&](const formats::elf::Thread& thread) { return thread.thread_pointer == at; });
      return lives ? std::nullopt : std::optional(at);
    }
    return std::nullopt;
  }

  /// Data that was written to while the program started and that the dynamic linker has protected since (PT_GNU_RELRO):
  /// right below the module's writable data. libc in a static program keeps pointers to blocks of its own there.
  [[nodiscard]] static bool is_relocated(const Range& range, const Range& next) {
    return range.file >= 0 && range.readable && !range.executable && next.start == range.end && next.writable;
  }

  void everything_else() {
    std::int32_t file = -1;  // of the mapping before, whose .bss an anonymous neighbour is
    std::uint64_t end = 0;
    const auto& ranges = image_.ranges();
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      const Range& range = ranges[i];
      if (range.file >= 0) {
        file = range.file;
      } else if (range.start != end) {
        file = -1;
      }
      end = range.end;
      if (!range.present() || range.filled) continue;
      if (!range.writable && !(i + 1 < ranges.size() && is_relocated(range, ranges[i + 1]))) continue;
      const bool is_static = file >= 0;
      scanned_.for_each_gap(range.start, range.end, [&](std::uint64_t from, std::uint64_t to) {
        words_.for_each(from, to, [&](std::uint64_t at, std::uint64_t word) {
          const Blocks::Hit hit = blocks_.find(word);
          if (hit.id == no_object) return;
          if (hit.offset == 0 && types_.is_end_of_previous(hit.id, at, blocks_)) return;
          if (!(is_static ? in_static_ : in_mapped_).set_if_clear(index(hit.id))) return;
          found_.push_back({hit.id, is_static ? RootKind::static_data : RootKind::mapped_memory, -1, -1,
                            is_static ? static_name(at, file) : "0x" + hex_digits(at)});
        });
      });
    }
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
    for (const auto& [address, what] : heap_.own_blocks()) add(address, RootKind::allocator, -1, what);
  }

  void finish() {
    std::stable_sort(found_.begin(), found_.end(), [](const Found& a, const Found& b) {
      return std::tuple(a.object, a.kind, a.thread) < std::tuple(b.object, b.kind, b.thread);
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
      if (!found.place.empty()) row.name = snapshot_.name_id(found.place);
      if (last == nullptr || last->object != found.object) snapshot_.direct_roots.push_back(found.object);
      snapshot_.roots.push_back(row);
      last = &found;
    }
  }

  static std::string hex_digits(std::uint64_t value) {
    char text[20];
    std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(value));
    return text;
  }
  static std::string hex(std::uint64_t value) { return "0x" + hex_digits(value); }

  const ProcessImage& image_;
  const NativeHeap& heap_;
  const Blocks& blocks_;
  const NameSource* names_;
  const TypedBlocks& types_;
  const std::vector<formats::CallStack>& stacks_;
  std::vector<std::size_t> first_frame_;     ///< by thread: its first row of frames
  std::vector<std::size_t> next_frame_;      ///< by thread: where frame_at() goes on
  std::vector<ThreadMemory> thread_memory_;  ///< to be scanned
  queries::Snapshot& snapshot_;
  Words words_;  ///< outside of the heaps
  MachineRules rules_;
  AddressRanges scanned_;  ///< stacks and thread-local data: not scanned again
  queries::Bitmap in_static_;
  queries::Bitmap in_mapped_;
  std::vector<Found> found_;
};

}  // namespace

void make_roots(const ProcessImage& image, const NativeHeap& heap, const Blocks& blocks, const TypedBlocks& types,
                const std::vector<formats::CallStack>& stacks, const NameSource* names, queries::Snapshot& snapshot) {
  RootFinder(image, heap, blocks, names, types, stacks, snapshot).run();
}

}  // namespace importers::native

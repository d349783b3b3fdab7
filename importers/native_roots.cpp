#include "importers/native_roots.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "importers/native_modules.h"

namespace importers::native {
namespace {

using formats::ProcessImage;
using queries::no_object;
using queries::ObjectId;
using queries::RootKind;
using Range = ProcessImage::Range;

constexpr std::uint64_t red_zone = 128;      // below the stack pointer, usable by leaf functions (x86-64 psABI 3.2.2)
constexpr std::uint64_t descriptor = 0x900;  // at least sizeof(struct pthread), from the thread pointer up
constexpr std::uint64_t static_tls =
    16 << 10;  // searched below the thread pointer of a thread without own stack mapping

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
        in_static_(blocks.count()),
        in_mapped_(blocks.count()) {}

  void run() {
    first_frame_ = make_frames(stacks_, snapshot_);
    const auto& threads = image_.core().threads;
    for (std::size_t i = 0; i < threads.size(); ++i) thread(threads[i], static_cast<std::int64_t>(i));
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

  /// The row of the frame whose stack holds `at`, -1 = not known. `next`: where to go on, as addresses ascend.
  [[nodiscard]] std::int64_t frame_at(std::int64_t thread, std::uint64_t at, std::size_t& next) const {
    const auto number = static_cast<std::size_t>(thread);
    if (number >= stacks_.size()) return -1;
    const std::vector<formats::Frame>& frames = stacks_[number].frames;
    while (next < frames.size() && (frames[next].is_inlined || frames[next].stack_end <= at)) ++next;
    if (next == frames.size() || at < frames[next].stack_pointer) return -1;
    return static_cast<std::int64_t>(first_frame_[number] + next);
  }

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
        for (std::size_t at = 0; at < usable; at += 8) f(from + at, formats::load_le<std::uint64_t>(&bytes[at]));
        from += usable;
      }
    });
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
    const std::uint64_t tls = thread.thread_pointer;
    if (const Range* stack = image_.find(thread.stack_pointer); stack != nullptr && stack->writable) {
      const std::uint64_t low = std::max(stack->start, thread.stack_pointer - std::min(thread.stack_pointer, red_zone));
      const bool has_tls = tls >= thread.stack_pointer && tls < stack->end;
      const std::uint64_t high = has_tls ? std::min(stack->end, tls + descriptor) : stack->end;
      std::size_t frame = 0;
      for_each_word(low, has_tls ? tls : high, [&](std::uint64_t at, std::uint64_t word) {
        const Blocks::Hit hit = blocks_.find(word);
        if (hit.id == no_object || (hit.offset == 0 && types_.is_end_of_previous(hit.id, at, blocks_))) return;
        const bool below = at < thread.stack_pointer;
        add(word, RootKind::stack_word, number,
            below ? "sp-" + hex(thread.stack_pointer - at) : "sp+" + hex(at - thread.stack_pointer),
            below ? -1 : frame_at(number, at, frame));
      });
      scanned_.add(stack->start, high);
    }
    if (const Range* range = tls == 0 ? nullptr : image_.find(tls); range != nullptr && range->writable) {
      const std::uint64_t low = scanned_below(tls) ? tls : std::max(range->start, tls - std::min(tls, static_tls));
      const std::uint64_t high = std::min(range->end, tls + descriptor);
      for_each_word(low, high, [&](std::uint64_t at, std::uint64_t word) {
        add(word, RootKind::thread_local_data, number, at < tls ? "tls-" + hex(tls - at) : "tls+" + hex(at - tls));
      });
      scanned_.add(low, high);
    }
  }

  /// Whether the word below the thread pointer was scanned as stack already.
  [[nodiscard]] bool scanned_below(std::uint64_t tls) const {
    const auto ranges = scanned_.ranges();
    return !ranges.empty() && ranges.back().start < tls && tls <= ranges.back().end;
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
        for_each_word(from, to, [&](std::uint64_t at, std::uint64_t word) {
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
  std::vector<std::size_t> first_frame_;  ///< by thread: its first row of frames
  queries::Snapshot& snapshot_;
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

#include "importers/native_mappings.h"

#include <algorithm>
#include <optional>
#include <string>

namespace importers::native {

using formats::AddressRange;
using formats::ProcessImage;
using Range = ProcessImage::Range;

namespace {

constexpr std::uint64_t descriptor = 0x900;  // at least sizeof(struct pthread), from the thread pointer up
constexpr std::uint64_t own_mapping_of_variables = 16
                                                   << 10;  // below the thread pointer of a thread without stack there
constexpr std::uint64_t searched_for_control_block = 16 << 10;  // below the top of a stack

/// A thread control block points to itself at 0 and 16 (x86-64 TLS ABI, variant II).
bool is_control_block(const ProcessImage& image, std::uint64_t at) {
  const auto self = image.word(at);
  return self && *self == at && image.word(at + 16) == at;
}

/// Bytes of variables that each thread has, of all modules that were there from the beginning.
std::uint64_t thread_local_bytes(const Process& process) {
  std::uint64_t bytes = 0;
  for (const formats::Module& module : process.modules.all()) {
    const auto headers = formats::parse_module_headers(process.image.at(module.base));
    if (headers) bytes += std::min<std::uint64_t>(headers->thread_local_bytes, 1 << 24);
  }
  return (bytes + 63) & ~std::uint64_t{63};
}

}  // namespace

std::vector<std::int32_t> backing_files(const ProcessImage& image) {
  std::vector<std::int32_t> files;
  std::int32_t file = -1;  // of the range before, if it is a neighbour
  std::uint64_t end = 0;
  for (const Range& range : image.ranges()) {
    if (range.file >= 0 || range.start != end) file = range.file;
    end = range.end;
    files.push_back(file);
  }
  return files;
}

std::vector<AddressRange> memory_of_unknown_use(const ProcessImage& image, const NativeHeap& heap) {
  std::vector<AddressRange> unknown;
  const std::vector<std::int32_t> files = backing_files(image);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Range& range = image.ranges()[i];
    if (files[i] >= 0 || !range.writable || !range.present()) continue;
    heap.owned().for_each_gap(range.start, range.end, [&](std::uint64_t from, std::uint64_t to) {
      unknown.push_back({from, to});
    });
  }
  return unknown;
}

std::vector<ThreadMemory> find_thread_memory(const Process& process) {
  std::vector<ThreadMemory> all;
  const std::uint64_t variables = thread_local_bytes(process);
  const bool is_variant_one = process.core.machine == formats::elf::Machine::aarch64;  // variables above the pointer
  for (const formats::elf::Thread& thread : process.core.threads) {
    ThreadMemory memory;
    memory.red_zone = is_variant_one ? 0 : 128;  // x86-64 psABI 3.2.2; AAPCS64 has none
    const std::uint64_t pointer = thread.thread_pointer;
    const Range* stack = process.image.find(thread.stack_pointer);
    if (stack != nullptr && !stack->writable) stack = nullptr;
    if (const Range* range = pointer == 0 ? nullptr : process.image.find(pointer);
        range != nullptr && range->writable) {
      // What lies below the variables in a stack's mapping is stack; above a pointer of variant I there is nothing
      // else.
      const bool rest_is_stack = range == stack && !is_variant_one;
      const std::uint64_t searched = rest_is_stack ? variables : std::max(variables, own_mapping_of_variables);
      const std::uint64_t below = is_variant_one ? descriptor : searched;
      const std::uint64_t above = is_variant_one ? searched : descriptor;
      memory.thread_local_ = {std::max(range->start, pointer - std::min(pointer, below)),
                              std::min(range->end, pointer + above)};
    }
    if (stack != nullptr) {
      const bool has_variables = pointer > thread.stack_pointer && pointer < stack->end;
      memory.live = thread.stack_pointer;
      memory.stack = {stack->start, stack->end};
      if (has_variables) {
        memory.stack.end = std::max(memory.thread_local_.start, thread.stack_pointer);
        memory.thread_local_.start = memory.stack.end;
      }
    }
    all.push_back(memory);
  }
  return all;
}

std::vector<EndedThread> ended_threads(const ProcessImage& image) {
  const auto control_block = [&](const Range& range) -> std::optional<std::uint64_t> {
    const std::uint64_t lowest = range.end - std::min(range.size(), searched_for_control_block);
    for (std::uint64_t at = range.end & ~std::uint64_t{63}; at > lowest;) {
      at -= 64;
      if (!is_control_block(image, at)) continue;
      const auto& threads = image.core().threads;
      const bool lives = std::any_of(threads.begin(), threads.end(),
                                     [&](const formats::elf::Thread& thread) { return thread.thread_pointer == at; });
      return lives ? std::nullopt : std::optional(at);
    }
    return std::nullopt;
  };
  std::vector<EndedThread> ended;
  const Range* before = nullptr;
  for (const Range& range : image.ranges()) {
    const bool guarded = before != nullptr && before->end == range.start && !before->readable && !before->writable;
    before = &range;
    if (!range.writable || !range.present() || range.file >= 0) continue;
    const auto top = control_block(range);
    if (!top) continue;
    AddressRange stack;
    if (guarded) stack = {range.start, std::min(range.end, *top + descriptor)};
    ended.push_back({*top, stack});
  }
  return ended;
}

// ---- rows ----

namespace {

/// Parts of the address space whose use is known, in order of trust: what is taken already is not taken again.
class Areas {
 public:
  struct Area {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::string kind;
    std::string name;
    std::int64_t thread = -1;
  };

  void add(const AddressRange& range, const std::string& kind, const std::string& name, std::int64_t thread = -1) {
    taken_.for_each_gap(range.start, range.end, [&](std::uint64_t from, std::uint64_t to) {
      areas_.push_back({from, to, kind, name, thread});
    });
  }
  /// What was added is taken from now on.
  void settle() {
    for (const Area& area : areas_) taken_.add(area.start, area.end);
    taken_.freeze();
  }
  [[nodiscard]] std::vector<Area> sorted() && {
    std::sort(areas_.begin(), areas_.end(), [](const Area& a, const Area& b) { return a.start < b.start; });
    return std::move(areas_);
  }

 private:
  std::vector<Area> areas_;
  AddressRanges taken_;
};

std::vector<Areas::Area> known_areas(const Process& process, const NativeHeap& heap,
                                     const std::vector<ThreadMemory>& threads) {
  Areas areas;
  for (std::size_t i = 0; i < heap.region_count(); ++i) {
    const formats::HeapRegion& region = heap.region_of(i);
    areas.add({region.start, region.end}, "heap", heap.walk_of(i).allocator() + ", " + region.kind);
  }
  areas.settle();
  for (const AddressRange& range : heap.metadata().ranges())
    areas.add(range, "allocator", "structures of the allocator");
  areas.settle();
  for (std::size_t i = 0; i < threads.size(); ++i) {
    areas.add(threads[i].thread_local_, "thread_local", "", static_cast<std::int64_t>(i));
  }
  areas.settle();
  for (std::size_t i = 0; i < threads.size(); ++i) {
    areas.add(threads[i].stack, "stack", "", static_cast<std::int64_t>(i));
  }
  for (const EndedThread& ended : ended_threads(process.image)) {
    areas.add(ended.stack, "stack", "of a thread that has ended");
  }
  return std::move(areas).sorted();
}

class MappingRows {
 public:
  MappingRows(const Process& process, queries::Snapshot& snapshot)
      : process_(process), files_(backing_files(process.image)), snapshot_(snapshot) {}

  void run(const std::vector<Areas::Area>& areas) {
    auto area = areas.begin();
    for (std::size_t i = 0; i < files_.size(); ++i) {
      const Range& range = process_.image.ranges()[i];
      std::uint64_t at = range.start;
      while (area != areas.end() && area->end <= at) ++area;
      for (auto next = area; at < range.end; ++next) {
        const std::uint64_t stop = next == areas.end() ? range.end : std::min(range.end, std::max(at, next->start));
        if (at < stop) add(i, at, stop, plain(i));
        if (next == areas.end() || next->start >= range.end) break;
        at = std::min(range.end, next->end);
        add(i, std::max(range.start, next->start), at, {next->kind, next->name, next->thread});
      }
    }
  }

 private:
  struct Use {
    std::string kind;
    std::string name;
    std::int64_t thread = -1;
  };

  /// Of a part that is in no area.
  [[nodiscard]] Use plain(std::size_t i) const {
    const Range& range = process_.image.ranges()[i];
    if (files_[i] >= 0) {
      const std::string& path = process_.core.files[static_cast<std::size_t>(files_[i])].path;
      return {range.writable ? "static_data" : range.executable ? "code" : "file", path};
    }
    if (const formats::Module* module = process_.modules.find(range.start)) {
      return {range.executable ? "code" : "file", module->path};
    }
    if (!range.readable && !range.writable && !range.executable) return {"reserved", ""};
    return {"anonymous", ""};
  }

  void add(std::size_t i, std::uint64_t start, std::uint64_t end, Use use) {
    const Range& range = process_.image.ranges()[i];
    std::string permissions{range.readable ? 'r' : '-', range.writable ? 'w' : '-', range.executable ? 'x' : '-'};
    const std::uint64_t resident = range.present() && !range.filled ? end - start : 0;
    if (!snapshot_.mappings.empty()) {
      queries::MappingRow& last = snapshot_.mappings.back();
      if (last.end == start && last.kind == use.kind && last.name == use.name && last.thread == use.thread &&
          last.permissions == permissions) {
        last.end = end;
        last.resident_bytes += resident;
        return;
      }
    }
    snapshot_.mappings.push_back(
        {start, end, std::move(use.kind), std::move(use.name), std::move(permissions), resident, use.thread});
  }

  const Process& process_;
  std::vector<std::int32_t> files_;
  queries::Snapshot& snapshot_;
};

}  // namespace

void make_mappings(const Process& process, const NativeHeap& heap, queries::Snapshot& snapshot) {
  const std::vector<ThreadMemory> threads = find_thread_memory(process);
  MappingRows(process, snapshot).run(known_areas(process, heap, threads));
  for (std::size_t i = 0; i < std::min(threads.size(), snapshot.threads.size()); ++i) {
    const ThreadMemory& memory = threads[i];
    if (memory.stack.end <= memory.stack.start) continue;
    snapshot.threads[i].stack_bytes = static_cast<std::int64_t>(memory.stack.end - memory.stack.start);
    snapshot.threads[i].stack_used_bytes = static_cast<std::int64_t>(memory.stack.end - memory.live);
  }
}

}  // namespace importers::native

#include "importers/native_sharing.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "importers/memory_samples.h"
#include "importers/native_places.h"

namespace importers::native {
namespace {

namespace code = formats::machine_code;
using formats::CallStack;
using formats::Frame;
using queries::no_object;
using queries::ObjectId;
using queries::SharedLineRow;
using queries::SharedLineUse;

constexpr std::uint64_t line = 64;
constexpr std::uint64_t most_frame_bytes = 64 << 10;  // of a frame that are looked at
constexpr std::size_t most_touches = 2'000'000;
constexpr std::size_t most_reached = 20'000;  // functions that a thread's functions call, directly or not
constexpr std::size_t most_rows = 1'000;
constexpr std::size_t most_low_rows = 100;

enum class How : std::uint8_t { pointer, read, write };
enum class Evidence : std::uint8_t { stack, code, code_and_stack };

/// That a thread uses, or holds a pointer to, some bytes.
struct Touch {
  std::uint64_t address = 0;
  std::uint32_t size = 1;
  std::uint32_t thread = 0;
  std::uint32_t function = 0;  ///< index into names, 0 = not known
  How how = How::pointer;
  Evidence evidence = Evidence::stack;
  bool is_locked = false;
  std::uint8_t loop_depth = 0;

  [[nodiscard]] bool overlaps(const Touch& other) const {
    return address < other.address + other.size && other.address < address + size;
  }
  /// Again and again, as far as code can tell.
  [[nodiscard]] bool is_busy() const { return is_locked || loop_depth != 0; }
};

class Finder {
 public:
  Finder(const Process& process, const Blocks& blocks, const TypedBlocks& types, const NativeCode& code,
         queries::Snapshot& snapshot)
      : process_(process), blocks_(blocks), types_(types), code_(code), snapshot_(snapshot), memory_(process.image) {}

  void run(const std::vector<CallStack>& stacks) {
    for (std::uint32_t thread = 0; thread < stacks.size(); ++thread) {
      std::set<NativeCode::FunctionAt> functions;
      for (const Frame& frame : stacks[thread].frames) {
        if (frame.is_inlined) continue;
        // Behind a call, or where it stands: the same function but for calls that never return.
        const auto at = code_.function_at(frame.program_counter);
        if (at) functions.insert(*at);
        look_at(frame, at, thread);
      }
      // The first thread has set up what the others use: only what it is at counts.
      static_data(thread == 0 ? functions : reached_from(functions), thread);
    }
    group();
  }

 private:
  [[nodiscard]] bool is_static(std::uint64_t address) const {
    const formats::ProcessImage::Range* range = process_.image.find(address);
    return range != nullptr && range->writable && process_.modules.find(address) != nullptr;
  }

  /// The end of what a pointer may be used for; 0 = it points to no block and no variable.
  [[nodiscard]] std::uint64_t end_of(std::uint64_t pointer) const {
    if (const Blocks::Hit hit = blocks_.find(pointer); hit.id != no_object) {
      return pointer - hit.offset + blocks_.usable(hit.id);
    }
    return is_static(pointer) ? pointer + line : 0;
  }

  void look_at(const Frame& frame, const std::optional<NativeCode::FunctionAt>& at, std::uint32_t thread) {
    std::set<std::uint64_t> pointers;
    const auto add = [&](std::uint64_t word) {
      if (word % 4 == 0 && end_of(word) != 0) pointers.insert(word);
    };
    for (const auto& [number, value] : frame.registers) add(value);
    const std::uint64_t end = std::min(frame.stack_end, frame.stack_pointer + most_frame_bytes);
    for (std::uint64_t place = (frame.stack_pointer + 7) & ~std::uint64_t{7}; place + 8 <= end; place += 8) {
      std::uint64_t word = 0;
      if (memory_.word(place, word)) add(word);
    }
    const std::uint32_t function = at ? text(code_.name_of(*at)) : text(frame.function);
    for (const std::uint64_t pointer : pointers) {
      push({pointer, 1, thread, function, How::pointer, Evidence::stack, false, 0});
    }
    if (!at) return;
    const auto uses = code_.field_uses(*at);
    for (const std::uint64_t pointer : pointers) {
      const std::uint64_t room = end_of(pointer) - pointer;
      const bool fits = std::all_of(uses.begin(), uses.end(), [&](const code::FieldAccess& use) {
        return use.offset >= 0 && static_cast<std::uint64_t>(use.offset) + use.size <= room;
      });
      if (!fits) continue;
      for (const code::FieldAccess& use : uses) {
        if (use.access == code::Access::address_taken || use.is_indexed) continue;
        push({pointer + static_cast<std::uint64_t>(use.offset), std::max<std::uint32_t>(use.size, 1), thread, function,
              use.access == code::Access::read ? How::read : How::write, Evidence::code_and_stack, use.is_locked,
              use.loop_depth});
      }
    }
  }

  [[nodiscard]] std::set<NativeCode::FunctionAt> reached_from(std::set<NativeCode::FunctionAt> functions) const {
    std::vector<NativeCode::FunctionAt> open(functions.begin(), functions.end());
    while (!open.empty() && functions.size() < most_reached) {
      const NativeCode::FunctionAt at = open.back();
      open.pop_back();
      for (const code::Call& call : code_.calls(at)) {
        const NativeCode::FunctionAt callee{at.module, call.callee};
        if (functions.insert(callee).second) open.push_back(callee);
      }
    }
    return functions;
  }

  void static_data(const std::set<NativeCode::FunctionAt>& functions, std::uint32_t thread) {
    for (const NativeCode::FunctionAt& at : functions) {
      for (const code::CodeReference& one : code_.references(at)) {
        if (one.access != code::Access::write && one.access != code::Access::read_write) continue;
        const std::uint64_t target = code_.target_of(at, one);
        if (target == 0 || !is_static(target)) continue;
        push({target, std::max<std::uint32_t>(one.size, 1), thread, text(code_.name_of(at)), How::write, Evidence::code,
              false, 0});
      }
    }
  }

  void push(const Touch& touch) {
    if (touches_.size() < most_touches) touches_.push_back(touch);
  }

  // ---- lines ----

  void group() {
    // Of equal ones, that which says most comes first.
    std::sort(touches_.begin(), touches_.end(), [](const Touch& a, const Touch& b) {
      const auto key = [](const Touch& one) {
        return std::tuple(one.address, one.thread, -static_cast<int>(one.how), -static_cast<int>(one.evidence),
                          !one.is_locked, -static_cast<int>(one.loop_depth), one.size, one.function);
      };
      return key(a) < key(b);
    });
    touches_.erase(
        std::unique(touches_.begin(), touches_.end(),
                    [](const Touch& a, const Touch& b) { return a.address == b.address && a.thread == b.thread; }),
        touches_.end());
    std::vector<SharedLineRow> rows;
    for (std::size_t first = 0, end = 0; first < touches_.size(); first = end) {
      while (end < touches_.size() && touches_[end].address / line == touches_[first].address / line) ++end;
      const std::span<const Touch> all(&touches_[first], end - first);
      const int sureness = judge(all);
      if (sureness != 0) rows.push_back(make_row(all, sureness));
    }
    const auto rank = [](const SharedLineRow& row) {
      return row.confidence == "high" ? 0 : row.confidence == "medium" ? 1 : 2;
    };
    std::stable_sort(rows.begin(), rows.end(),
                     [&](const SharedLineRow& a, const SharedLineRow& b) { return rank(a) < rank(b); });
    std::size_t low = 0;
    for (SharedLineRow& row : rows) {
      if (rank(row) == 2 && ++low > most_low_rows) break;
      if (snapshot_.shared_lines.size() == most_rows) break;
      snapshot_.shared_lines.push_back(std::move(row));
    }
  }

  /// 3 high, 2 medium, 1 low, 0 nothing: the surest pair of different words, one of them written by a thread that the
  /// other's does not share it with.
  int judge(std::span<const Touch> all) const {
    constexpr std::size_t most_compared = 256;
    int best = 0;
    all = all.first(std::min(all.size(), most_compared));
    for (const Touch& a : all) {
      for (const Touch& b : all) {
        if (a.thread == b.thread || a.overlaps(b) || uses(all, b.thread, a, a.how)) continue;
        best = std::max(best, judge(a, b));
      }
    }
    return best;
  }

  /// Whether the thread does the same to those bytes, or more: then the bytes are shared, not the line alone.
  static bool uses(std::span<const Touch> all, std::uint32_t thread, const Touch& what, How at_least) {
    return std::any_of(all.begin(), all.end(), [&](const Touch& one) {
      return one.thread == thread && one.how >= at_least && one.overlaps(what);
    });
  }

  int judge(const Touch& a, const Touch& b) const {
    if (a.how == How::write) {
      if (b.how == How::pointer) return 0;
      if (b.how == How::read && !b.is_busy()) return 0;
      if (a.evidence == Evidence::code || b.evidence == Evidence::code) return a.thread == 0 || b.thread == 0 ? 1 : 2;
      return a.is_busy() && b.is_busy() ? 3 : 2;
    }
    if (a.how != How::pointer || b.how != How::pointer) return 0;
    // A pointer to the beginning of an object says nothing of what of it is used.
    const Blocks::Hit one = blocks_.find(a.address);
    const Blocks::Hit other = blocks_.find(b.address);
    if (one.id == no_object || other.id == no_object) return 0;
    if (one.id != other.id) return one.offset == 0 && other.offset == 0 ? 1 : 0;
    return one.offset != 0 && other.offset != 0 && is_slot(one) && is_slot(other) ? 1 : 0;
  }

  /// Whether it is the beginning of an element of an array.
  [[nodiscard]] bool is_slot(const Blocks::Hit& hit) const {
    const BlockLayout* layout = types_.layouts.find(hit.id);
    return layout != nullptr && layout->stride != 0 && hit.offset >= layout->begin &&
           (hit.offset - layout->begin) % layout->stride == 0;
  }

  SharedLineRow make_row(std::span<const Touch> all, int sureness) {
    SharedLineRow row;
    row.address = all.front().address / line * line;
    row.confidence = sureness == 3 ? "high" : sureness == 2 ? "medium" : "low";
    std::set<ObjectId> objects;
    std::set<std::uint64_t> elements;
    for (const Touch& touch : all) {
      if (sureness > 1 && touch.how == How::pointer) continue;
      const Blocks::Hit hit = blocks_.find(touch.address);
      if (hit.id != no_object) {
        objects.insert(hit.id);
        const BlockLayout* layout = types_.layouts.find(hit.id);
        if (layout != nullptr && layout->stride != 0) elements.insert((hit.offset - layout->begin) / layout->stride);
      }
      SharedLineUse use;
      use.address = touch.address;
      use.size = touch.how == How::pointer ? 0 : touch.size;
      use.thread = touch.thread;
      use.function = names_[touch.function];
      use.access = touch.how == How::write ? "write" : touch.how == How::read ? "read" : "pointer";
      use.member = member_at(touch.address, blocks_, types_, code_);
      use.evidence = touch.evidence == Evidence::stack  ? "stack"
                     : touch.evidence == Evidence::code ? "code"
                                                        : "code and stack";
      use.is_locked = touch.is_locked;
      use.loop_depth = touch.loop_depth;
      row.uses.push_back(std::move(use));
    }
    row.kind = objects.empty()       ? "variables"
               : objects.size() > 1  ? "neighbours"
               : elements.size() > 1 ? "slots"
                                     : "members";
    if (objects.empty()) {
      const formats::Module* module = process_.modules.find(row.address);
      row.place = module == nullptr ? "" : module->name();
    } else {
      row.object = *objects.begin();
      row.place = types_.types[types_.type_of[index(row.object)]].name;
    }
    return row;
  }

  std::uint32_t text(const std::string& name) {
    const auto [at, is_new] = numbers_.try_emplace(name, static_cast<std::uint32_t>(names_.size()));
    if (is_new) names_.push_back(name);
    return at->second;
  }

  const Process& process_;
  const Blocks& blocks_;
  const TypedBlocks& types_;
  const NativeCode& code_;
  queries::Snapshot& snapshot_;
  mutable Memory memory_;
  std::vector<Touch> touches_;
  std::vector<std::string> names_;
  std::map<std::string, std::uint32_t> numbers_;
};

}  // namespace

void find_shared_lines(const Process& process, const Blocks& blocks, const TypedBlocks& types, const NativeCode& code,
                       const std::vector<CallStack>& stacks, queries::Snapshot& snapshot) {
  if (stacks.size() < 2) return;
  Finder(process, blocks, types, code, snapshot).run(stacks);
}

}  // namespace importers::native

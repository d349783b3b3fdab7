#include "importers/native_debug_types.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>

#include "importers/native_content.h"
#include "importers/native_type_plans.h"
#include "importers/native_type_table.h"
#include "importers/native_usable_sizes.h"
#include "importers/native_vtables.h"

namespace importers::native {
namespace {

using formats::DebugType;
using formats::ProcessImage;
using formats::TypeCatalog;
using formats::TypeId;
using formats::TypeKind;
using formats::void_type;
using queries::no_object;
using queries::ObjectId;

constexpr std::uint64_t named_bytes = 4'096;   // of a block or element: members beyond have no names
constexpr std::size_t plausible_elements = 8;  // of a supposed array: looked at before it is believed
constexpr std::size_t most_layouts = 1 << 20;

class Walk {
 public:
  Walk(TypeCatalog& catalog, const ProcessImage& image, const Blocks& blocks, const NameSource* names,
       TypedBlocks& typed)
      : catalog_(catalog),
        plans_(catalog),
        image_(image),
        memory_(image),
        blocks_(blocks),
        names_(names),
        typed_(typed),
        table_(typed.types),
        sizes_(blocks),
        entered_(blocks.count()) {
    typed.layouts.layout_of.assign(blocks.count(), 0);
    typed.layouts.all.assign(1, {});
    for (std::uint32_t i = 0; i < typed.header_of.size(); ++i) {
      if (typed.header_of[i] != 0) parts_.push_back(i);
    }
    std::stable_sort(parts_.begin(), parts_.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return typed_.header_of[a] < typed_.header_of[b]; });
    for (const ProcessImage::Range& range : image.ranges()) {
      if (range.present() && range.writable) budget_ += range.size() / 2;
    }
  }

  void statics() {
    for (const formats::DebugVariable& variable : catalog_.variables()) {
      if (!variable.is_thread_local) {
        enter(variable.address, variable.type, 1);
      } else if (variable.module->is_program) {
        for (const formats::elf::Thread& thread : image_.core().threads) {
          if (const auto block = program_tls(thread)) enter(*block + variable.address, variable.type, 1);
        }
      }
    }
    run();
  }

  void objects() {
    std::vector<std::optional<TypeId>> class_of(typed_.types.size());
    blocks_.for_each([&](ObjectId id, std::uint64_t address) {
      const std::uint32_t type = typed_.type_of[index(id)];
      if (type >= class_of.size() || typed_.types[type].evidence != Evidence::vtable) return;
      const bool is_array = typed_.types[type].name.rfind("array of ", 0) == 0;
      if (!class_of[type]) class_of[type] = class_at(address + (is_array ? 8 : 0));
      const TypeId found = *class_of[type];
      const std::uint64_t size = catalog_.type(found).size;
      if (size == 0 || size > blocks_.usable(id)) return;
      if (is_array) {
        std::uint64_t count = 0;
        if (!memory_.word(address, count) || count > blocks_.usable(id) / size) return;
        enter_block(id, found, {8, size, sizes_.is_for(8 + count * size, blocks_.usable(id))}, count);
      } else {
        enter_block(id, found, {}, 1);
      }
    });
    run();
  }

  void locals(const std::vector<formats::CallStack>& stacks) {
    for (const formats::CallStack& stack : stacks) {
      bool is_innermost = true;  // or interrupted by a signal: what comes next has not been executed
      for (const formats::Frame& frame : stack.frames) {
        if (frame.is_inlined) continue;
        const bool is_guess = frame.evidence == formats::FrameEvidence::frame_pointer;
        if (!is_guess) frame_variables(frame, is_innermost || frame.is_signal_frame);
        is_innermost = frame.is_signal_frame;
      }
    }
    run();
  }

 private:
  /// Objects in a row, to be searched for what leads on.
  struct Job {
    std::uint64_t address = 0;
    TypeId type = void_type;
    std::uint64_t count = 1;
  };
  /// How objects lie in a block.
  struct Shape {
    std::uint64_t begin = 0;
    std::uint64_t stride = 0;  ///< 0 = one
    bool has_count = false;
    TypeId node = void_type;  ///< what the whole block is, where the object is only part of it
  };

  bool spend(std::uint64_t words) {
    if (budget_ < words) return false;
    budget_ -= words;
    return true;
  }

  // ---- where to start ----

  void frame_variables(const formats::Frame& frame, bool is_innermost) {
    for (const formats::FrameVariable& variable : catalog_.locals(image_, frame, is_innermost)) {
      for (const formats::ValuePiece& piece : variable.pieces) {
        if (piece.in_memory) {
          if (piece.offset == 0 && piece.size >= catalog_.type(variable.type).size)
            enter(piece.value, variable.type, 1);
          continue;
        }
        for (const Slot& slot : plans_.plan(variable.type).slots) {
          if (slot.follow == Follow::pointer && slot.offset == piece.offset && piece.size >= 8) {
            pointer(piece.value, slot.target);
          }
        }
      }
    }
  }

  /// The block of the program's thread-local data: the dynamic thread vector's first (x86-64 TLS ABI, variant II).
  std::optional<std::uint64_t> program_tls(const formats::elf::Thread& thread) {
    std::uint64_t vector = 0;
    std::uint64_t block = 0;
    if (image_.core().machine != formats::elf::Machine::x86_64 || thread.thread_pointer == 0 ||
        !memory_.word(thread.thread_pointer + 8, vector) || !memory_.word(vector + 16, block)) {
      return std::nullopt;
    }
    return block < thread.thread_pointer && block != 0 ? std::optional(block) : std::nullopt;
  }

  /// The class of the object at `address`, by the symbol of its vtable.
  TypeId class_at(std::uint64_t address) {
    std::uint64_t vtable = 0;
    if (names_ == nullptr || !memory_.word(address, vtable)) return void_type;
    constexpr std::string_view prefix = "vtable for ";
    const std::string symbol = names_->symbol(vtable);
    if (symbol.compare(0, prefix.size(), prefix) != 0) return void_type;
    return catalog_.find(std::string_view(symbol).substr(prefix.size())).value_or(void_type);
  }

  void enter(std::uint64_t address, TypeId type, std::uint64_t count) {
    if (!plans_.plan(type).empty()) open_.push_back({address, type, count});
  }

  // ---- following ----

  void run() {
    for (; !open_.empty(); open_.pop_front()) {
      const Job job = open_.front();
      const TypePlan& plan = plans_.plan(job.type);
      const std::uint64_t stride = catalog_.type(job.type).size;
      if (stride == 0) continue;
      for (std::uint64_t i = 0; i < job.count; ++i) {
        if (!spend(1 + plan.slots.size() + plan.rows.size())) break;
        const std::uint64_t at = job.address + i * stride;
        if (memory_.span(at, 1) == nullptr) break;
        for (const Slot& slot : plan.slots) follow(slot, at, plan);
        for (const RowOfObjects& row : plan.rows) enter(at + row.offset, row.element, row.count);
      }
    }
  }

  void follow(const Slot& slot, std::uint64_t object, const TypePlan& plan) {
    const std::uint64_t at = object + slot.offset;
    std::uint64_t word = 0;
    switch (slot.follow) {
      case Follow::pointer:
        if (memory_.word(at, word) && blocks_.spans(word) && !is_end(word, slot, object, plan)) {
          pointer(word, slot.target);
        }
        break;
      case Follow::vector: vector(slot, at); break;
      case Follow::deque: deque(slot, at); break;
      case Follow::list:
      case Follow::tree:
      case Follow::table: nodes(slot, at); break;
    }
  }

  /// Whether the pointer is one past the end of the block before, where another of the object's pointers of that type
  /// points into that block: a range, and the block at hand has nothing to do with it.
  bool is_end(std::uint64_t word, const Slot& slot, std::uint64_t object, const TypePlan& plan) {
    const ObjectId id = blocks_.at(word);
    if (id == no_object || index(id) == 0) return false;
    const ObjectId before{index(id) - 1};
    if (blocks_.address(before) + blocks_.usable(before) != word) return false;
    for (const Slot& other : plan.slots) {
      std::uint64_t start = 0;
      if (other.follow != Follow::pointer || other.target != slot.target || other.offset == slot.offset) continue;
      if (spend(1) && memory_.word(object + other.offset, start) && blocks_.find(start).id == before) return true;
    }
    return false;
  }

  void vector(const Slot& slot, std::uint64_t at) {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    if (!memory_.word(at, begin) || !memory_.word(at + 8, end) || begin >= end) return;
    const ObjectId id = blocks_.at(begin);
    const std::uint64_t size = catalog_.type(slot.target).size;
    if (id == no_object || size == 0 || (end - begin) % size != 0 || end - begin > blocks_.usable(id)) return;
    if (!is_open(id) && !is_part(id, "std::vector body")) return;
    if (is_open(id)) set_type(id, "array of ", slot.target);
    enter_block(id, slot.target, {0, size, false}, (end - begin) / size);
  }

  void deque(const Slot& slot, std::uint64_t at) {
    std::uint64_t words[10] = {};
    for (std::size_t i = 0; i < 10; ++i) {
      if (!memory_.word(at + i * 8, words[i])) return;
    }
    const std::uint64_t size = catalog_.type(slot.target).size;
    const std::uint64_t first = words[5];
    const std::uint64_t last = words[9];
    if (size == 0 || first > last || (last - first) / 8 >= words[1] || ((first ^ last) & 7) != 0) return;
    for (std::uint64_t node = first; node <= last && spend(1); node += 8) {
      std::uint64_t begin = 0;
      if (!memory_.word(node, begin)) return;
      const ObjectId id = blocks_.at(begin);
      if (id == no_object || !is_part(id, "std::deque block")) continue;
      // Elements before the first iterator and behind the last are dead.
      const std::uint64_t from = node == first ? words[2] : begin;
      const std::uint64_t to = node == last ? words[6] : begin + blocks_.usable(id) / size * size;
      if (from < begin || to < from || to > begin + blocks_.usable(id) ||
          !set_layout(id, slot.target, {0, size, false})) {
        continue;
      }
      add_run(id, from - begin, (to - from) / size);
      enter(from, slot.target, (to - from) / size);
    }
  }

  /// The nodes have been found by their links.
  void nodes(const Slot& slot, std::uint64_t at) {
    const std::uint32_t place = typed_.places.number(at);
    if (place == 0) return;
    auto part = std::lower_bound(parts_.begin(), parts_.end(), place, [&](std::uint32_t block, std::uint32_t wanted) {
      return typed_.header_of[block] < wanted;
    });
    const std::string_view family = slot.follow == Follow::list   ? "std::list node"
                                    : slot.follow == Follow::tree ? "std::map/set node"
                                                                  : "std::unordered_map/set node";
    const std::uint64_t size = std::max(catalog_.type(slot.target).size + slot.payload, catalog_.type(slot.node).size);
    for (; part != parts_.end() && typed_.header_of[*part] == place && spend(1); ++part) {
      const ObjectId id{*part};
      if (!is_part(id, family) || size > blocks_.usable(id)) continue;
      enter_block(id, slot.target, {slot.payload, 0, false, slot.node}, 1);
    }
  }

  // ---- pointers ----

  void pointer(std::uint64_t word, TypeId target) {
    const DebugType* type = &catalog_.type(target);  // of an array: its element
    for (int depth = 0; type->kind == TypeKind::array && type->target != formats::no_type && depth < 8; ++depth) {
      target = type->target;
      type = &catalog_.type(target);
    }
    const Blocks::Hit hit = blocks_.find(word);
    const std::uint64_t size = type->size;
    if (hit.id == no_object || size == 0 || !is_open(hit.id)) return;
    const std::uint64_t usable = blocks_.usable(hit.id);
    if (hit.offset != 0) return counted_array(hit, target, size, usable);
    if (size > usable) return;
    if (sizes_.is_for(size, usable) || plans_.has_flexible_end(target)) {
      set_type(hit.id, "", target);
      return enter_block(hit.id, target, {}, 1);
    }
    // More than one: an array, unless something that derives from it.
    if (catalog_.is_base(target) || is_polymorphic(target)) return;
    const std::uint64_t count = is_plausible_array(word, target, size, usable / size) ? usable / size : 1;
    if (count == 1 && type->kind != TypeKind::structure) return;
    set_type(hit.id, count == 1 ? "" : "array of ", target);
    enter_block(hit.id, target, {0, count == 1 ? 0 : size, false}, count);
  }

  /// new T[n] of a class with a destructor: the count comes first (Itanium C++ ABI 2.7).
  void counted_array(const Blocks::Hit& hit, TypeId target, std::uint64_t size, std::uint64_t usable) {
    std::uint64_t count = 0;
    if ((hit.offset != 8 && hit.offset != 16) || catalog_.type(target).kind != TypeKind::structure) return;
    if (!memory_.word(blocks_.address(hit.id) + hit.offset - 8, count) || count == 0 || count > usable / size ||
        !sizes_.is_for(hit.offset + count * size, usable)) {
      return;
    }
    set_type(hit.id, "array of ", target);
    enter_block(hit.id, target, {hit.offset, size, true}, count);
  }

  bool is_polymorphic(TypeId id) {
    for (int depth = 0; depth < 32; ++depth) {
      const DebugType& type = catalog_.type(id);
      if (type.has_vtable_pointer) return true;
      if (type.bases.empty() || type.bases.front().offset != 0) return false;
      id = type.bases.front().type;
    }
    return false;
  }

  /// Whether the first elements' pointers are null or point to memory.
  bool is_plausible_array(std::uint64_t begin, TypeId element, std::uint64_t size, std::uint64_t count) {
    const TypePlan& plan = plans_.plan(element);
    for (std::uint64_t i = 1; i < std::min<std::uint64_t>(count, plausible_elements); ++i) {
      for (const Slot& slot : plan.slots) {
        std::uint64_t word = 0;
        if (!spend(1) || !memory_.word(begin + i * size + slot.offset, word)) return false;
        if (word != 0 && !blocks_.spans(word) && image_.find(word) == nullptr) return false;
      }
    }
    return true;
  }

  // ---- blocks ----

  /// Whether nothing stronger says what the block is.
  [[nodiscard]] bool is_open(ObjectId id) const {
    const Evidence evidence = typed_.types[typed_.type_of[index(id)]].evidence;
    return evidence == Evidence::content || evidence == Evidence::size_class;
  }
  [[nodiscard]] bool is_part(ObjectId id, std::string_view family) const {
    const NativeType& type = typed_.types[typed_.type_of[index(id)]];
    return type.evidence == Evidence::container && type.family == family;
  }

  void set_type(ObjectId id, const char* before, TypeId type) {
    const auto [at, is_new] = type_of_.try_emplace({static_cast<std::uint32_t>(type), *before != '\0'}, 0);
    if (is_new) {
      const std::string name = before + readable_class(catalog_.type(type).name);
      at->second = table_.add(name, Evidence::debug_info, name);
    }
    typed_.type_of[index(id)] = at->second;
  }

  void enter_block(ObjectId id, TypeId type, const Shape& shape, std::uint64_t count) {
    if (!set_layout(id, type, shape)) return;
    if (shape.stride != 0) add_run(id, shape.begin, count);
    enter(blocks_.address(id) + shape.begin, type, count);
  }

  void add_run(ObjectId id, std::uint64_t first, std::uint64_t count) {
    if (count == 0 || typed_.layouts.layout_of[index(id)] == 0) return;
    typed_.layouts.runs.push_back({id, static_cast<std::uint32_t>(std::min<std::uint64_t>(count, 0xFFFF'FFFF)), first});
  }

  /// False when the block has been entered before.
  bool set_layout(ObjectId id, TypeId type, const Shape& shape) {
    if (!entered_.set_if_clear(index(id))) return false;
    const std::uint64_t usable = blocks_.usable(id);
    const std::uint64_t whole = shape.node != void_type ? catalog_.type(shape.node).size
                                : shape.begin != 0      ? 0
                                                        : catalog_.type(type).size;
    const bool is_exact = shape.stride == 0 && sizes_.is_for(whole, usable);
    const Key key{static_cast<std::uint32_t>(type), static_cast<std::uint32_t>(shape.begin), shape.stride != 0,
                  shape.has_count, is_exact ? whole : 0};
    const auto known = layouts_.find(key);
    if (known != layouts_.end()) {
      typed_.layouts.layout_of[index(id)] = known->second;
      return true;
    }
    if (typed_.layouts.all.size() >= most_layouts) return true;
    BlockLayout layout;
    layout.type = key.type;
    layout.begin = static_cast<std::uint32_t>(shape.begin);
    layout.stride = shape.stride;
    layout.size = key.size;
    layout.has_count = shape.has_count;
    layout.parts = plans_.parts(type, named_bytes);
    const auto number = static_cast<std::uint32_t>(typed_.layouts.all.size());
    typed_.layouts.all.push_back(std::move(layout));
    layouts_.emplace(key, number);
    typed_.layouts.layout_of[index(id)] = number;
    return true;
  }

  struct Key {
    std::uint32_t type, begin;
    bool is_array, has_count;
    std::uint64_t size;
    bool operator<(const Key& other) const {
      return std::tie(type, begin, is_array, has_count, size) <
             std::tie(other.type, other.begin, other.is_array, other.has_count, other.size);
    }
  };

  TypeCatalog& catalog_;
  TypePlans plans_;
  const ProcessImage& image_;
  Memory memory_;
  const Blocks& blocks_;
  const NameSource* names_;
  TypedBlocks& typed_;
  TypeTable table_;
  UsableSizes sizes_;
  queries::Bitmap entered_;
  std::vector<std::uint32_t> parts_;  ///< blocks that are part of a container, by its header
  std::deque<Job> open_;
  std::map<Key, std::uint32_t> layouts_;
  std::map<std::pair<std::uint32_t, bool>, std::uint32_t> type_of_;  ///< of a type, and of an array of it
  /// Slots that may still be looked at: sound debugging information needs one per word of data and heap.
  std::uint64_t budget_ = 1'000'000;
};

}  // namespace

void find_debug_types(TypeCatalog& catalog, const ProcessImage& image, const Blocks& blocks,
                      const std::vector<formats::CallStack>& stacks, const NameSource* names, TypedBlocks& typed) {
  if (blocks.count() == 0 || catalog.empty()) return;
  {
    Walk walk(catalog, image, blocks, names, typed);
    walk.statics();
    walk.objects();
    walk.locals(stacks);
  }
  charge_to_owners(typed, image, blocks, names);
}

}  // namespace importers::native

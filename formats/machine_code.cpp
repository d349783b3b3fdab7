#include "formats/machine_code.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "formats/machine_code_decoder.h"
#include "formats/machine_code_flow.h"
#include "formats/machine_code_loops.h"

namespace formats::machine_code {
namespace {

constexpr int deepest_constructor = 4;
constexpr std::size_t most_vtables = 8;  // of a site
constexpr std::size_t most_events = 64;  // of a site or function: calls with the object and vtable stores
constexpr std::uint64_t largest_object = 1 << 30;
constexpr std::int32_t farthest_field = 1 << 20;

/// What a function of a C or C++ library allocates, by mangled name. `size`: which argument holds it.
struct AllocatorName {
  std::string_view name;
  std::uint8_t allocator;
  enum class Size : std::uint8_t { first, second, product } size;
};
constexpr AllocatorName allocators[] = {
    {"_Znwm", 0, AllocatorName::Size::first},
    {"_ZnwmRKSt9nothrow_t", 0, AllocatorName::Size::first},
    {"_ZnwmSt11align_val_t", 0, AllocatorName::Size::first},
    {"_ZnwmSt11align_val_tRKSt9nothrow_t", 0, AllocatorName::Size::first},
    {"_Znam", 1, AllocatorName::Size::first},
    {"_ZnamRKSt9nothrow_t", 1, AllocatorName::Size::first},
    {"_ZnamSt11align_val_t", 1, AllocatorName::Size::first},
    {"malloc", 2, AllocatorName::Size::first},
    {"__libc_malloc", 2, AllocatorName::Size::first},
    {"calloc", 3, AllocatorName::Size::product},
    {"aligned_alloc", 4, AllocatorName::Size::second},
    {"memalign", 4, AllocatorName::Size::second},
    {"realloc", 5, AllocatorName::Size::second},
};

/// Functions that write the lock word which they are given.
constexpr std::string_view locks[] = {"pthread_mutex_lock",    "pthread_mutex_trylock", "pthread_mutex_unlock",
                                      "pthread_rwlock_rdlock", "pthread_rwlock_wrlock", "pthread_rwlock_unlock",
                                      "pthread_spin_lock",     "pthread_spin_unlock",   "pthread_spin_trylock"};

/// A store of what may be a vtable at offset 0 of an object, or a call that gets the object as its first argument: what
/// constructors do, in order.
struct ObjectEvent {
  bool is_call = false;
  std::uint32_t callee = no_function;
  StoredAddress vtable;
};

/// One use of a field, before equal ones are put together.
struct FieldUse {
  std::int32_t offset;
  std::uint16_t size;
  Access access;
  bool is_locked;
  bool is_indexed;
  std::uint8_t depth;
};

Access access_of(const Operand& memory) {
  if (memory.is_read && memory.is_written) return Access::read_write;
  return memory.is_written ? Access::write : Access::read;
}

class Analyser final : public FlowVisitor {
 public:
  explicit Analyser(const CodeFile& file) : file_(file) {}

  CodeAnalysis run() {
    result_.functions = file_.functions();
    events_.resize(result_.functions.size());
    for (std::uint32_t i = 0; i < result_.functions.size(); ++i) read_function(i);
    resolve_sites();
    return std::move(result_);
  }

  // FlowVisitor
  void on_memory(std::size_t at, const Operand& memory, const Value& base, const Value& stored) override {
    const std::int64_t number = base.plus(memory.value).number;
    switch (base.kind) {
      case Value::Kind::argument:
        if (memory.is_written && memory.index == no_register && number == 0) remember(events_[function_], stored);
        use_field(at, memory, number);
        break;
      case Value::Kind::allocation:
        if (number == 0 && memory.index == no_register) touch_object(base.site, memory, stored);
        break;
      case Value::Kind::constant:
      case Value::Kind::contents: refer(at, memory, base, access_of(memory), memory.size); break;
      default: break;
    }
  }

  void on_address(std::size_t at, const Operand& memory, const Value& base) override {
    if (base.kind != Value::Kind::constant && base.kind != Value::Kind::contents) return;
    if (memory.value == 0 && memory.index == no_register) return;  // a copy
    refer(at, memory, base, Access::address_taken, 0);
  }

  Value on_call(std::size_t at, const Value& first, const Value& second) override {
    const Instruction& call = code_[at];
    const ImportSlot callee = callee_of(call);
    if (!callee.name.empty()) {
      for (const AllocatorName& allocator : allocators) {
        if (callee.name == allocator.name) return allocate(call, allocator, first, second);
      }
      if (first.kind == Value::Kind::argument &&
          std::find(std::begin(locks), std::end(locks), callee.name) != std::end(locks)) {
        add_use({static_cast<std::int32_t>(first.number), 4, Access::read_write, true, false, loops_.depth[at]},
                first.number);
      }
    }
    if (const auto index = callee.address == 0 ? std::nullopt : file_.function_at(callee.address);
        index && *index != function_) {
      callees_.push_back(*index);
    }
    if (first.number != 0 || callee.address == 0) return {};
    if (first.kind != Value::Kind::argument && first.kind != Value::Kind::allocation) return {};
    ObjectEvent event;
    event.is_call = true;
    if (const auto index = file_.function_at(callee.address);
        index && file_.functions()[*index].start == callee.address) {
      event.callee = *index;
      add(first.kind == Value::Kind::argument ? events_[function_] : site_events_[first.site], event);
    }
    return {};
  }

  [[nodiscard]] bool is_constant_word(std::uint64_t address) const override {
    const Section* section = file_.section(address);
    return section != nullptr && section->is_constant;
  }

 private:
  void read_function(std::uint32_t index) {
    function_ = index;
    const Function& function = result_.functions[index];
    code_.clear();
    uses_.clear();
    callees_.clear();
    result_.undecodable_bytes += decoder_.decode(file_.bytes(function.start, function.size()), function.start, code_);
    result_.instruction_count += code_.size();
    const std::size_t first_reference = result_.references.size();
    for (const Instruction& instruction : code_) refer_directly(instruction);
    loops_ = find_loops(code_);
    flow_.walk(code_, loops_, *this);
    std::stable_sort(result_.references.begin() + static_cast<std::ptrdiff_t>(first_reference),
                     result_.references.end(),
                     [](const CodeReference& a, const CodeReference& b) { return a.instruction < b.instruction; });
    store_fields();
    store_calls();
    for (const Stride& stride : find_strides(code_, loops_)) store_stride(stride);
  }

  /// Operands that are addresses by themselves.
  void refer_directly(const Instruction& instruction) {
    if (instruction.effect == Effect::none) return;
    for (unsigned i = 0; i < instruction.operand_count; ++i) {
      const Operand& operand = instruction.operands[i];
      CodeReference reference;
      if (const auto address = instruction.absolute(operand)) {
        if (operand.base == no_register && !file_.is_fixed()) continue;
        reference.target = *address;
        reference.operand_at = instruction.displacement_at;
        reference.access = instruction.effect == Effect::address ? Access::address_taken : access_of(operand);
        reference.size = reference.access == Access::address_taken ? std::uint8_t{0} : operand.size;
      } else if (file_.is_fixed() && operand.kind == Operand::Kind::immediate && instruction.immediate_at != 0 &&
                 !instruction.target()) {
        reference.target = static_cast<std::uint64_t>(operand.value);
        reference.operand_at = instruction.immediate_at;
        reference.access = Access::address_taken;
      } else if (file_.is_fixed() && operand.kind == Operand::Kind::memory && instruction.displacement_at != 0 &&
                 !operand.has_segment) {
        reference.target = static_cast<std::uint64_t>(operand.value);  // a table at a fixed address, by a register
        reference.operand_at = instruction.displacement_at;
        reference.access = instruction.effect == Effect::address ? Access::address_taken : access_of(operand);
      } else {
        continue;
      }
      const bool is_relative = operand.kind == Operand::Kind::memory && operand.base == instruction_pointer;
      // A PLT entry says nothing: its callers do.
      if (instruction.effect == Effect::jump && file_.slots().count(reference.target) != 0) continue;
      const Section* section = file_.section(reference.target);
      // Numbers in fixed code are addresses where data is; RIP-relative operands are addresses wherever they point.
      if (!is_relative && (section == nullptr || section->is_executable)) continue;
      reference.instruction = instruction.address;
      reference.function = function_;
      result_.references.push_back(reference);
    }
  }

  /// A reference by an address that an earlier instruction has made.
  void refer(std::size_t at, const Operand& memory, const Value& base, Access access, std::uint8_t size) {
    CodeReference reference;
    reference.instruction = code_[at].address;
    reference.function = function_;
    reference.access = access;
    reference.size = size;
    const std::int64_t number = base.plus(memory.value).number;
    if (base.kind == Value::Kind::contents) {
      if (number < -farthest_field || number > farthest_field) return;
      reference.via = CodeReference::Via::contents;
      reference.target = base.address;
      reference.addend = static_cast<std::int32_t>(number);
    } else {
      reference.via = CodeReference::Via::reg;
      reference.target = static_cast<std::uint64_t>(number);
      const Section* section = file_.section(reference.target);
      if (section == nullptr || section->is_executable) return;
      if (file_.is_fixed() && code_[at].displacement_at != 0 &&
          file_.section(static_cast<std::uint64_t>(memory.value)) != nullptr) {
        return;  // told already
      }
    }
    result_.references.push_back(reference);
  }

  [[nodiscard]] ImportSlot callee_of(const Instruction& call) const {
    if (const auto target = call.target()) return file_.callee(*target);
    if (call.operand_count != 0) {
      if (const auto slot = call.absolute(call.operands[0])) {
        const auto known = file_.slots().find(*slot);
        if (known != file_.slots().end()) return known->second;
      }
    }
    return {};
  }

  Value allocate(const Instruction& call, const AllocatorName& allocator, const Value& first, const Value& second) {
    const auto number = [](const Value& value) {
      const auto size = static_cast<std::uint64_t>(value.number);
      return value.kind == Value::Kind::constant && size <= largest_object ? size : 0;
    };
    AllocationSite site;
    site.instruction = call.address;
    site.function = function_;
    site.allocator = allocator.allocator;
    switch (allocator.size) {
      case AllocatorName::Size::first: site.size = number(first); break;
      case AllocatorName::Size::second: site.size = number(second); break;
      case AllocatorName::Size::product: site.size = number(first) * number(second); break;
    }
    Value result;
    if (call.effect != Effect::call) return result;  // a jump: the caller's caller gets the block
    result.kind = Value::Kind::allocation;
    result.site = static_cast<std::uint32_t>(result_.sites.size());
    result_.sites.push_back(site);
    site_events_.emplace_back();
    is_built_.push_back(false);
    return result;
  }

  void touch_object(std::uint32_t site, const Operand& memory, const Value& stored) {
    if (!memory.is_written) {
      if (memory.size == 8) is_built_[site] = true;  // a virtual call: what is stored from here on is no construction
    } else if (!is_built_[site]) {
      remember(site_events_[site], stored);
    }
  }

  void remember(std::vector<ObjectEvent>& events, const Value& stored) {
    ObjectEvent event;
    if (stored.kind == Value::Kind::constant) {
      event.vtable.address = static_cast<std::uint64_t>(stored.number);
      const Section* section = file_.section(event.vtable.address);
      if (section == nullptr || section->is_executable || event.vtable.address % 8 != 0) return;
    } else if (stored.kind == Value::Kind::contents && stored.number >= 0 && stored.number <= farthest_field) {
      event.vtable = {stored.address, static_cast<std::int32_t>(stored.number), true};
    } else {
      return;
    }
    add(events, event);
  }

  static void add(std::vector<ObjectEvent>& events, const ObjectEvent& event) {
    if (events.size() < most_events) events.push_back(event);
  }

  void use_field(std::size_t at, const Operand& memory, std::int64_t offset) {
    add_use({static_cast<std::int32_t>(offset), memory.size, access_of(memory), code_[at].is_locked,
             memory.index != no_register, loops_.depth[at]},
            offset);
  }

  void add_use(const FieldUse& use, std::int64_t offset) {
    if (offset > -farthest_field && offset < farthest_field) uses_.push_back(use);
  }

  void store_fields() {
    const auto key = [](const FieldUse& use) {
      return std::tuple(use.offset, use.size, use.access, use.is_locked, use.is_indexed);
    };
    std::sort(uses_.begin(), uses_.end(), [&](const FieldUse& a, const FieldUse& b) { return key(a) < key(b); });
    for (std::size_t i = 0; i < uses_.size(); ++i) {
      if (i == 0 || key(uses_[i - 1]) != key(uses_[i])) {
        FieldAccess field;
        field.function = function_;
        std::tie(field.offset, field.size, field.access, field.is_locked, field.is_indexed) = key(uses_[i]);
        result_.fields.push_back(field);
      }
      FieldAccess& field = result_.fields.back();
      field.loop_depth = std::max(field.loop_depth, uses_[i].depth);
      if (field.count != 0xFFFF) ++field.count;
    }
  }

  void store_calls() {
    std::sort(callees_.begin(), callees_.end());
    callees_.erase(std::unique(callees_.begin(), callees_.end()), callees_.end());
    for (const std::uint32_t callee : callees_) result_.calls.push_back({function_, callee});
  }

  void store_stride(const Stride& stride) {
    const Loop& loop = loops_.all[stride.loop];
    StrideLoop to;
    to.start = code_[loop.first].address;
    to.end = code_[loop.last].end();
    to.function = function_;
    to.stride = stride.bytes;
    to.touched = stride.touched;
    to.depth = loops_.depth[loop.first];
    to.writes = stride.writes;
    to.is_vectorised = stride.is_vectorised;
    result_.loops.push_back(to);
  }

  /// The vtables that events store, constructors that they call looked through.
  void collect(const std::vector<ObjectEvent>& events, int depth, std::size_t& budget,
               std::vector<StoredAddress>& found) const {
    for (const ObjectEvent& event : events) {
      if (budget == 0 || found.size() >= most_vtables) return;
      --budget;
      if (!event.is_call) {
        if (std::find(found.begin(), found.end(), event.vtable) == found.end()) found.push_back(event.vtable);
      } else if (depth < deepest_constructor) {
        collect(events_[event.callee], depth + 1, budget, found);
      }
    }
  }

  void resolve_sites() {
    for (std::size_t i = 0; i < result_.sites.size(); ++i) {
      std::vector<StoredAddress> found;
      std::size_t budget = 4096;
      collect(site_events_[i], 0, budget, found);
      result_.sites[i].first_vtable = static_cast<std::uint32_t>(result_.vtables.size());
      result_.sites[i].vtable_count = static_cast<std::uint8_t>(found.size());
      result_.vtables.insert(result_.vtables.end(), found.begin(), found.end());
    }
  }

  const CodeFile& file_;
  Decoder decoder_;
  Flow flow_;
  CodeAnalysis result_;
  std::vector<std::vector<ObjectEvent>> events_;       // by function: of its first argument
  std::vector<std::vector<ObjectEvent>> site_events_;  // by site: of the block
  std::vector<bool> is_built_;                         // by site
  // Of the function at hand.
  std::uint32_t function_ = 0;
  std::vector<Instruction> code_;
  Loops loops_;
  std::vector<FieldUse> uses_;
  std::vector<std::uint32_t> callees_;
};

}  // namespace

std::string_view to_text(Access access) {
  switch (access) {
    case Access::read: return "read";
    case Access::write: return "write";
    case Access::read_write: return "read and write";
    case Access::address_taken: break;
  }
  return "address taken";
}

CodeAnalysis analyse_code(const CodeFile& file) { return Analyser(file).run(); }

}  // namespace formats::machine_code

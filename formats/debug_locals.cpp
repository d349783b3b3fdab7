#include "formats/debug_locals.h"

#include <dwarf.h>

#include <algorithm>
#include <optional>

namespace formats {
namespace {

constexpr std::size_t deepest = 64;              // entries in each other
constexpr std::size_t most_variables = 10'000;   // of one frame
constexpr std::size_t most_looked_at = 1 << 22;  // entries of a unit
constexpr std::size_t most_operations = 4'096;
constexpr std::size_t most_words = 64;   // of an expression's stack
constexpr std::size_t most_pieces = 64;  // of a variable

/// Calls f(entry, tag) for what is in `outer`, and for what is in those for which f says so.
template <typename F>
void walk(Dwarf_Die outer, std::size_t& budget, F&& f) {
  std::vector<std::pair<Dwarf_Die, bool>> open(1);  // the next entry; whether it was the last
  if (dwarf_child(&outer, &open[0].first) != 0) return;
  while (!open.empty() && budget != 0) {
    if (open.back().second) {
      open.pop_back();
      continue;
    }
    --budget;
    Dwarf_Die die = open.back().first;
    open.back().second = dwarf_siblingof(&die, &open.back().first) != 0;
    Dwarf_Die inner;
    if (f(die, dwarf_tag(&die)) && open.size() < deepest && dwarf_child(&die, &inner) == 0)
      open.emplace_back(inner, false);
  }
}

/// An expression being evaluated for a frame.
class Evaluation {
 public:
  Evaluation(const ProcessImage& image, const Frame& frame, std::uint64_t pc, std::uint64_t bias, Dwarf_Die function)
      : image_(image), frame_(frame), pc_(pc), bias_(bias), function_(function) {}

  /// What the attribute says of the variable; nothing when it is nowhere, or cannot be known.
  std::optional<std::vector<ValuePiece>> run(Dwarf_Attribute* attribute) {
    Dwarf_Op* ops = nullptr;
    std::size_t count = 0;
    if (dwarf_getlocation_addr(attribute, pc_ - bias_, &ops, &count, 1) != 1 || count == 0 || count > most_operations) {
      return std::nullopt;
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (!step(attribute, ops[i])) return std::nullopt;
    }
    if (pieces_.empty()) {
      if (!place_) return std::nullopt;
      return std::vector<ValuePiece>{*place_};
    }
    return pieces_;
  }

 private:
  bool push(std::optional<std::uint64_t> value) {
    if (!value || stack_.size() >= most_words) return false;
    stack_.push_back(*value);
    place_ = ValuePiece{0, 0, true, *value};  // an address, until something else is said
    return true;
  }
  bool pop(std::uint64_t& value) {
    if (stack_.empty()) return false;
    value = stack_.back();
    stack_.pop_back();
    return true;
  }
  bool is_value(std::optional<std::uint64_t> value) {
    if (!value) return false;
    place_ = ValuePiece{0, 0, false, *value};
    return true;
  }
  [[nodiscard]] std::optional<std::uint64_t> register_at(std::uint64_t number) const {
    for (const auto& [known, value] : frame_.registers) {
      if (known == number) return value;
    }
    return std::nullopt;
  }
  [[nodiscard]] static std::optional<std::uint64_t> plus(std::optional<std::uint64_t> base, std::uint64_t offset) {
    return base ? std::optional(*base + offset) : std::nullopt;
  }
  [[nodiscard]] std::optional<std::uint64_t> canonical_frame_address() const {
    return frame_.stack_end == 0 ? std::nullopt : std::optional(frame_.stack_end);
  }
  std::optional<std::uint64_t> frame_base() {
    Dwarf_Attribute room;
    Dwarf_Attribute* base = dwarf_attr_integrate(&function_, DW_AT_frame_base, &room);
    if (base == nullptr || in_frame_base_) return std::nullopt;
    Evaluation inner(image_, frame_, pc_, bias_, function_);
    inner.in_frame_base_ = true;
    const auto pieces = inner.run(base);
    return pieces && pieces->size() == 1 ? std::optional((*pieces)[0].value) : std::nullopt;
  }
  bool piece(std::uint64_t size) {
    if (size > std::uint64_t{1} << 32 || pieces_.size() >= most_pieces) return false;
    if (place_) {
      ValuePiece piece = *place_;
      piece.offset = offset_;
      piece.size = piece.in_memory ? size : std::min<std::uint64_t>(size, 8);
      pieces_.push_back(piece);
    }
    offset_ += size;
    place_.reset();
    stack_.clear();
    return true;
  }
  bool binary(std::uint8_t operation) {
    std::uint64_t right = 0;
    std::uint64_t left = 0;
    if (!pop(right) || !pop(left)) return false;
    switch (operation) {
      case DW_OP_plus: return push(left + right);
      case DW_OP_minus: return push(left - right);
      case DW_OP_mul: return push(left * right);
      case DW_OP_and: return push(left & right);
      case DW_OP_or: return push(left | right);
      case DW_OP_xor: return push(left ^ right);
      case DW_OP_shl: return push(right < 64 ? left << right : 0);
      default: return push(right < 64 ? left >> right : 0);  // DW_OP_shr
    }
  }

  bool step(Dwarf_Attribute* attribute, const Dwarf_Op& op) {
    const std::uint8_t atom = op.atom;
    if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31) return push(atom - DW_OP_lit0);
    if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31) return is_value(register_at(atom - DW_OP_reg0));
    if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31) return push(plus(register_at(atom - DW_OP_breg0), op.number));
    std::uint64_t value = 0;
    switch (atom) {
      case DW_OP_addr: return push(op.number + bias_);
      case DW_OP_const1u:
      case DW_OP_const1s:
      case DW_OP_const2u:
      case DW_OP_const2s:
      case DW_OP_const4u:
      case DW_OP_const4s:
      case DW_OP_const8u:
      case DW_OP_const8s:
      case DW_OP_constu:
      case DW_OP_consts: return push(op.number);
      case DW_OP_regx: return is_value(register_at(op.number));
      case DW_OP_bregx: return push(plus(register_at(op.number), op.number2));
      case DW_OP_fbreg: return push(plus(frame_base(), op.number));
      case DW_OP_call_frame_cfa: return push(canonical_frame_address());
      case DW_OP_dup: return !stack_.empty() && push(stack_.back());
      case DW_OP_drop: return pop(value);
      case DW_OP_deref: return pop(value) && push(image_.word(value));
      case DW_OP_plus_uconst: return pop(value) && push(value + op.number);
      case DW_OP_plus:
      case DW_OP_minus:
      case DW_OP_mul:
      case DW_OP_and:
      case DW_OP_or:
      case DW_OP_xor:
      case DW_OP_shl:
      case DW_OP_shr: return binary(atom);
      case DW_OP_nop: return true;
      case DW_OP_piece: return piece(op.number);
      case DW_OP_stack_value: return pop(value) && is_value(value);
      case DW_OP_implicit_value: return implicit(attribute, op);
      default: return false;  // among them DW_OP_entry_value: what a register held when the function was entered
    }
  }
  bool implicit(Dwarf_Attribute* attribute, const Dwarf_Op& op) {
    Dwarf_Block block;
    if (dwarf_getlocation_implicit_value(attribute, &op, &block) != 0 || block.length > 8) return false;
    std::uint64_t value = 0;
    for (std::size_t i = static_cast<std::size_t>(block.length); i-- > 0;) value = value << 8 | block.data[i];
    return is_value(value);
  }

  const ProcessImage& image_;
  const Frame& frame_;
  std::uint64_t pc_;
  std::uint64_t bias_;
  Dwarf_Die function_;
  bool in_frame_base_ = false;
  std::vector<std::uint64_t> stack_;
  std::optional<ValuePiece> place_;  ///< of the variable, or of its part up to the next DW_OP_piece
  std::vector<ValuePiece> pieces_;
  std::uint64_t offset_ = 0;
};

}  // namespace

const LocalFinder::Scopes& LocalFinder::scopes_at(const DebugIndex& index, std::uint64_t pc) {
  const auto [at, is_new] = known_.try_emplace(pc);
  Scopes& scopes = at->second;
  const DebugIndex::UnitRange* range = is_new ? index.unit_at(pc) : nullptr;
  if (range == nullptr) return scopes;
  const std::uint64_t there = pc - index.bias();
  std::size_t budget = most_looked_at;
  walk(range->unit, budget, [&](Dwarf_Die& die, int tag) {
    if (scopes.found) return false;
    if (tag == DW_TAG_subprogram && dwarf_haspc(&die, there) == 1) {
      scopes.found = true;
      scopes.function = die;
    }
    return tag == DW_TAG_namespace || tag == DW_TAG_structure_type || tag == DW_TAG_class_type;
  });
  if (!scopes.found) return scopes;
  walk(scopes.function, budget, [&](Dwarf_Die& die, int tag) {
    if (tag == DW_TAG_variable || tag == DW_TAG_formal_parameter) {
      if (scopes.variables.size() < most_variables && has_attribute(die, DW_AT_location))
        scopes.variables.push_back(die);
      return false;
    }
    return (tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine) && dwarf_haspc(&die, there) == 1;
  });
  return scopes;
}

std::vector<LocalFinder::Local> LocalFinder::find(const DebugIndex& index, const ProcessImage& image,
                                                  const Frame& frame, bool is_innermost) {
  std::vector<Local> found;
  // A return address may belong to the line, or the block, behind the call.
  const std::uint64_t pc = frame.program_counter - (is_innermost || frame.program_counter == 0 ? 0 : 1);
  const Scopes& scopes = scopes_at(index, pc);
  for (Dwarf_Die die : scopes.variables) {
    Dwarf_Attribute room;
    Dwarf_Attribute* location = dwarf_attr(&die, DW_AT_location, &room);
    if (location == nullptr) continue;
    auto pieces = Evaluation(image, frame, pc, index.bias(), scopes.function).run(location);
    if (pieces) found.push_back({die, std::move(*pieces)});
  }
  return found;
}

}  // namespace formats

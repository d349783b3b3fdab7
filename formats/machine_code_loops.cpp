#include "formats/machine_code_loops.h"

#include <algorithm>
#include <array>
#include <map>

namespace formats::machine_code {
namespace {

constexpr std::size_t most_stack_writes = 64;  // of a loop
constexpr std::size_t passes_over_code = 16;   // loops are nested that deep in real code, not in hostile code
constexpr std::uint32_t all_registers = ~std::uint32_t{0};
constexpr std::uint32_t largest_stride = 1 << 16;

/// What calls leave to their caller: rbx, rsp, rbp, r12 … r15.
constexpr std::uint32_t kept_by_calls = (1u << 3) | (1u << rsp) | (1u << rbp) | (0xfu << 12);

void describe(std::span<const Instruction> code, Loop& loop) {
  for (const Instruction& instruction : code.subspan(loop.first, loop.last - loop.first + 1)) {
    loop.written |= instruction.written;
    if (instruction.effect == Effect::call) {
      loop.written |= ~kept_by_calls;
      loop.has_call = true;
    }
    const Operand* memory = instruction.memory();
    if (memory == nullptr || !memory->is_written || (memory->base != rsp && memory->base != rbp)) continue;
    const std::pair place{memory->base, memory->value};
    if (std::find(loop.stack_writes.begin(), loop.stack_writes.end(), place) != loop.stack_writes.end()) continue;
    if (loop.stack_writes.size() >= most_stack_writes || memory->index != no_register) {
      loop.all_stack = true;
    } else {
      loop.stack_writes.push_back(place);
    }
  }
  loop.written &= ~(std::uint32_t{1} << rsp);  // as it was at the head, or nothing of the frame would stay known
}

/// A register that a loop moves by one constant, in one place.
struct Induction {
  std::int64_t step = 0;
  std::size_t at = 0;  ///< index of the instruction that moves it
  bool is_only = true;
};

/// What `instruction` adds to a register, and to which.
std::optional<std::pair<Register, std::int64_t>> step_of(const Instruction& instruction) {
  const Operand& to = instruction.operands[0];
  const Operand& by = instruction.operands[1];
  if (to.kind != Operand::Kind::reg || to.reg >= first_vector) return std::nullopt;
  if (instruction.effect == Effect::add && by.kind == Operand::Kind::immediate) return std::pair{to.reg, by.value};
  if (instruction.effect == Effect::subtract && by.kind == Operand::Kind::immediate)
    return std::pair{to.reg, -by.value};
  if (instruction.effect == Effect::address && by.base == to.reg && by.index == no_register) {
    return std::pair{to.reg, by.value};
  }
  return std::nullopt;
}

std::array<Induction, first_vector> inductions(std::span<const Instruction> body) {
  std::array<Induction, first_vector> found{};
  for (std::size_t i = 0; i < body.size(); ++i) {
    const auto step = step_of(body[i]);
    std::uint32_t written = body[i].written;
    if (body[i].effect == Effect::call) written |= ~kept_by_calls;
    for (Register reg = 0; reg < first_vector; ++reg) {
      if ((written >> reg & 1u) == 0) continue;
      Induction& induction = found[reg];
      if (!step || step->first != reg || induction.step != 0) induction.is_only = false;
      if (step && step->first == reg) {
        induction.step = step->second;
        induction.at = i;
      }
    }
  }
  return found;
}

/// Bytes of an element that a loop touches, by stride and base register.
struct Touched {
  std::vector<bool> bytes;
  bool writes = false;
  bool is_vectorised = false;
};

}  // namespace

std::optional<std::size_t> instruction_at(std::span<const Instruction> code, std::uint64_t address) {
  const auto at = std::lower_bound(code.begin(), code.end(), address,
                                   [](const Instruction& one, std::uint64_t wanted) { return one.address < wanted; });
  if (at == code.end() || at->address != address) return std::nullopt;
  return static_cast<std::size_t>(at - code.begin());
}

Loops find_loops(std::span<const Instruction> code) {
  Loops loops;
  std::map<std::size_t, std::size_t> last_of;  // by first instruction
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (code[i].effect != Effect::jump && code[i].effect != Effect::branch) continue;
    const auto target = code[i].target();
    if (!target || *target > code[i].address) continue;
    if (const auto first = instruction_at(code, *target)) last_of[*first] = i;
  }
  std::vector<std::int32_t> opens(code.size() + 1);
  std::size_t budget = passes_over_code * code.size();
  for (const auto& [first, last] : last_of) {
    Loop loop;
    loop.first = first;
    loop.last = last;
    const std::size_t size = last - first + 1;
    if (size <= budget) {
      budget -= size;
      describe(code, loop);
    } else {
      loop.written = all_registers;
      loop.has_call = loop.all_stack = true;
    }
    ++opens[first];
    --opens[last + 1];
    loops.all.push_back(std::move(loop));
  }
  loops.depth.resize(code.size());
  std::int32_t depth = 0;
  for (std::size_t i = 0; i < code.size(); ++i) {
    depth += opens[i];
    loops.depth[i] = static_cast<std::uint8_t>(std::min(depth, 255));
  }
  return loops;
}

std::vector<Stride> find_strides(std::span<const Instruction> code, const Loops& loops) {
  std::vector<Stride> strides;
  for (std::size_t i = 0; i < loops.all.size(); ++i) {
    const Loop& loop = loops.all[i];
    // Innermost: no other loop begins inside. Loops are sorted by their first instruction.
    if (i + 1 < loops.all.size() && loops.all[i + 1].first <= loop.last) continue;
    const auto body = code.subspan(loop.first, loop.last - loop.first + 1);
    const auto moving = inductions(body);
    std::map<std::pair<std::uint32_t, Register>, Touched> touched;
    for (std::size_t at = 0; at < body.size(); ++at) {
      const Operand* memory = body[at].memory();
      if (memory == nullptr || memory->size == 0 || memory->has_segment) continue;
      const bool by_base = memory->base < first_vector && moving[memory->base].step != 0;
      const bool by_index = memory->index < first_vector && moving[memory->index].step != 0;
      if (by_base == by_index) continue;
      const Register reg = by_base ? memory->base : memory->index;
      const Induction& induction = moving[reg];
      const std::int64_t step = induction.step * (by_base ? 1 : memory->scale);
      const std::uint64_t bytes =
          step < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(step) : static_cast<std::uint64_t>(step);
      if (!induction.is_only || bytes == 0 || bytes > largest_stride) continue;
      Touched& element = touched[{static_cast<std::uint32_t>(bytes), reg}];
      element.bytes.resize(bytes);
      element.writes = element.writes || memory->is_written;
      element.is_vectorised = element.is_vectorised || memory->size >= 16;
      // Behind the step the register is one element on.
      const std::int64_t offset = memory->value - (at > induction.at ? step : 0);
      const auto size = static_cast<std::int64_t>(bytes);
      for (std::int64_t byte = 0; byte < std::min<std::int64_t>(memory->size, size); ++byte) {
        element.bytes[static_cast<std::size_t>(((offset + byte) % size + size) % size)] = true;
      }
    }
    for (const auto& [key, element] : touched) {
      Stride stride;
      stride.loop = i;
      stride.bytes = key.first;
      stride.touched = static_cast<std::uint32_t>(std::count(element.bytes.begin(), element.bytes.end(), true));
      stride.writes = element.writes;
      stride.is_vectorised = element.is_vectorised;
      strides.push_back(stride);
    }
  }
  return strides;
}

}  // namespace formats::machine_code

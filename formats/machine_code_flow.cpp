#include "formats/machine_code_flow.h"

#include <algorithm>
#include <utility>

namespace formats::machine_code {
namespace {

constexpr std::size_t most_stack_words = 64;
/// rbx, rsp, rbp, r12 … r15 are the caller's; all else is lost in a call.
constexpr std::uint32_t lost_in_calls = ~((1u << 3) | (1u << rsp) | (1u << rbp) | (0xfu << 12));
/// A stack pointer that was rounded down: its distance to the other one is not known, and no frame is this large.
constexpr std::int64_t realigned = std::int64_t{1} << 32;

Value constant(std::int64_t number) { return {Value::Kind::constant, 0, number, 0}; }

}  // namespace

Value Value::plus(std::int64_t more) const {
  Value sum = *this;
  if (known())
    sum.number = static_cast<std::int64_t>(static_cast<std::uint64_t>(number) + static_cast<std::uint64_t>(more));
  return sum;
}

Value Flow::State::load(std::int64_t offset) const {
  for (const Slot& slot : stack) {
    if (slot.offset == offset) return slot.value;
  }
  return {};
}

void Flow::State::store(std::int64_t offset, std::uint8_t size, const Value& value) {
  std::erase_if(stack, [&](const Slot& slot) {  // what it overwrites, wholly or in part
    return slot.offset < offset + size && offset < slot.offset + 8;
  });
  if (!value.known() || size < 8) return;
  if (stack.size() >= most_stack_words) stack.erase(stack.begin());
  stack.push_back({offset, value});
}

void Flow::State::keep_common(const State& other) {
  for (std::size_t i = 0; i < registers.size(); ++i) {
    if (registers[i] != other.registers[i]) registers[i] = {};
  }
  std::erase_if(stack, [&](const Slot& slot) { return other.load(slot.offset) != slot.value; });
}

void Flow::walk(std::span<const Instruction> code, const Loops& loops, FlowVisitor& visitor) {
  code_ = code;
  visitor_ = &visitor;
  label_of_.assign(code.size(), -1);
  labels_.clear();
  setup_ = {};
  state_ = {};
  state_.reached = true;
  state_.registers[rdi] = {Value::Kind::argument, 0, 0, 0};
  state_.registers[rsp] = {Value::Kind::frame, 0, 0, 0};

  std::size_t next_loop = 0;
  for (std::size_t at = 0; at < code.size(); ++at) {
    const bool is_head = next_loop < loops.all.size() && loops.all[next_loop].first == at;
    const bool is_padding = !state_.reached && !is_head && label_of_[at] < 0 && code[at].effect == Effect::none;
    if (is_padding) continue;  // between a jump and the head of a loop
    begin(at, is_head ? &loops.all[next_loop] : nullptr);
    while (next_loop < loops.all.size() && loops.all[next_loop].first <= at) {
      end_setup();
      if (loops.all[next_loop].first == at) enter_loop(loops.all[next_loop]);
      ++next_loop;
    }
    if (setup_.is_complete) forget_setup(code[at]);
    step(at);
  }
}

/// What is known where instruction `at` begins: what its ways have in common.
void Flow::begin(std::size_t at, const Loop* loop) {
  if (label_of_[at] >= 0) {
    State& label = labels_[static_cast<std::size_t>(label_of_[at])];
    if (state_.reached) {
      state_.keep_common(label);
    } else {
      state_ = std::move(label);
    }
    label = {};
  } else if (!state_.reached) {
    std::optional<State> entry;
    if (loop != nullptr) entry = entry_of(*loop);
    state_ = entry ? std::move(*entry) : setup_.state;  // else by a table or an exception
  }
  state_.reached = true;
}

/// What is known where a loop is entered in its middle (its condition comes last, and is jumped to first); nothing when
/// no jump into it has been seen.
std::optional<Flow::State> Flow::entry_of(const Loop& loop) const {
  std::optional<State> entry;
  for (std::size_t at = loop.first + 1; at <= loop.last; ++at) {
    if (label_of_[at] < 0) continue;
    const State& label = labels_[static_cast<std::size_t>(label_of_[at])];
    if (entry) {
      entry->keep_common(label);
    } else {
      entry = label;
    }
  }
  return entry;
}

void Flow::end_setup() {
  if (setup_.is_complete) return;
  setup_.is_complete = true;
  setup_.state = state_;
  for (std::size_t i = 0; i < register_count; ++i) {
    if ((lost_in_calls >> i & 1u) != 0) setup_.state.registers[i] = {};
  }
}

/// Later writes end what was set up; but not those at the end of the function, which give the registers back.
void Flow::forget_setup(const Instruction& instruction) {
  if (instruction.effect == Effect::pop || instruction.effect == Effect::leave || instruction.effect == Effect::push) {
    return;
  }
  const std::uint32_t frame = (1u << rsp) | (1u << rbp);
  for (std::size_t i = 0; i < register_count; ++i) {
    if (((instruction.written & ~frame) >> i & 1u) != 0) setup_.state.registers[i] = {};
  }
  const Operand* memory = instruction.memory();
  if (memory == nullptr || !memory->is_written || memory->base >= register_count) return;
  const Value& base = state_.registers[memory->base];
  if (base.kind == Value::Kind::frame) setup_.state.store(base.number + memory->value, memory->size, {});
}

void Flow::enter_loop(const Loop& loop) {
  for (const auto& [base, displacement] : loop.stack_writes) {
    const Value& frame = state_.registers[base];
    if (frame.kind == Value::Kind::frame) state_.store(frame.number + displacement, 16, {});
  }
  if (loop.all_stack) state_.stack.clear();
  forget(loop.written);
}

void Flow::forget(std::uint32_t registers) {
  for (std::size_t i = 0; i < register_count; ++i) {
    if ((registers >> i & 1u) != 0) state_.registers[i] = {};
  }
}

void Flow::jump_to(std::uint64_t target, std::size_t from) {
  const auto to = instruction_at(code_, target);
  if (!to || *to <= from) return;  // out of the function, or a loop: its head has forgotten what changes
  std::int32_t& label = label_of_[*to];
  if (label >= 0) {
    labels_[static_cast<std::size_t>(label)].keep_common(state_);
    return;
  }
  label = static_cast<std::int32_t>(labels_.size());
  labels_.push_back(state_);
}

Value Flow::base_of(const Operand& operand) const {
  if (operand.has_segment || operand.base >= register_count) return {};
  return state_.registers[operand.base];
}

Value Flow::address_of(const Instruction& instruction, const Operand& operand) const {
  if (const auto absolute = instruction.absolute(operand); absolute && operand.index == no_register) {
    return constant(static_cast<std::int64_t>(*absolute));
  }
  if (operand.index != no_register) return {};
  return base_of(operand).plus(operand.value);
}

Value Flow::value_of(const Instruction& instruction, const Operand& operand) const {
  if (operand.kind == Operand::Kind::immediate) return constant(operand.value);
  if (operand.kind == Operand::Kind::reg) {
    if (operand.reg >= register_count) return {};
    const Value& value = state_.registers[operand.reg];
    if (operand.size >= 8) return value;
    if (operand.size == 4 && value.kind == Value::Kind::constant) return constant(value.number & 0xFFFF'FFFF);
    return {};
  }
  if (operand.kind != Operand::Kind::memory || operand.size < 8) return {};
  const Value address = address_of(instruction, operand);
  if (address.kind == Value::Kind::frame) return state_.load(address.number);
  if (address.kind == Value::Kind::constant) {
    const auto at = static_cast<std::uint64_t>(address.number);
    if (visitor_->is_constant_word(at)) return {Value::Kind::contents, 0, 0, at};
  }
  return {};
}

void Flow::write(const Operand& to, const Value& value) {
  if (to.kind == Operand::Kind::reg) {
    if (to.reg >= register_count) return;
    Value kept = to.size >= 8 ? value : Value{};
    if (to.size == 4 && value.kind == Value::Kind::constant) kept = constant(value.number & 0xFFFF'FFFF);
    state_.registers[to.reg] = kept;
    return;
  }
  if (to.kind != Operand::Kind::memory || to.has_segment) return;
  if (to.base >= register_count || state_.registers[to.base].kind != Value::Kind::frame) return;
  if (to.index != no_register) {
    state_.stack.clear();  // an array in the frame: anywhere
  } else {
    state_.store(state_.registers[to.base].number + to.value, to.size, value);
  }
}

void Flow::report_memory(std::size_t at) {
  const Instruction& instruction = code_[at];
  if (instruction.effect == Effect::address) {
    const Operand& memory = instruction.operands[1];
    if (const Value base = base_of(memory); base.known() && base.kind != Value::Kind::frame) {
      visitor_->on_address(at, memory, base);
    }
    return;
  }
  const Operand* memory = instruction.memory();
  if (memory == nullptr) return;
  const Value base = base_of(*memory);
  if (!base.known() || base.kind == Value::Kind::frame) return;
  Value stored;
  const bool is_store = instruction.effect == Effect::copy && memory == &instruction.operands[0];
  if (is_store) stored = value_of(instruction, instruction.operands[1]);
  visitor_->on_memory(at, *memory, base, memory->size >= 8 ? stored : Value{});
}

void Flow::call(std::size_t at) {
  const Value result = visitor_->on_call(at, state_.registers[rdi], state_.registers[rsi]);
  forget(lost_in_calls);
  state_.registers[rax] = result;
}

void Flow::step(std::size_t at) {
  const Instruction& instruction = code_[at];
  report_memory(at);
  if (instruction.effect >= Effect::call) end_setup();
  switch (instruction.effect) {
    case Effect::call: return call(at);
    case Effect::branch:
      if (const auto target = instruction.target()) jump_to(*target, at);
      return;
    case Effect::jump:
      if (const auto target = instruction.target()) {
        if (instruction_at(code_, *target)) {
          jump_to(*target, at);
        } else {
          visitor_->on_call(at, state_.registers[rdi], state_.registers[rsi]);
        }
      }
      state_.reached = false;
      return;
    case Effect::stop: state_.reached = false; return;
    default: return transfer(instruction);
  }
}

void Flow::transfer(const Instruction& instruction) {
  const Operand& to = instruction.operands[0];
  const Operand& from = instruction.operands[1];
  auto& registers = state_.registers;
  switch (instruction.effect) {
    case Effect::none: return;
    case Effect::copy: return write(to, value_of(instruction, from));
    case Effect::address: return write(to, address_of(instruction, from));
    case Effect::clear: return write(to, constant(0));
    case Effect::add:
    case Effect::subtract: {
      const Value by = value_of(instruction, from);
      Value sum;
      if (to.kind == Operand::Kind::reg && by.kind == Value::Kind::constant && to.reg < register_count &&
          to.size >= 4) {
        const auto number = static_cast<std::uint64_t>(by.number);
        sum = value_of(instruction, to)
                  .plus(static_cast<std::int64_t>(instruction.effect == Effect::add ? number : 0 - number));
      }
      return write(to, sum);
    }
    case Effect::mask:
      if (to.kind == Operand::Kind::reg && to.reg == rsp && registers[rsp].kind == Value::Kind::frame) {
        registers[rsp].number -= realigned;
        return;
      }
      return write(to, {});
    case Effect::push: {
      const Value pushed = value_of(instruction, to);
      registers[rsp] = registers[rsp].plus(-8);
      if (registers[rsp].kind == Value::Kind::frame) state_.store(registers[rsp].number, 8, pushed);
      return;
    }
    case Effect::pop: {
      const Value popped = registers[rsp].kind == Value::Kind::frame ? state_.load(registers[rsp].number) : Value{};
      registers[rsp] = registers[rsp].plus(8);
      return write(to, popped);
    }
    case Effect::leave:
      registers[rsp] = registers[rbp].plus(8);
      registers[rbp] = registers[rbp].kind == Value::Kind::frame ? state_.load(registers[rbp].number) : Value{};
      return;
    case Effect::conditional_copy: {
      const Value other = value_of(instruction, from);
      return write(to, value_of(instruction, to) == other ? other : Value{});
    }
    case Effect::keep_low:
      // SSE: {to, from}: to's low half stays. AVX: {to, low, high}: to's low half becomes low's.
      if (to.kind == Operand::Kind::memory) return write(to, {});
      if (instruction.operand_count == 3 && from.kind == Operand::Kind::reg && from.reg >= first_vector) {
        return write(to, value_of(instruction, from));
      }
      return;
    default: break;
  }
  forget(instruction.written);
  for (unsigned i = 0; i < instruction.operand_count; ++i) {
    const Operand& operand = instruction.operands[i];
    if (operand.kind == Operand::Kind::memory && operand.is_written) write(operand, {});
  }
}

}  // namespace formats::machine_code

// Loops of a function, by its backward jumps, and what they change; loops that go over memory in equal steps.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "formats/machine_code_decoder.h"

namespace formats::machine_code {

struct Loop {
  std::size_t first = 0;      ///< index of its first instruction in the function
  std::size_t last = 0;       ///< of the backward jump that closes it
  std::uint32_t written = 0;  ///< bit set of registers that it changes
  bool has_call = false;
  /// Words of the stack that it writes: register and displacement. all_stack: too many to list.
  std::vector<std::pair<Register, std::int64_t>> stack_writes;
  bool all_stack = false;
};

struct Stride {
  std::size_t loop = 0;  ///< index into Loops::all
  std::uint32_t bytes = 0;
  std::uint32_t touched = 0;
  bool writes = false;
  bool is_vectorised = false;
};

struct Loops {
  std::vector<Loop> all;            ///< by first instruction; of several backward jumps to one the widest
  std::vector<std::uint8_t> depth;  ///< by instruction: loops around it, at most 255
};

/// Index of the instruction at `address`.
[[nodiscard]] std::optional<std::size_t> instruction_at(std::span<const Instruction> code, std::uint64_t address);
/// O(instructions · depth), with a bound: beyond it, loops are said to change everything.
[[nodiscard]] Loops find_loops(std::span<const Instruction> code);
/// Innermost loops in which a register moves by a constant and memory is accessed through it. O(instructions).
[[nodiscard]] std::vector<Stride> find_strides(std::span<const Instruction> code, const Loops& loops);

}  // namespace formats::machine_code

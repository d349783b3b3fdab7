// Values through a function: which registers and stack words hold the first argument, a fresh allocation, a known
// address. One forward pass over its instructions; at a join only what all ways agree on is kept, at the head of a loop
// what the loop changes is forgotten. Code that no jump is seen to reach (landing pads of exceptions, cases of a
// switch) starts with what the function's first instructions set up.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "formats/machine_code_decoder.h"
#include "formats/machine_code_loops.h"

namespace formats::machine_code {

struct Value {
  enum class Kind : std::uint8_t {
    unknown,
    constant,    ///< number
    contents,    ///< the word at `address`, plus `number`
    frame,       ///< the stack pointer at entry plus `number`
    argument,    ///< the first argument plus `number`
    allocation,  ///< the result of allocation `site` plus `number`
  };
  Kind kind = Kind::unknown;
  std::uint32_t site = 0;
  std::int64_t number = 0;
  std::uint64_t address = 0;

  [[nodiscard]] bool known() const { return kind != Kind::unknown; }
  [[nodiscard]] Value plus(std::int64_t more) const;
  friend bool operator==(const Value&, const Value&) = default;
};

/// Who is told what a function does.
class FlowVisitor {
 public:
  virtual ~FlowVisitor() = default;
  /// Operand `memory` of `instruction` (index `at` in the function) is accessed; its base register holds `base`, which
  /// is known. `stored`: what is written there, where it is a plain store of 8 bytes and more.
  virtual void on_memory(std::size_t at, const Operand& memory, const Value& base, const Value& stored) = 0;
  /// lea of `base` plus something.
  virtual void on_address(std::size_t at, const Operand& memory, const Value& base) = 0;
  /// A call, or a jump out of the function. `first` and `second`: what it is called with. The result, if known.
  virtual Value on_call(std::size_t at, const Value& first, const Value& second) = 0;
  /// Whether the word at `address` holds the same address all the time.
  [[nodiscard]] virtual bool is_constant_word(std::uint64_t address) const = 0;
};

class Flow {
 public:
  /// Walks one function. O(instructions · (registers + stack words followed, at most 64)).
  void walk(std::span<const Instruction> code, const Loops& loops, FlowVisitor& visitor);

 private:
  struct Slot {
    std::int64_t offset = 0;  ///< from the stack pointer at entry
    Value value;
  };
  struct State {
    std::array<Value, register_count> registers;
    std::vector<Slot> stack;
    bool reached = false;

    [[nodiscard]] Value load(std::int64_t offset) const;
    void store(std::int64_t offset, std::uint8_t size, const Value& value);
    void keep_common(const State& other);
  };
  /// What a function sets up before its first jump or call and leaves alone until its end: where the first argument is
  /// kept, the frame. All its code has that, however it is reached.
  struct Setup {
    State state;
    bool is_complete = false;
  };

  void begin(std::size_t at, const Loop* loop);
  [[nodiscard]] std::optional<State> entry_of(const Loop& loop) const;
  void end_setup();
  void forget_setup(const Instruction& instruction);
  void step(std::size_t at);
  void enter_loop(const Loop& loop);
  void jump_to(std::uint64_t target, std::size_t from);
  void call(std::size_t at);
  [[nodiscard]] Value value_of(const Instruction& instruction, const Operand& operand) const;
  [[nodiscard]] Value address_of(const Instruction& instruction, const Operand& operand) const;
  [[nodiscard]] Value base_of(const Operand& operand) const;
  void report_memory(std::size_t at);
  void write(const Operand& to, const Value& value);
  void forget(std::uint32_t registers);
  void transfer(const Instruction& instruction);

  std::span<const Instruction> code_;
  FlowVisitor* visitor_ = nullptr;
  State state_;
  Setup setup_;
  std::vector<std::int32_t> label_of_;  ///< by instruction: index into labels_, -1 = no jump goes there
  std::vector<State> labels_;
};

}  // namespace formats::machine_code

// x86-64 machine code → instructions, reduced to what the other machine_code stems ask: which registers and memory an
// instruction reads and writes, and where it goes. The only place that knows Capstone.
//
// Instructions are decoded one after another from wherever decoding starts; bytes that are no instruction are passed
// one by one. About 0.9 million instructions per CPU second, nearly all of it Capstone's own.
//
// Sources: Intel SDM volume 2; Capstone's capstone.h and x86.h (4.0.2: the `access` of operands is wrong or missing for
// some instructions, see operand_access() in the .cpp).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/bytes.h"

namespace formats::machine_code {

/// General registers by their number in the encoding (rax 0, rcx 1, rdx 2, rbx 3, rsp 4, rbp 5, rsi 6, rdi 7, r8 …
/// r15), vector registers behind them. Parts (eax, ax, al, ymm0) have the number of the whole.
using Register = std::uint8_t;
inline constexpr Register rax = 0;
inline constexpr Register rcx = 1;
inline constexpr Register rdx = 2;
inline constexpr Register rsp = 4;
inline constexpr Register rbp = 5;
inline constexpr Register rsi = 6;
inline constexpr Register rdi = 7;
inline constexpr Register first_vector = 16;  ///< xmm0 … xmm15
inline constexpr Register register_count = 32;
inline constexpr Register instruction_pointer = 32;
inline constexpr Register other_register = 33;  ///< segment, mask, x87 … registers; xmm16 and up
inline constexpr Register no_register = 34;

struct Operand {
  enum class Kind : std::uint8_t { none, reg, immediate, memory };
  Kind kind = Kind::none;
  std::uint8_t size = 0;  ///< bytes
  bool is_read = false;
  bool is_written = false;
  Register reg = no_register;    ///< of Kind::reg
  Register base = no_register;   ///< of Kind::memory, with index, scale, value; instruction_pointer = RIP-relative
  Register index = no_register;  ///< base + index * scale + value
  std::uint8_t scale = 1;
  bool has_segment = false;  ///< fs: or gs:, thread-local: no address is known
  std::int64_t value = 0;    ///< immediate (sign-extended) or displacement
};

/// What an instruction does with values, as far as they are followed.
enum class Effect : std::uint8_t {
  other,             ///< writes what `written` says
  none,              ///< nop, endbr64, prefetch: its memory operand is not accessed
  copy,              ///< operand 0 = operand 1, of one size (mov, movq, movaps, vmovdqu …)
  address,           ///< lea
  add,               ///< operand 0 += operand 1
  subtract,          ///< operand 0 -= operand 1
  clear,             ///< xor r, r and the like: operand 0 = 0
  mask,              ///< and
  push,              ///< operand 0 onto the stack
  pop,               ///< the stack's top into operand 0
  leave,             ///< rsp = rbp; pop rbp
  conditional_copy,  ///< cmov
  keep_low,          ///< operand 0's low 8 bytes stay, or (AVX) become operand 1's: punpcklqdq, pinsrq, movhps
  call,
  jump,
  branch,  ///< conditional jump
  stop,    ///< ret, ud2, hlt, int3: the next instruction is reached from elsewhere, if at all
};

struct Instruction {
  std::uint64_t address = 0;
  std::uint8_t size = 0;
  Effect effect = Effect::other;
  bool is_locked = false;            ///< lock prefix, or xchg with memory
  std::uint8_t displacement_at = 0;  ///< offset of the 4-byte displacement in the instruction, 0 = none
  std::uint8_t immediate_at = 0;     ///< of an immediate of 4 or 8 bytes, 0 = none
  std::uint8_t operand_count = 0;
  std::uint32_t written = 0;  ///< bit set of registers whose value changes, explicitly or not
  std::array<Operand, 3> operands{};

  [[nodiscard]] std::uint64_t end() const { return address + size; }
  /// The operand in memory that is accessed, or nullptr. No instruction that is followed has two.
  [[nodiscard]] const Operand* memory() const;
  /// Where a direct call, jump or branch goes.
  [[nodiscard]] std::optional<std::uint64_t> target() const;
  /// The address of a RIP-relative or absolute memory operand.
  [[nodiscard]] std::optional<std::uint64_t> absolute(const Operand& operand) const;
};

/// One instruction as text.
struct InstructionText {
  std::uint64_t address = 0;
  std::string bytes;  ///< hexadecimal digits
  std::string text;   ///< "mov qword ptr [rdi + 8], rax"; "(bad)" for a byte that is no instruction
};

/// Not for use by several threads.
class Decoder {
 public:
  Decoder();
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  /// Appends the instructions of `code`, which lies at `address`; returns how many bytes are in none. O(bytes).
  std::uint64_t decode(Bytes code, std::uint64_t address, std::vector<Instruction>& to);
  /// At most `count` instructions as text.
  [[nodiscard]] std::vector<InstructionText> to_text(Bytes code, std::uint64_t address, std::size_t count);
  /// Whether the last bytes of `before` are a call that ends exactly there: what lies in front of a return address.
  /// At most six decodes of at most 7 bytes. Every return address passes; so do 24 to 83 % of the other words of a
  /// stack that point to code, so this checks and labels, it does not find frames.
  [[nodiscard]] bool ends_with_call(Bytes before);

 private:
  struct Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace formats::machine_code

// Writes small x86-64 machine code and ELF files with it, for tests: sections .text, .data.rel.ro, .bss, .plt, .got,
// .dynsym, .rela.plt, .symtab, .eh_frame, .shstrtab. What it writes is what a test says, sound or not.
//
//   tests::MachineCode code(0x1000);
//   code.begin("make").move(tests::rdi, 48).call(code.plt("_Znwm")).address(tests::rdx, code.data(0)).store(...)
//   const std::string file = code.elf();
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tests {

class MachineCode {
 public:
  /// Registers by their number; r8 and up are not written.
  enum Register : std::uint8_t { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi };

  static constexpr std::uint64_t text_address = 0x1000;
  static constexpr std::uint64_t plt_address = 0x8000;
  static constexpr std::uint64_t data_address = 0xa000;  ///< .data.rel.ro
  static constexpr std::uint64_t data_size = 256;
  static constexpr std::uint64_t bss_address = 0xb000;
  static constexpr std::uint64_t got_address = 0xc000;

  /// Where the next instruction goes.
  [[nodiscard]] std::uint64_t here() const { return text_address + text_.size(); }
  /// A function begins here; it ends where the next begins.
  MachineCode& begin(std::string name);
  MachineCode& raw(std::initializer_list<unsigned> bytes);
  MachineCode& move(Register to, std::uint32_t value);             // mov r32, imm32
  MachineCode& move(Register to, Register from);                   // mov r64, r64
  MachineCode& address(Register to, std::uint64_t of);             // lea r64, [rip + …]
  MachineCode& load_from(Register to, std::uint64_t address);      // mov r64, [rip + …]
  MachineCode& store_to(std::uint64_t address, Register from);     // mov [rip + …], r64
  MachineCode& load(Register to, Register base, std::int32_t at);  // mov r64, [base + at]; base is not rsp
  MachineCode& store(Register base, std::int32_t at, Register from);
  MachineCode& add(Register to, std::int32_t value);
  MachineCode& push(Register reg) { return raw({0x50u + reg}); }
  MachineCode& pop(Register reg) { return raw({0x58u + reg}); }
  MachineCode& call(std::uint64_t target) { return relative({0xe8}, target); }
  MachineCode& jump(std::uint64_t target) { return relative({0xe9}, target); }
  MachineCode& branch(std::uint64_t target) { return relative({0x0f, 0x85}, target); }
  MachineCode& ret() { return raw({0xc3}); }
  /// The address of the PLT entry of an imported function; made when first asked for.
  std::uint64_t plt(const std::string& name);

  [[nodiscard]] const std::string& text() const { return text_; }
  enum class Symbols : std::uint8_t { symtab, eh_frame, none };
  /// The whole file. Where functions are told: in .symtab, in .eh_frame alone (stripped), nowhere.
  [[nodiscard]] std::string elf(Symbols symbols = Symbols::symtab) const;

 private:
  MachineCode& relative(std::initializer_list<unsigned> code, std::uint64_t target);

  std::string text_;
  std::vector<std::pair<std::string, std::uint64_t>> functions_;
  std::vector<std::string> imports_;
};

}  // namespace tests

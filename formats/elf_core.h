// ELF core files: what the kernel or a debugger wrote of a process. 64-bit little-endian, x86-64 and AArch64.
//
// Sources: the System V ABI (gABI chapter 4 and 5, "Object Files" and "Program Loading"), core(5), and the kernel's
// fs/binfmt_elf.c for the notes. A core cut short keeps everything that lies before the cut; the rest is damage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/bytes.h"
#include "formats/damage_log.h"

namespace formats::elf {

enum class Machine : std::uint16_t { x86_64 = 62, aarch64 = 183 };

/// A PT_LOAD: one mapping of the process, or several neighbours of equal permissions.
struct Segment {
  std::uint64_t address = 0;
  std::uint64_t size = 0;         ///< bytes in the process
  Bytes bytes;                    ///< from `address` on: what the core holds of them. Absent is not zero
  std::uint64_t file_offset = 0;  ///< of `bytes` in the core
  std::uint64_t dumped = 0;       ///< bytes that were written; more than bytes.size() when the core is cut
  bool readable = false;
  bool writable = false;
  bool executable = false;
};

/// A file mapped into the process (NT_FILE).
struct FileMapping {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t file_offset = 0;  ///< bytes
  std::string path;               ///< as the process saw it, without " (deleted)"
  bool deleted = false;
};

struct Thread {
  std::int64_t os_id = 0;
  int signal = 0;
  std::vector<std::uint64_t> registers;  ///< as in the machine's user_regs_struct; empty = not in the core
  std::uint64_t program_counter = 0;
  std::uint64_t stack_pointer = 0;
  std::uint64_t thread_pointer = 0;  ///< fs base, TPIDR_EL0; 0 = not known
  Bytes vector_registers;            ///< XSAVE area (else FXSAVE); bytes that can hold pointers
};

struct Signal {
  int number = 0;
  int code = 0;
  std::uint64_t address = 0;  ///< of SIGSEGV, SIGBUS, SIGILL, SIGFPE by the machine: what was accessed; 0 for others
};

struct AuxiliaryValue {
  std::uint64_t type = 0;  ///< AT_PHDR 3, AT_ENTRY 9, AT_BASE 7, AT_SYSINFO_EHDR 33, AT_EXECFN 31 …
  std::uint64_t value = 0;
};

struct Core {
  Machine machine = Machine::x86_64;
  std::vector<Segment> segments;   ///< by address; none overlaps another
  std::vector<FileMapping> files;  ///< by start; empty when there is no NT_FILE
  std::vector<Thread> threads;     ///< as in the core: the first is the one that died
  std::vector<AuxiliaryValue> auxiliary;
  std::optional<Signal> signal;  ///< of the first thread; without its code in old cores
  std::int64_t process_id = 0;
  std::string program;              ///< pr_fname: at most 15 characters
  std::string arguments;            ///< pr_psargs: at most 79
  std::uint64_t missing_bytes = 0;  ///< dumped but beyond the end of the file

  [[nodiscard]] std::optional<std::uint64_t> auxiliary_value(std::uint64_t type) const;
};

/// Any ELF file, whatever its class and type: read_core() says in words why it is not one for us.
[[nodiscard]] bool is_elf(Bytes head);
/// An ELF core, whatever its class, byte order and machine.
[[nodiscard]] bool looks_like_core(Bytes head);
/// What an ELF file is, in words: "64-bit little-endian x86-64 core", "32-bit little-endian Intel 386 executable".
[[nodiscard]] std::string describe(Bytes head);

/// Throws InputError (without a path) when the file is no ELF core, or of a class, byte order or machine that is not
/// read, or of a kernel, or cut within its headers. Program headers and notes are bounds-checked; what lies beyond the
/// end is damage, reported once with the offset of the cut. Of segments that overlap, the one with the lower address
/// keeps what was dumped of it. O(headers · log headers + notes); segments borrow `file`.
[[nodiscard]] Core read_core(Bytes file, DamageLog& damage);

}  // namespace formats::elf

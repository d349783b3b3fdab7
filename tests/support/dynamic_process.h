// The core of a dynamically linked process as the dynamic linker leaves it: a program and two libraries, each with its
// ELF header, program headers and dynamic section, and the list that r_debug leads to. No NT_FILE.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/core_writer.h"

namespace tests {

struct DynamicProcess {
  CoreWriter::Machine machine = CoreWriter::Machine::x86_64;
  CoreWriter::Machine files_of = machine;  ///< e_machine of the mapped files
  bool auxiliary = true;                   ///< AT_PHDR, AT_PHNUM, AT_EXECFN
  bool headers = true;                     ///< the ELF headers are in the core

  // Each file: [0, 0x2000) with its headers, from offset 0; [0x3000, 0x5000) from offset 0x2000, of which 0x800 bytes
  // are in the file. Dynamic section at 0x3100, its texts at 0x3400.
  static constexpr std::uint64_t program = 0x400000;  ///< linked to run there: its base is 0
  static constexpr std::uint64_t first = 0x7f0000000000;
  static constexpr std::uint64_t second = 0x7f0000100000;
  // The dynamic linker's data.
  static constexpr std::uint64_t linker_data = 0x7f0000200000;
  static constexpr std::uint64_t rendezvous = linker_data;
  static constexpr std::uint64_t program_entry = linker_data + 0x40;
  static constexpr std::uint64_t first_entry = linker_data + 0x80;
  static constexpr std::uint64_t second_entry = linker_data + 0xc0;

  /// The start of such a file: ELF header, program headers, build id 00010203deadbeef. `address`: what its program
  /// headers begin at (0 for a library).
  static std::string elf_page(CoreWriter::Machine machine, std::uint64_t address, std::uint16_t type);
};

[[nodiscard]] CoreWriter dynamic_process(const DynamicProcess& process = {});

}  // namespace tests

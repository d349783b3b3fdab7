// Writes ELF64 core files for tests, laid out as the kernel does: header, program headers, notes, segments. What it
// writes is what a test says, sound or not.
//
//   tests::CoreWriter core;                                        // x86-64
//   core.segment(0x7f0000000000, std::string(4096, '\0'), "rw");   // wholly dumped
//   core.absent(0x400000, 0x2000, "rx");                           // known, not dumped
//   core.word(0x7f0000000010, 0x41);                               // pokes into a segment made before
//   core.thread({.os_id = 7, .program_counter = 0x400123, .stack_pointer = 0x7f0000000800});
//   core.file(0x400000, 0x402000, 0, "/bin/program");
//   const std::string bytes = core.bytes();
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "formats/elf_core.h"

namespace tests {

class CoreWriter {
 public:
  using Machine = formats::elf::Machine;

  explicit CoreWriter(Machine machine = Machine::x86_64) : machine_(machine) {}

  // ---- memory; program headers come in the order of the calls ----

  /// Permissions: any of r, w, x.
  CoreWriter& segment(std::uint64_t address, std::string bytes, std::string_view permissions = "rw");
  /// `size` bytes in the process, of which the core has the first.
  CoreWriter& partly_dumped(std::uint64_t address, std::string bytes, std::uint64_t size,
                            std::string_view permissions = "rw");
  CoreWriter& absent(std::uint64_t address, std::uint64_t size, std::string_view permissions = "r");

  /// Overwrites dumped bytes; the address has to lie in a segment made before (else the program ends: a wrong test).
  CoreWriter& put(std::uint64_t address, std::string_view bytes);
  CoreWriter& word(std::uint64_t address, std::uint64_t value) { return value_at(address, value); }
  template <typename T>
  CoreWriter& value_at(std::uint64_t address, T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    return put(address, {bytes, sizeof bytes});
  }
  /// With its NUL.
  CoreWriter& text(std::uint64_t address, std::string_view text) { return put(address, std::string(text) + '\0'); }

  // ---- notes ----

  struct Thread {
    std::int64_t os_id = 1;
    int signal = 0;
    std::uint64_t program_counter = 0;
    std::uint64_t stack_pointer = 0;
    std::uint64_t thread_pointer = 0;           ///< fs base; a note of its own on AArch64
    std::vector<std::uint64_t> registers = {};  ///< as in user_regs_struct, may be short; the three above go on top
    std::string vector_registers = "";          ///< XSAVE area; FPREGSET on AArch64. Empty = no such note
  };
  CoreWriter& thread(const Thread& thread);
  struct Process {
    std::int32_t id = 1;
    std::string program = "program";
    std::string arguments = "program";
  };
  CoreWriter& process(const Process& process);
  struct Signal {
    int number = 11;
    int code = 1;
    std::uint64_t address = 0;
  };
  CoreWriter& signal(const Signal& signal);
  CoreWriter& auxiliary(std::uint64_t type, std::uint64_t value);
  /// `offset` in bytes, a multiple of the page size that the note counts in.
  CoreWriter& file(std::uint64_t start, std::uint64_t end, std::uint64_t offset, std::string path);
  /// What NT_FILE counts offsets in: 4096 as the kernel does (the default), 1 as gdb does.
  CoreWriter& file_page_size(std::uint64_t bytes);
  /// Any note, behind the others.
  CoreWriter& note(std::string name, std::uint32_t type, std::string body);

  // ---- the file ----

  /// The number of program headers in section header 0 (PN_XNUM), as for 65,535 mappings and more.
  CoreWriter& count_in_section();
  /// File offsets of segments are multiples of this: 1 (the default) keeps files small, the kernel uses 4096.
  CoreWriter& alignment(std::uint64_t bytes);
  /// Where the segment's first byte will be in the file, counted in the order of the calls. O(segments).
  [[nodiscard]] std::uint64_t offset_of_segment(std::size_t index) const;
  [[nodiscard]] std::string bytes() const;

 private:
  struct Segment {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
    std::string bytes;
    std::uint32_t flags = 0;
  };
  struct File {
    std::uint64_t start = 0, end = 0, offset = 0;
    std::string path;
  };
  struct Note {
    std::string name;
    std::uint32_t type = 0;
    std::string body;
  };
  [[nodiscard]] std::string notes() const;
  [[nodiscard]] std::uint64_t headers_end() const;

  Machine machine_;
  std::vector<Segment> segments_;
  std::vector<Thread> threads_;
  std::vector<Process> processes_;
  std::vector<Signal> signals_;
  std::vector<formats::elf::AuxiliaryValue> auxiliary_;
  std::vector<File> files_;
  std::vector<Note> others_;
  std::uint64_t file_page_size_ = 4096;
  std::uint64_t alignment_ = 1;
  bool count_in_section_ = false;
};

}  // namespace tests

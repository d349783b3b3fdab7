// An executable or library as the decoder wants it: the sections with code, the functions in them, the data around
// them, and what the slots through which it calls other modules are for. Addresses are the file's, before the load
// bias.
//
// Functions come from .symtab (of the file or of its separate debug file) and .dynsym; what they leave out from the
// function descriptions of .eh_frame, which stripped files keep; what is left is code without a name.
//
// Sources: System V gABI chapters 4 and 5; the x86-64 psABI (relocations, PLT); LSB Core, "Exception Frames".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/bytes.h"

namespace formats::machine_code {

struct Section {
  std::uint64_t address = 0;
  std::uint64_t size = 0;
  Bytes bytes;  ///< shorter than `size` where the file ends early; empty for .bss
  bool is_executable = false;
  bool is_writable = false;
  bool is_constant = false;  ///< .rodata, .data.rel.ro, .got, …: what it holds stays, once relocated

  [[nodiscard]] bool holds(std::uint64_t at) const { return at - address < size; }
};

/// A piece of code that is entered at its start. Pieces do not overlap: a symbol inside of another one splits it.
struct Function {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  bool is_known = false;  ///< from a symbol or .eh_frame, not what was left between

  [[nodiscard]] std::uint64_t size() const { return end - start; }
};

/// What a word of the global offset table is for.
struct ImportSlot {
  std::string_view name;      ///< mangled, without its version; in the file
  std::uint64_t address = 0;  ///< where the same file defines it, 0 = it does not
};

/// Borrows the bytes. Sizes and offsets of the file are checked; what is wrong with it is left out. O(symbols log
/// symbols + .eh_frame).
class CodeFile {
 public:
  /// `debug`: the separate debug file of the same build, for its .symtab; may be empty.
  explicit CodeFile(Bytes file, Bytes debug = {});

  [[nodiscard]] const std::vector<Section>& sections() const { return sections_; }     ///< by address, allocated ones
  [[nodiscard]] const std::vector<Function>& functions() const { return functions_; }  ///< by start
  [[nodiscard]] const std::unordered_map<std::uint64_t, ImportSlot>& slots() const { return slots_; }
  /// Code at fixed addresses: an executable that is not position-independent.
  [[nodiscard]] bool is_fixed() const { return is_fixed_; }
  /// The section that holds `address`, or nullptr.
  [[nodiscard]] const Section* section(std::uint64_t address) const;
  /// The bytes of [address, address + size), cut where the section's end.
  [[nodiscard]] Bytes bytes(std::uint64_t address, std::uint64_t size) const;
  /// Index of the function that holds `address`.
  [[nodiscard]] std::optional<std::uint32_t> function_at(std::uint64_t address) const;
  /// The name of the function that starts at `address` where a symbol has one: mangled, "" = not known.
  [[nodiscard]] std::string_view name_of(std::uint64_t address) const;
  /// What is called at `address`: its name, and where it is; looks through PLT entries.
  [[nodiscard]] ImportSlot callee(std::uint64_t address) const;

 private:
  struct Headers;
  void read_sections(const Headers& headers);
  void read_segments(Bytes file);
  void read_symbols(const Headers& headers);
  void read_relocations(const Headers& headers);
  void read_frames(const Headers& headers);
  void make_functions();

  std::vector<Section> sections_;
  std::vector<Function> functions_;
  std::unordered_map<std::uint64_t, ImportSlot> slots_;
  std::unordered_map<std::uint64_t, std::string_view> names_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> symbol_ranges_;  ///< start, size
  std::vector<std::pair<std::uint64_t, std::uint64_t>> frame_ranges_;   ///< start, end
  bool is_fixed_ = false;
};

}  // namespace formats::machine_code

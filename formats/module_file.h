// An executable or library on this machine, opened because a core names it. A core's paths are untrusted: only regular
// files of real file systems are ever opened (no device, FIFO, socket, nothing of /proc or /sys), and what they hold is
// checked like any other input.
//
// Sources: System V gABI chapters 4 and 5; ld's --build-id (note NT_GNU_BUILD_ID of owner "GNU").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/bytes.h"
#include "formats/elf_core.h"

namespace formats {

/// A read-only descriptor of a regular file, closed with its owner.
class RegularFile {
 public:
  /// `path` below `root` ("" = this machine's own): symbolic links, absolute ones too, stay below it. Nothing when
  /// there is no such regular file. Never blocks on, and never opens, anything else.
  static std::optional<RegularFile> open(const std::string& root, const std::string& path);

  RegularFile(RegularFile&& other) noexcept;
  RegularFile& operator=(RegularFile&& other) noexcept;
  ~RegularFile();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  RegularFile(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// A PT_LOAD of an executable or library, as in the file.
struct LoadHeader {
  std::uint64_t file_offset = 0;
  std::uint64_t address = 0;  ///< before the load bias
  std::uint64_t file_size = 0;
  std::uint64_t memory_size = 0;
  std::uint64_t alignment = 0;
  bool writable = false;
  bool executable = false;
};

/// What an executable or library says of itself in its headers.
struct ModuleHeaders {
  elf::Machine machine = elf::Machine::x86_64;
  bool position_independent = false;  ///< ET_DYN
  std::uint64_t entry = 0;
  std::vector<LoadHeader> loads;  ///< by address
  std::uint64_t dynamic = 0;      ///< address of PT_DYNAMIC before the load bias, 0 = none
  struct Notes {
    std::uint64_t file_offset = 0;
    std::uint64_t address = 0;
    std::uint64_t size = 0;
  };
  std::vector<Notes> notes;
  std::uint64_t thread_local_bytes = 0;  ///< of each thread (PT_TLS), rounded up to their alignment

  /// From the lowest page to the end of the highest, before the load bias.
  [[nodiscard]] std::uint64_t low() const;
  [[nodiscard]] std::uint64_t high() const;
};

/// The headers at the front of `head`, which may be a whole file or its first page. Nothing when it is no 64-bit
/// little-endian executable or library of a machine that is read, or its program headers are not in `head`.
[[nodiscard]] std::optional<ModuleHeaders> parse_module_headers(Bytes head);
/// The build-id among notes, as lower-case hexadecimal digits; "" = none.
[[nodiscard]] std::string find_build_id(Bytes notes);

/// A mapped ELF file. No descriptor stays open: a process can have a thousand modules.
class ModuleFile {
 public:
  enum class Kind : std::uint8_t {
    module,      ///< as parse_module_headers() has it
    debug_file,  ///< any 64-bit little-endian ELF file: dwz's have sections alone, and so no headers() here
  };
  /// Nothing when it is no regular file, or not of the kind.
  static std::optional<ModuleFile> open(const std::string& root, const std::string& path, Kind kind = Kind::module);

  ModuleFile(ModuleFile&& other) noexcept;
  ModuleFile& operator=(ModuleFile&& other) noexcept;
  ~ModuleFile();

  [[nodiscard]] const std::string& path() const { return path_; }  ///< with the root
  [[nodiscard]] Bytes bytes() const { return bytes_; }
  [[nodiscard]] const ModuleHeaders& headers() const { return headers_; }
  [[nodiscard]] const std::string& build_id() const { return build_id_; }

 private:
  explicit ModuleFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
  Bytes bytes_;
  ModuleHeaders headers_;
  std::string build_id_;
};

}  // namespace formats

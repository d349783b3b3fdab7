// The executables and libraries mapped into a dumped process, and their files on this machine. The kernel leaves the
// text and read-only data of files out of a core, so names of types and functions have to come from those files; and
// only a file of the same build tells the truth, which the build-id decides.
//
// Which files are mapped is Core::files (NT_FILE, else link_map.h's complete_files()).
//
// Sources: core(5) (what is dumped), gABI chapter 5, gdb's manual, "Debugging Information in Separate Files".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/module_file.h"
#include "formats/process_image.h"

namespace formats {

/// Where modules are looked for: --exe first for the program itself, then the path in the core below the sysroot, then
/// its file name in each of solib_paths, then <debug directory>/.build-id/xx/yyyy.
struct ModuleSearch {
  std::string exe;
  std::string sysroot;  ///< "" = this machine
  std::vector<std::string> solib_paths;
  std::vector<std::string> debug_directories{"/usr/lib/debug"};
};

enum class ModuleStatus : std::uint8_t {
  found,       ///< the same build, or (vDSO) wholly in the core
  unverified,  ///< used: the headers fit, but core or file has no build-id to compare
  mismatch,    ///< there is a file, of another build: not used
  missing,     ///< no file
};
[[nodiscard]] std::string_view to_text(ModuleStatus);  ///< "found", "not verified", "another build", "missing"

struct Module {
  std::string path;        ///< as in the core; "[vdso]"; "" = not known
  std::uint64_t base = 0;  ///< of its lowest byte
  std::uint64_t end = 0;
  std::uint64_t bias = 0;  ///< address in the process − address in the file's headers
  std::string build_id;    ///< from the process's memory, hexadecimal; "" = not in the core
  bool is_program = false;
  ModuleStatus status = ModuleStatus::missing;
  std::string found_path;          ///< of the file used, or of the one that does not match
  std::string debug_path;          ///< <debug directory>/.build-id/xx/yyyy.debug of the same build-id, "" = none
  std::optional<ModuleFile> file;  ///< found and unverified ones
  Bytes in_core;                   ///< the vDSO's bytes; empty for others
  std::string cost;                ///< one sentence: what is not known without it. "" when found

  [[nodiscard]] std::string name() const;  ///< file name of `path`
};

/// Owns the files. What fill() put into an image is borrowed from here.
class Modules {
 public:
  /// O(mapped files + candidates). At most 4096 modules; paths are opened as module_file.h says.
  Modules(const ProcessImage& image, ModuleSearch search);

  [[nodiscard]] const std::vector<Module>& all() const { return modules_; }  ///< by base, none overlaps another
  /// The module whose extent holds `address`, or nullptr.
  [[nodiscard]] const Module* find(std::uint64_t address) const;
  [[nodiscard]] const ModuleSearch& search() const { return search_; }

 private:
  ModuleSearch search_;
  std::vector<Module> modules_;
};

/// Absent bytes of read-only mappings from the modules' files, PT_LOAD by PT_LOAD; nothing that the process could have
/// changed, nothing that the core has. The bytes that became present. The image borrows them from `modules`.
std::uint64_t fill(ProcessImage& image, const Modules& modules);

}  // namespace formats

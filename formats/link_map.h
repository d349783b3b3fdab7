// The files mapped into a process whose core does not name them (no NT_FILE: gdb before 7.6, Linux before 3.10), told
// from the process's own memory: the dynamic linker's list of what it loaded, and ELF headers at the start of segments.
//
// Sources: System V ABI (gABI chapter 5, "Dynamic Linking"), <link.h> of glibc (struct r_debug, struct link_map) and
// the rendezvous it documents (AT_PHDR → PT_DYNAMIC → DT_DEBUG → r_debug → r_map).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/elf_core.h"
#include "formats/process_image.h"

namespace formats {

/// One struct link_map.
struct LoadedObject {
  std::uint64_t base = 0;  ///< l_addr: what was added to the file's virtual addresses; 0 for a program that is not PIE
  std::uint64_t dynamic = 0;  ///< l_ld: where its dynamic section is
  std::string name;           ///< l_name: a path, "" for the program itself
};

/// What the dynamic linker lists, in its order; the program comes first. Empty for a static program, or when the way
/// to the list is absent from the core. A list that is cyclic, cut or overwritten ends there; at most 16,384 objects.
/// Where the program's headers are absent, its dynamic section is searched for: O(present bytes).
[[nodiscard]] std::vector<LoadedObject> read_link_map(const ProcessImage& image);

/// Mappings of every loaded file, by start, none overlapping another: those of the link map, and what has an ELF header
/// at the start of a segment (named by its DT_SONAME, else "[build-id 1f2e…]", else "[elf 0x…]"). The vDSO is no file.
/// Where an object's headers are absent, the segments at its base, of its dynamic section and of the data behind it are
/// given, with `file_offset` counted in addresses from its start (from 0 if even that is unknown); otherwise starts,
/// ends and offsets are those of NT_FILE. Paths are the linker's, often links to those of NT_FILE.
[[nodiscard]] std::vector<elf::FileMapping> find_mapped_files(const ProcessImage& image);

/// Fills in `core.files` by find_mapped_files() when the core has none. A ProcessImage made before does not know them:
/// make it afterwards. Returns whether files were found so.
bool complete_files(elf::Core& core);

}  // namespace formats

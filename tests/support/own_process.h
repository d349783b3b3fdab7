// This test program as the module of a synthetic core: its own file is at hand wherever the tests run, its functions
// and build are known, and nothing has to be compiled or crashed.
#pragma once

#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

#include "formats/module_file.h"
#include "tests/support/core_writer.h"

namespace tests {

inline std::string own_path() {
  std::string path(4096, '\0');
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
  path.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return path;
}

inline std::string own_first_page() {
  std::string page(4096, '\0');
  std::ifstream(own_path(), std::ios::binary).read(page.data(), static_cast<std::streamsize>(page.size()));
  return page;
}

/// Where this program is loaded: the bias of its addresses.
inline std::uint64_t own_bias() {
  std::uint64_t bias = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {  // the program comes first
        *static_cast<std::uint64_t*>(to) = info->dlpi_addr;
        return 1;
      },
      &bias);
  return bias;
}

template <typename T>
std::uint64_t address_of(T* object) {
  return reinterpret_cast<std::uint64_t>(object);
}

/// What the kernel writes of a program by default: its mappings, of which only the first page and what is writable is
/// dumped. `first_page` is at most 4096 bytes of what the core has there ("" = not even that).
inline void add_module(CoreWriter& core, const formats::ModuleHeaders& headers, std::uint64_t bias,
                       const std::string& path, const std::string& first_page) {
  constexpr std::uint64_t page = 4096;
  std::uint64_t last = 0;
  bool first = true;
  for (const formats::LoadHeader& load : headers.loads) {
    const std::uint64_t start = std::max(last, bias + (load.address & ~(page - 1)));
    const std::uint64_t end = (bias + load.address + load.file_size + page - 1) & ~(page - 1);
    if (end <= start) continue;
    last = end;
    const std::string permissions = load.writable ? "rw" : load.executable ? "rx" : "r";
    const std::uint64_t offset = (load.file_offset & ~(page - 1)) + (start - (bias + (load.address & ~(page - 1))));
    core.file(start, end, offset, path);
    if (load.writable) {
      core.segment(start, std::string(static_cast<std::size_t>(end - start), '\x5a'), permissions);
    } else if (first && !first_page.empty()) {
      core.partly_dumped(start, first_page, end - start, permissions);
    } else {
      core.absent(start, end - start, permissions);
    }
    first = false;
  }
  core.auxiliary(9, bias + headers.entry);  // AT_ENTRY
}

}  // namespace tests
